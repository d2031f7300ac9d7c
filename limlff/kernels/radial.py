"""Radial functions of pairs, one pair of each atom in a lane at a time, and their derivatives.

Two pairs are treated together, so that one can go on while the other waits for its recurrence.
Formulas: `limlff.models.radial`, to which tests hold these; layout: `limlff.kernels.pair_terms`.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from limlff.simd.lanes import kernel_function, load, multiply_add, store, variant


def _radial_functions(known: int) -> Any:
    """Chebyshev polynomials times (1 - s)^3 by recurrence; known, if not 0, is their number.

    Loops of known length are unrolled; around short ones the compiler puts more code than in them.
    """

    @kernel_function
    @variant(known)
    def fill(buffers, first, last, moment_row, sizes):
        count = known if known > 0 else sizes.radial
        pairs, moments = buffers.pairs, buffers.moments
        place_of_s = sizes.padded_radial + sizes.padded_harmonics - 1
        for pair in range(first, last, 2):
            row = pair * sizes.pair_rows
            other = row + sizes.pair_rows
            s, t = load(pairs, row + place_of_s), load(pairs, other + place_of_s)
            a, b = s + s - 1.0, t + t - 1.0
            twice_a, twice_b = a + a, b + b
            rest_a, rest_b = 1.0 - s, 1.0 - t
            before_a, before_b = rest_a * rest_a * rest_a, rest_b * rest_b * rest_b
            now_a, now_b = a * before_a, b * before_b
            store(pairs, row, before_a)
            store(pairs, other, before_b)
            store(moments, moment_row, load(moments, moment_row) + (before_a + before_b))
            for n in range(1, count):
                store(pairs, row + n, now_a)
                store(pairs, other + n, now_b)
                store(moments, moment_row + n, load(moments, moment_row + n) + (now_a + now_b))
                following_a, following_b = twice_a * now_a - before_a, twice_b * now_b - before_b
                before_a, now_a, before_b, now_b = now_a, following_a, now_b, following_b

    return fill


_fill, _fill_8, _fill_10 = map(_radial_functions, (0, 8, 10))


@kernel_function
def fill_radial(buffers, first, last, moment_row, sizes):
    """Radial functions of some pairs; they are added to their moments of degree 0 too."""
    if sizes.radial == 10:
        _fill_10(buffers, first, last, moment_row, sizes)
    elif sizes.radial == 8:
        _fill_8(buffers, first, last, moment_row, sizes)
    else:
        _fill(buffers, first, last, moment_row, sizes)


def _radial_derivatives(known: int) -> Any:
    """Derivatives by s; known, if not zero, is the number of radial functions."""

    @kernel_function
    @variant(known)
    def pull_back(buffers, first, last, sizes):
        count = known if known > 0 else sizes.radial
        pairs, weights, radial = buffers.pairs, buffers.radial_weights, sizes.padded_radial
        place_of_s, place = radial + sizes.padded_harmonics - 1, np.int64(0)
        for pair in range(first, last, 2):
            row = pair * sizes.pair_rows
            other = row + sizes.pair_rows
            s, t = load(pairs, row + place_of_s), load(pairs, other + place_of_s)
            a, b = s + s - 1.0, t + t - 1.0
            twice_a, twice_b = a + a, b + b
            rest_a, rest_b = 1.0 - s, 1.0 - t
            before_a, before_b = -3.0 * (rest_a * rest_a), -3.0 * (rest_b * rest_b)
            value_a, value_b = load(pairs, row), load(pairs, other)
            slope_a = multiply_add(a, before_a, value_a + value_a)
            slope_b = multiply_add(b, before_b, value_b + value_b)
            total_a = load(weights, place) * before_a
            total_b = load(weights, place + radial) * before_b
            for n in range(1, count):
                total_a = multiply_add(load(weights, place + n), slope_a, total_a)
                total_b = multiply_add(load(weights, place + radial + n), slope_b, total_b)
                after_a = twice_a * slope_a + (4.0 * load(pairs, row + n) - before_a)
                after_b = twice_b * slope_b + (4.0 * load(pairs, other + n) - before_b)
                before_a, slope_a, before_b, slope_b = slope_a, after_a, slope_b, after_b
            store(pairs, row + place_of_s, total_a)
            store(pairs, other + place_of_s, total_b)
            place += 2 * radial

    return pull_back


_by_radial, _by_radial_8, _by_radial_10 = map(_radial_derivatives, (0, 8, 10))


@kernel_function
def pull_back_distances(buffers, first, last, sizes):
    """Derivatives by s of some pairs, from those by the radial functions; in the place of s.

    The functions' own derivatives follow from the recurrence, d/ds being 2 d/dx.
    """
    if sizes.radial == 10:
        _by_radial_10(buffers, first, last, sizes)
    elif sizes.radial == 8:
        _by_radial_8(buffers, first, last, sizes)
    else:
        _by_radial(buffers, first, last, sizes)
