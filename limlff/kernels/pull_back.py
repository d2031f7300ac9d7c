"""From derivatives by the invariants of a group of atoms to forces and virial."""

from __future__ import annotations

import numpy as np

from limlff.kernels.contractions import (
    pull_back_to_harmonics,
    pull_back_to_radial,
)
from limlff.kernels.invariants import (
    backward_1,
    backward_2,
    backward_3,
    backward_4,
)
from limlff.kernels.layout import PAIRS_AT_A_TIME
from limlff.kernels.pair_terms import pull_back_vectors
from limlff.kernels.radial import pull_back_distances
from limlff.kernels.readout import clear_rows
from limlff.simd.lanes import (
    kernel_function,
    load,
    multiply_add,
    offset,
    store,
    zero_like,
)
from limlff.simd.quads import QUAD, add_forces, transposed


@kernel_function
def pull_back_invariants(buffers, net):
    """Derivatives by the channels, in their place, from those by the invariants."""
    width, degree = net.sizes.channels, net.sizes.degree
    channels, gradient, slopes = buffers.channels, buffers.invariants, buffers.cubic_slopes
    for c in range(width):
        if degree == 1:
            backward_1(channels, gradient, slopes, c, width)
        elif degree == 2:
            backward_2(channels, gradient, slopes, c, width)
        elif degree == 3:
            backward_3(channels, gradient, slopes, c, width)
        else:
            backward_4(channels, gradient, slopes, c, width)


@kernel_function
def pull_back_pairs(buffers, used, sizes, cutoff, forces, virial):
    """Forces on the first `used` atoms and all their neighbors, and the virial."""
    stride, pitch, lanes = sizes.pair_rows, sizes.elements * sizes.padded_radial, buffers.lanes
    for k in range(QUAD * lanes):
        buffers.own_forces[k] = 0.0
    clear_rows(buffers.totals, np.int64(0), np.int64(6))
    for element in range(sizes.elements):
        last, row = buffers.ends[element + 1], element * sizes.padded_radial
        for begin in range(buffers.ends[element], last, PAIRS_AT_A_TIME):
            end = min(begin + PAIRS_AT_A_TIME, last)
            rows = begin * stride, end * stride
            pull_back_to_harmonics(
                buffers.moments, row, pitch, buffers.pairs, *rows, sizes, buffers.harmonic_weights
            )
            pull_back_to_radial(
                buffers.moments, row, pitch, buffers.pairs, *rows, sizes, buffers.radial_weights
            )
            pull_back_distances(buffers, begin, end, sizes)
            pull_back_vectors(buffers, begin, end, cutoff, sizes)
            _add_forces_of_pairs(buffers, begin, end, forces, sizes)
    for lane in range(used):
        for k in range(6):
            virial[k] -= buffers.totals[k * lanes + lane]
        on_atom = offset(forces, QUAD * buffers.atoms[lane])
        for axis in range(3):
            on_atom[axis] += buffers.own_forces[QUAD * lane + axis]


@kernel_function
def _add_forces_of_pairs(buffers, first, last, forces, sizes):
    """Add derivatives by the vectors of some pairs to forces and virial."""
    pairs, totals, own, room = buffers.pairs, buffers.totals, buffers.own_forces, buffers.room
    xx, yy, zz = load(totals, 0), load(totals, 1), load(totals, 2)
    yz, xz, xy = load(totals, 3), load(totals, 4), load(totals, 5)
    for pair in range(first, last):
        row = pair * sizes.pair_rows
        unit = row + sizes.padded_radial
        rest = unit + sizes.padded_harmonics - 1
        distance = load(pairs, rest + 2)
        dy, dz = load(pairs, unit) * distance, load(pairs, unit + 1) * distance
        dx = load(pairs, unit + 2) * distance
        x, y, z = load(pairs, row), load(pairs, row + 1), load(pairs, rest)
        xx, yy, zz = multiply_add(x, dx, xx), multiply_add(y, dy, yy), multiply_add(z, dz, zz)
        yz, xz, xy = multiply_add(y, dz, yz), multiply_add(x, dz, xz), multiply_add(x, dy, xy)
        p, q, r, s = transposed(x, y, z, zero_like(pairs))
        neighbors = offset(buffers.neighbors, pair)
        add_forces(p, np.int64(0), forces, own, neighbors, room)
        add_forces(q, np.int64(1), forces, own, neighbors, room)
        add_forces(r, np.int64(2), forces, own, neighbors, room)
        add_forces(s, np.int64(3), forces, own, neighbors, room)
    store(totals, 0, xx)
    store(totals, 1, yy)
    store(totals, 2, zz)
    store(totals, 3, yz)
    store(totals, 4, xz)
    store(totals, 5, xy)
