"""What the moment kernel does for each pair of atoms, one pair of each atom in a lane at a time.

The rows of a neighbor pair in the pair buffer are

    radial functions | harmonics from degree 1 on | s | 1 / distance | distance

with s the squared distance over the squared cutoff; the harmonics of degree 1 are y, z and x of the
unit vector.
"""

from __future__ import annotations

import numpy as np

from limlff.kernels.harmonics import fill_harmonics, harmonic_gradient
from limlff.kernels.radial import fill_radial
from limlff.simd.lanes import (
    broadcast,
    kernel_function,
    load,
    multiply_add,
    smaller,
    square_root,
    store,
    zero_like,
)
from limlff.simd.quads import QUAD, quads_at, transposed


@kernel_function
def fill_pairs(buffers, first, last, moment_row, cutoff, sizes):
    """Radial functions and harmonics of some pairs, an even number, from the vectors.

    The radial functions are added to their moments of degree 0, whose harmonic is 1. Returns the
    smallest squared distance of each lane.

    Each pass does little for many pairs, so that the processor, which looks ahead some hundred
    instructions, finds other pairs to work on while one waits for its square root or recurrence.
    """
    nearest = _fill_vectors(buffers, first, last, cutoff, sizes)
    fill_radial(buffers, first, last, moment_row, sizes)
    fill_harmonics(buffers.pairs, first, last, sizes)
    return nearest


@kernel_function
def _fill_vectors(buffers, first, last, cutoff, sizes):
    """Unit vectors, s, distances and their inverses."""
    pairs, vectors = buffers.pairs, buffers.vectors
    lane, angular = QUAD * buffers.room, sizes.padded_radial
    rest, scale = angular + sizes.padded_harmonics - 1, 1.0 / (cutoff * cutoff)
    nearest = broadcast(4.0 * cutoff * cutoff, zero_like(pairs))
    for pair in range(first, last):
        place, row = QUAD * pair, pair * sizes.pair_rows
        # in memory they lie atom by atom
        x, y, z, _ = transposed(
            quads_at(vectors, place, QUAD * lane),
            quads_at(vectors, place + lane, QUAD * lane),
            quads_at(vectors, place + 2 * lane, QUAD * lane),
            quads_at(vectors, place + 3 * lane, QUAD * lane),
        )
        squared = multiply_add(x, x, multiply_add(y, y, z * z))
        nearest = smaller(squared, nearest)
        inverse = 1.0 / square_root(squared)
        store(pairs, row + rest, smaller(broadcast(1.0, squared), squared * scale))
        store(pairs, row + angular, y * inverse)
        store(pairs, row + angular + 1, z * inverse)
        store(pairs, row + angular + 2, x * inverse)
        store(pairs, row + rest + 1, inverse)
        store(pairs, row + rest + 2, squared * inverse)
    return nearest


@kernel_function
def pull_back_vectors(buffers, first, last, cutoff, sizes):
    """Derivatives by the vectors of some pairs, from those by s and harmonics.

    x and y replace the first two radial functions, z that by s: none of them is needed any more.
    """
    pairs, weights, factor = buffers.pairs, buffers.harmonic_weights, 2.0 / (cutoff * cutoff)
    place = np.int64(0)
    for pair in range(first, last):
        row = pair * sizes.pair_rows
        unit = row + sizes.padded_radial
        x, y, z = harmonic_gradient(weights, place, pairs, unit, sizes.degree)
        uy, uz, ux = load(pairs, unit), load(pairs, unit + 1), load(pairs, unit + 2)
        rest = unit + sizes.padded_harmonics - 1
        by_s, inverse = load(pairs, rest), load(pairs, rest + 1)
        distance = load(pairs, rest + 2)
        along = multiply_add(x, ux, multiply_add(y, uy, z * uz))
        radial = by_s * distance * factor - along * inverse
        store(pairs, row, multiply_add(x, inverse, radial * ux))
        store(pairs, row + 1, multiply_add(y, inverse, radial * uy))
        store(pairs, rest, multiply_add(z, inverse, radial * uz))
        place += sizes.padded_harmonics


def rows_of_pair(padded_radial: int, padded_harmonics: int) -> int:
    """Rows of a neighbor pair in the pair buffer."""
    return padded_radial + padded_harmonics + 2


def padded(count: int, multiple: int) -> int:
    """The count rounded up to a multiple."""
    return int(-(-count // multiple) * multiple)
