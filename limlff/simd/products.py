"""Products of small matrices with vectors of rows, a few vectors at a time.

Matrices are packed so that the weights of 4 outputs lie side by side (`pack_matrix`): a tile of
outputs of up to three vectors stays in registers while the inputs pass by, and each weight is
loaded once for all of the vectors.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.simd.lanes import kernel_function, load, load_broadcast, multiply_add, store

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


def _for_three(known: int) -> Any:
    """Product with three vectors; known, if not zero, is the number of columns.

    Loops of known length are unrolled; around short ones the compiler puts more code than in them.
    """

    @kernel_function
    def add(out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count):
        columns = known if known > 0 else count
        first = 0
        while first + 4 <= outputs:
            a, b, c = row, row + out_pitch, row + 2 * out_pitch
            a0, a1, a2, a3 = load(out, a), load(out, a + 1), load(out, a + 2), load(out, a + 3)
            b0, b1, b2, b3 = load(out, b), load(out, b + 1), load(out, b + 2), load(out, b + 3)
            c0, c1, c2, c3 = load(out, c), load(out, c + 1), load(out, c + 2), load(out, c + 3)
            for i in range(columns):
                u, v = load(inputs, x + i), load(inputs, x + in_pitch + i)
                t = load(inputs, x + 2 * in_pitch + i)
                w = load_broadcast(weights, place)
                a0, b0, c0 = multiply_add(w, u, a0), multiply_add(w, v, b0), multiply_add(w, t, c0)
                w = load_broadcast(weights, place + 1)
                a1, b1, c1 = multiply_add(w, u, a1), multiply_add(w, v, b1), multiply_add(w, t, c1)
                w = load_broadcast(weights, place + 2)
                a2, b2, c2 = multiply_add(w, u, a2), multiply_add(w, v, b2), multiply_add(w, t, c2)
                w = load_broadcast(weights, place + 3)
                a3, b3, c3 = multiply_add(w, u, a3), multiply_add(w, v, b3), multiply_add(w, t, c3)
                place += 4
            _store_four(out, a, a0, a1, a2, a3)
            _store_four(out, b, b0, b1, b2, b3)
            _store_four(out, c, c0, c1, c2, c3)
            first, row = first + 4, row + 4
        if first < outputs:
            a, b, c = row, row + out_pitch, row + 2 * out_pitch
            a0, a1, b0, b1 = load(out, a), load(out, a + 1), load(out, b), load(out, b + 1)
            c0, c1 = load(out, c), load(out, c + 1)
            for i in range(columns):
                u, v = load(inputs, x + i), load(inputs, x + in_pitch + i)
                t = load(inputs, x + 2 * in_pitch + i)
                w = load_broadcast(weights, place)
                a0, b0, c0 = multiply_add(w, u, a0), multiply_add(w, v, b0), multiply_add(w, t, c0)
                w = load_broadcast(weights, place + 1)
                a1, b1, c1 = multiply_add(w, u, a1), multiply_add(w, v, b1), multiply_add(w, t, c1)
                place += 2
            _store_two(out, a, a0, a1)
            _store_two(out, b, b0, b1)
            _store_two(out, c, c0, c1)

    return add


_add_three, _add_three_of_10, _add_three_of_16 = map(_for_three, (0, 10, 16))


@kernel_function
def _add_two(out, row, out_pitch, weights, place, inputs, x, in_pitch, outputs, count):
    first = 0
    while first + 4 <= outputs:
        a, b = row, row + out_pitch
        a0, a1, a2, a3 = load(out, a), load(out, a + 1), load(out, a + 2), load(out, a + 3)
        b0, b1, b2, b3 = load(out, b), load(out, b + 1), load(out, b + 2), load(out, b + 3)
        for i in range(count):
            u, v = load(inputs, x + i), load(inputs, x + in_pitch + i)
            w = load_broadcast(weights, place)
            a0, b0 = multiply_add(w, u, a0), multiply_add(w, v, b0)
            w = load_broadcast(weights, place + 1)
            a1, b1 = multiply_add(w, u, a1), multiply_add(w, v, b1)
            w = load_broadcast(weights, place + 2)
            a2, b2 = multiply_add(w, u, a2), multiply_add(w, v, b2)
            w = load_broadcast(weights, place + 3)
            a3, b3 = multiply_add(w, u, a3), multiply_add(w, v, b3)
            place += 4
        _store_four(out, a, a0, a1, a2, a3)
        _store_four(out, b, b0, b1, b2, b3)
        first, row = first + 4, row + 4
    if first < outputs:
        _add_pair(out, row, weights, place, np.int64(2), inputs, x, count)
        _add_pair(out, row + out_pitch, weights, place, np.int64(2), inputs, x + in_pitch, count)


@kernel_function
def _add_one(out, row, weights, place, inputs, x, outputs, count):
    first = 0
    while first + 8 <= outputs:
        other = place + 4 * count
        a0, a1, a2, a3 = load(out, row), load(out, row + 1), load(out, row + 2), load(out, row + 3)
        b = row + 4
        b0, b1, b2, b3 = load(out, b), load(out, b + 1), load(out, b + 2), load(out, b + 3)
        for i in range(count):
            u = load(inputs, x + i)
            w = 4 * i
            a0 = multiply_add(load_broadcast(weights, place + w), u, a0)
            a1 = multiply_add(load_broadcast(weights, place + w + 1), u, a1)
            a2 = multiply_add(load_broadcast(weights, place + w + 2), u, a2)
            a3 = multiply_add(load_broadcast(weights, place + w + 3), u, a3)
            b0 = multiply_add(load_broadcast(weights, other + w), u, b0)
            b1 = multiply_add(load_broadcast(weights, other + w + 1), u, b1)
            b2 = multiply_add(load_broadcast(weights, other + w + 2), u, b2)
            b3 = multiply_add(load_broadcast(weights, other + w + 3), u, b3)
        _store_four(out, row, a0, a1, a2, a3)
        _store_four(out, b, b0, b1, b2, b3)
        first, row, place = first + 8, row + 8, place + 8 * count
    while first + 4 <= outputs:
        _add_pair(out, row, weights, place, np.int64(4), inputs, x, count)
        _add_pair(out, row + 2, weights, place + 2, np.int64(4), inputs, x, count)
        first, row, place = first + 4, row + 4, place + 4 * count
    if first < outputs:
        _add_pair(out, row, weights, place, np.int64(2), inputs, x, count)


@kernel_function
def _add_pair(out, row, weights, place, pitch, inputs, x, count):
    """Two outputs whose weights lie side by side, every `pitch` numbers."""
    a0, a1 = load(out, row), load(out, row + 1)
    for i in range(count):
        u = load(inputs, x + i)
        a0 = multiply_add(load_broadcast(weights, place), u, a0)
        a1 = multiply_add(load_broadcast(weights, place + 1), u, a1)
        place += pitch
    store(out, row, a0)
    store(out, row + 1, a1)


@kernel_function
def _store_four(out, row, a, b, c, d):
    store(out, row, a)
    store(out, row + 1, b)
    store(out, row + 2, c)
    store(out, row + 3, d)


@kernel_function
def _store_two(out, row, a, b):
    store(out, row, a)
    store(out, row + 1, b)
