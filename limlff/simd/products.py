"""Products of small matrices with vectors of rows, a few vectors at a time.

Matrices are packed so that the weights of 4 outputs lie side by side (`pack_matrix`): a tile of
outputs of up to three vectors stays in registers while the inputs pass by, and each weight is
loaded once for all of the vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.simd.lanes import kernel_function, variant
from limlff.simd.tiles import add_each_with_each, broadcasts_of, rows_of, tile_of

TILE = 4


def pack_matrix(matrix: Float[np.ndarray, "outputs inputs"]) -> Float[np.ndarray, " entries"]:
    """Tiles of 4 outputs, then a pair of outputs; within a tile input by input.

    The number of outputs must be even.
    """
    outputs = len(matrix)
    whole = outputs - outputs % TILE
    tiles = [matrix[first : first + TILE].T.ravel() for first in range(0, whole, TILE)]
    tiles += [matrix[first : first + 2].T.ravel() for first in range(whole, outputs, 2)]
    return np.concatenate(tiles)


@kernel_function
def add_products(
    out, out_row, out_pitch, weights, place, inputs, in_row, in_pitch, outputs, count, vectors
):
    """Add a packed matrix times vectors to vectors.

    Args:
        out: Buffer of the vectors that are added to.
        out_row: First row of the first of them.
        out_pitch: Rows from one to the next.
        weights: Memory with the matrix.
        place: Where it begins.
        inputs: Buffer of the vectors that are multiplied.
        in_row: First row of the first of them.
        in_pitch: Rows from one to the next.
        outputs: Rows of the matrix, an even number.
        count: Columns of the matrix.
        vectors: Number of vectors.
    """
    vector = 0
    while vector < vectors:
        row, x = out_row + vector * out_pitch, in_row + vector * in_pitch
        left = vectors - vector
        if left == 3 or left > 4:
            if count == 10:
                _add_three_of_10(
                    out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count
                )
            elif count == 16:
                _add_three_of_16(
                    out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count
                )
            else:
                _add_three(out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count)
            vector += 3
        elif left > 1:
            _add_two(out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count)
            vector += 2
        else:
            _add_one(out, row, weights, place, inputs, x, outputs, count)
            vector += 1


def _add_to(vectors: int, known: int = 0) -> Any:
    """Product with so many vectors; known, if not zero, is the number of columns.

    Loops of known length are unrolled; around short ones the compiler puts more code than in them.
    """
    (_, load_four, store_four), (_, load_two, store_two) = tile_of(vectors, 4), tile_of(vectors, 2)
    load_vectors, four_weights, two_weights = rows_of(vectors), broadcasts_of(4), broadcasts_of(2)

    @kernel_function
    @variant(vectors, known)
    def add(out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count):
        columns = known if known > 0 else count
        first = 0
        while first + 4 <= outputs:
            sums = load_four(out, row, out_pitch)
            for i in range(columns):
                passing = load_vectors(inputs, x + i, in_pitch)
                sums = add_each_with_each(sums, passing, four_weights(weights, place))
                place += 4
            store_four(out, row, out_pitch, sums)
            first, row = first + 4, row + 4
        if first < outputs:
            sums = load_two(out, row, out_pitch)
            for i in range(columns):
                passing = load_vectors(inputs, x + i, in_pitch)
                sums = add_each_with_each(sums, passing, two_weights(weights, place))
                place += 2
            store_two(out, row, out_pitch, sums)

    return add


_add_three, _add_three_of_10, _add_three_of_16 = (_add_to(3, known) for known in (0, 10, 16))
_add_two, _add_up_to_seven_outputs = _add_to(2), _add_to(1)
_, _load_four, _store_four = tile_of(1, 4)
_load_vector, _four_weights = rows_of(1), broadcasts_of(4)


@kernel_function
def _add_one(out, row, weights, place, inputs, x, outputs, count):
    """Product with one vector: two tiles at a time, for enough sums that need not wait."""
    first = 0
    while first + 8 <= outputs:
        other = place + 4 * count
        a, b = _load_four(out, row, 0), _load_four(out, row + 4, 0)
        for i in range(count):
            passing = _load_vector(inputs, x + i, 0)
            a = add_each_with_each(a, passing, _four_weights(weights, place + 4 * i))
            b = add_each_with_each(b, passing, _four_weights(weights, other + 4 * i))
        _store_four(out, row, 0, a)
        _store_four(out, row + 4, 0, b)
        first, row, place = first + 8, row + 8, place + 8 * count
    if first < outputs:
        _add_up_to_seven_outputs(out, row, 0, weights, place, inputs, x, 0, outputs - first, count)
