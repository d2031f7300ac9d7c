"""From the pairs of a group of atoms to moments, to channels, to invariants."""

from __future__ import annotations

import numpy as np

from limlff.kernels.contractions import (
    add_moments,
)
from limlff.kernels.invariants import (
    forward_1,
    forward_2,
    forward_3,
    forward_4,
)
from limlff.kernels.layout import PAIRS_AT_A_TIME
from limlff.kernels.pair_terms import fill_pairs
from limlff.kernels.readout import clear_rows
from limlff.simd.lanes import (
    broadcast,
    kernel_function,
    load,
    load_broadcast,
    smaller,
    store,
    zero_like,
)
from limlff.simd.products import add_products


@kernel_function
def sum_moments(buffers, sizes, cutoff):
    """Fill the pair buffer and sum the moments, some pairs at a time that fit the first cache.

    Leaves the smallest squared distance of each lane in the first row of `totals`.
    """
    stride, pitch = sizes.pair_rows, sizes.elements * sizes.padded_radial
    clear_rows(buffers.moments, np.int64(0), sizes.padded_harmonics * pitch)
    nearest = broadcast(4.0 * cutoff * cutoff, zero_like(buffers.pairs))
    for element in range(sizes.elements):
        last, row = buffers.ends[element + 1], element * sizes.padded_radial
        for begin in range(buffers.ends[element], last, PAIRS_AT_A_TIME):
            end = min(begin + PAIRS_AT_A_TIME, last)
            found = fill_pairs(buffers, begin, end, row, cutoff, sizes)
            nearest = smaller(found, nearest)
            add_moments(
                buffers.moments, row, pitch, buffers.pairs, begin * stride, end * stride, sizes
            )
    store(buffers.totals, 0, nearest)


@kernel_function
def mix_channels(out, inputs, net, outputs, count, transposed):
    """Mix moments into channels, or derivatives by channels into those by moments."""
    for degree in range(net.sizes.degree + 1):
        place = net.segments[2 * degree + transposed]
        first, rows = degree * degree, 2 * degree + 1
        for m in range(first, first + rows):
            clear_rows(out, m * outputs, outputs)
        add_products(
            out,
            first * outputs,
            outputs,
            net.weights,
            place,
            inputs,
            first * count,
            count,
            outputs,
            count,
            rows,
        )


@kernel_function
def form_invariants(buffers, net):
    """Invariants of the channels, less their means."""
    width, degree = net.sizes.channels, net.sizes.degree
    channels, invariants, slopes = buffers.channels, buffers.invariants, buffers.cubic_slopes
    for c in range(width):
        if degree == 1:
            forward_1(channels, invariants, slopes, c, width)
        elif degree == 2:
            forward_2(channels, invariants, slopes, c, width)
        elif degree == 3:
            forward_3(channels, invariants, slopes, c, width)
        else:
            forward_4(channels, invariants, slopes, c, width)
    means = net.segments[2 * (degree + 1)]
    for i in range(net.sizes.invariants):
        store(invariants, i, load(invariants, i) - load_broadcast(net.weights, means + i))
