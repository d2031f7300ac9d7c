"""What the moment kernel does for each pair of atoms, one pair of each atom in a lane at a time.

The rows of a neighbor slot in the pair buffer are

    radial functions | their derivatives by s | harmonics | unit vector (3) | 1 / distance

with s the squared distance over the squared cutoff. Formulas: `limlff.models.radial` and
`limlff.models.angular`, to which tests hold these.
"""

from __future__ import annotations

from math import sqrt

from limlff.kernels.lanes import (
    as_lanes,
    kernel_function,
    load,
    multiply_add,
    smaller,
    square_root,
    store,
    zero_like,
)

_SQRT3 = sqrt(3)
# Factors of the harmonics of degree 3 and 4, in the order of `limlff.models.angular`.
_A3, _B3, _C3 = sqrt(5 / 8), sqrt(15), sqrt(3 / 8)
_A4, _B4, _C4, _D4 = sqrt(35) / 2, sqrt(35 / 8), sqrt(5) / 2, sqrt(5 / 8)


@kernel_function
def fill_slot(pairs, row, vectors, vector_row, cutoff, sizes):
    """Radial functions and harmonics of one slot, from the vectors to its neighbors."""
    x, y, z = (
        load(vectors, vector_row),
        load(vectors, vector_row + 1),
        load(vectors, vector_row + 2),
    )
    squared = multiply_add(x, x, multiply_add(y, y, z * z))
    inverse = 1.0 / square_root(squared)
    s = smaller(squared * (1.0 / (cutoff * cutoff)), as_lanes(1.0, squared))
    _fill_radial(pairs, row, s, sizes.radial, sizes.padded_radial)
    ux, uy, uz = x * inverse, y * inverse, z * inverse
    angular = row + 2 * sizes.padded_radial
    _fill_harmonics(pairs, angular, ux, uy, uz, sizes.degree)
    unit = angular + sizes.padded_harmonics
    store(pairs, unit, ux)
    store(pairs, unit + 1, uy)
    store(pairs, unit + 2, uz)
    store(pairs, unit + 3, inverse)


@kernel_function
def _fill_radial(pairs, row, s, radial, padded):
    x = 2.0 * s - 1.0
    rest = 1.0 - s
    bump = rest * rest * rest
    slope = -3.0 * (rest * rest)
    before, now = as_lanes(1.0, x), x
    before_slope, now_slope = as_lanes(0.0, x), as_lanes(2.0, x)
    store(pairs, row, bump)
    store(pairs, row + padded, slope)
    for n in range(1, radial):
        store(pairs, row + n, now * bump)
        store(pairs, row + padded + n, multiply_add(now_slope, bump, now * slope))
        following = 2.0 * x * now - before
        following_slope = 4.0 * now + 2.0 * x * now_slope - before_slope
        before, now = now, following
        before_slope, now_slope = now_slope, following_slope


@kernel_function
def _fill_harmonics(pairs, row, x, y, z, degree):
    store(pairs, row, as_lanes(1.0, x))
    store(pairs, row + 1, y)
    store(pairs, row + 2, z)
    store(pairs, row + 3, x)
    x2, y2, z2 = x * x, y * y, z * z
    if degree >= 2:
        store(pairs, row + 4, _SQRT3 * x * y)
        store(pairs, row + 5, _SQRT3 * y * z)
        store(pairs, row + 6, 1.5 * z2 - 0.5)
        store(pairs, row + 7, _SQRT3 * x * z)
        store(pairs, row + 8, 0.5 * _SQRT3 * (x2 - y2))
    if degree >= 3:
        store(pairs, row + 9, _A3 * y * (3.0 * x2 - y2))
        store(pairs, row + 10, _B3 * x * y * z)
        store(pairs, row + 11, _C3 * y * (5.0 * z2 - 1.0))
        store(pairs, row + 12, z * (2.5 * z2 - 1.5))
        store(pairs, row + 13, _C3 * x * (5.0 * z2 - 1.0))
        store(pairs, row + 14, 0.5 * _B3 * z * (x2 - y2))
        store(pairs, row + 15, _A3 * x * (x2 - 3.0 * y2))
    if degree >= 4:
        store(pairs, row + 16, _A4 * x * y * (x2 - y2))
        store(pairs, row + 17, _B4 * y * z * (3.0 * x2 - y2))
        store(pairs, row + 18, _C4 * x * y * (7.0 * z2 - 1.0))
        store(pairs, row + 19, _D4 * y * z * (7.0 * z2 - 3.0))
        store(pairs, row + 20, 0.125 * (35.0 * z2 * z2 - 30.0 * z2 + 3.0))
        store(pairs, row + 21, _D4 * x * z * (7.0 * z2 - 3.0))
        store(pairs, row + 22, 0.5 * _C4 * (x2 - y2) * (7.0 * z2 - 1.0))
        store(pairs, row + 23, _B4 * x * z * (x2 - 3.0 * y2))
        store(pairs, row + 24, 0.25 * _A4 * (x2 * (x2 - 3.0 * y2) - y2 * (3.0 * x2 - y2)))


@kernel_function
def harmonic_gradient(weights, pairs, row, degree):
    """Gradient by the unit vector of the sum of weights times harmonics; components.

    Its part along the unit vector depends on how the harmonics go on off the sphere; the caller
    projects it out.
    """
    x, y, z = load(pairs, row), load(pairs, row + 1), load(pairs, row + 2)
    gx, gy, gz = load(weights, 3), load(weights, 1), load(weights, 2)
    if degree >= 2:
        a, b = _SQRT3 * load(weights, 4), _SQRT3 * load(weights, 5)
        c, d = 3.0 * load(weights, 6), _SQRT3 * load(weights, 7)
        e = _SQRT3 * load(weights, 8)
        gx += a * y + d * z + e * x
        gy += a * x + b * z - e * y
        gz += b * y + c * z + d * x
    if degree >= 3:
        x2, y2, z2 = x * x, y * y, z * z
        a, b = (3.0 * _A3) * load(weights, 9), _B3 * load(weights, 10)
        c, d = _C3 * load(weights, 11), 1.5 * load(weights, 12)
        e, f = _C3 * load(weights, 13), _B3 * load(weights, 14)
        g = (3.0 * _A3) * load(weights, 15)
        polar = 5.0 * z2 - 1.0
        difference, product = x2 - y2, 2.0 * x * y
        gx += a * product + b * y * z + e * polar + f * z * x + g * difference
        gy += a * difference + b * x * z + c * polar - f * z * y - g * product
        gz += b * x * y + (c * y + e * x) * (10.0 * z) + d * polar + 0.5 * f * difference
    if degree >= 4:
        fx, fy, fz = _gradient_of_degree_4(weights, x, y, z)
        gx, gy, gz = gx + fx, gy + fy, gz + fz
    return gx, gy, gz


@kernel_function
def _gradient_of_degree_4(weights, x, y, z):
    x2, y2, z2 = x * x, y * y, z * z
    a, b = _A4 * load(weights, 16), _B4 * load(weights, 17)
    c, d = _C4 * load(weights, 18), _D4 * load(weights, 19)
    e, f = 2.5 * load(weights, 20), _D4 * load(weights, 21)
    g, h = 0.5 * _C4 * load(weights, 22), _B4 * load(weights, 23)
    k = _A4 * load(weights, 24)
    first, third = 7.0 * z2 - 1.0, 7.0 * z2 - 3.0
    difference, product = x2 - y2, x * y
    three, minus_three = 3.0 * x2 - y2, x2 - 3.0 * y2
    gx = (
        a * y * three
        + 6.0 * b * product * z
        + c * y * first
        + f * z * third
        + 2.0 * g * x * first
        + 3.0 * h * z * difference
        + k * x * minus_three
    )
    gy = (
        a * x * minus_three
        + 3.0 * b * z * difference
        + c * x * first
        + d * z * third
        - 2.0 * g * y * first
        - 6.0 * h * product * z
        - k * y * three
    )
    gz = (
        b * y * three
        + 14.0 * c * product * z
        + (d * y + f * x) * (21.0 * z2 - 3.0)
        + e * z * third
        + 14.0 * g * z * difference
        + h * x * minus_three
    )
    return gx, gy, gz


@kernel_function
def add_moments(moments, row, pitch, pairs, first, last, stride, radial, harmonics):
    """Add radial functions times harmonics of slots, in tiles of 2 by 4 that stay in registers.

    Args:
        moments: Buffer; row `row + m * pitch + n` is harmonic m, radial function n.
        row: First row to add to.
        pitch: Rows between harmonics.
        pairs: Pair buffer.
        first: First row of the first slot.
        last: First row behind the last slot.
        stride: Rows of a slot.
        radial: Radial functions, an even number.
        harmonics: Harmonics, a multiple of four.
    """
    for m in range(0, harmonics, 4):
        for n in range(0, radial, 2):
            place = row + m * pitch + n
            a0, b0 = load(moments, place), load(moments, place + 1)
            a1, b1 = load(moments, place + pitch), load(moments, place + pitch + 1)
            a2, b2 = load(moments, place + 2 * pitch), load(moments, place + 2 * pitch + 1)
            a3, b3 = load(moments, place + 3 * pitch), load(moments, place + 3 * pitch + 1)
            slot = first  # not by range, which could raise an error for a stride of zero
            while slot < last:
                p, q = load(pairs, slot + n), load(pairs, slot + n + 1)
                y = slot + 2 * radial + m
                y0, y1, y2, y3 = (
                    load(pairs, y),
                    load(pairs, y + 1),
                    load(pairs, y + 2),
                    load(pairs, y + 3),
                )
                a0, b0 = multiply_add(p, y0, a0), multiply_add(q, y0, b0)
                a1, b1 = multiply_add(p, y1, a1), multiply_add(q, y1, b1)
                a2, b2 = multiply_add(p, y2, a2), multiply_add(q, y2, b2)
                a3, b3 = multiply_add(p, y3, a3), multiply_add(q, y3, b3)
                slot += stride
            store(moments, place, a0)
            store(moments, place + 1, b0)
            store(moments, place + pitch, a1)
            store(moments, place + pitch + 1, b1)
            store(moments, place + 2 * pitch, a2)
            store(moments, place + 2 * pitch + 1, b2)
            store(moments, place + 3 * pitch, a3)
            store(moments, place + 3 * pitch + 1, b3)


@kernel_function
def pull_back_slot(gradient, row, pitch, pairs, slot, radial, harmonics, weights):
    """Derivatives of one slot's contribution to the moments, given those by the moments.

    Writes the derivative by each harmonic into `weights` and returns that by s.
    """
    total = zero_like(pairs)
    for m in range(0, harmonics, 4):
        a0 = zero_like(pairs)
        a1, a2, a3, b0, b1, b2, b3 = a0, a0, a0, a0, a0, a0, a0
        place = row + m * pitch
        for n in range(radial):
            value, slope = load(pairs, slot + n), load(pairs, slot + radial + n)
            g0, g1 = load(gradient, place + n), load(gradient, place + pitch + n)
            g2, g3 = load(gradient, place + 2 * pitch + n), load(gradient, place + 3 * pitch + n)
            a0, b0 = multiply_add(value, g0, a0), multiply_add(slope, g0, b0)
            a1, b1 = multiply_add(value, g1, a1), multiply_add(slope, g1, b1)
            a2, b2 = multiply_add(value, g2, a2), multiply_add(slope, g2, b2)
            a3, b3 = multiply_add(value, g3, a3), multiply_add(slope, g3, b3)
        store(weights, m, a0)
        store(weights, m + 1, a1)
        store(weights, m + 2, a2)
        store(weights, m + 3, a3)
        y = slot + 2 * radial + m
        total = multiply_add(b0, load(pairs, y), total)
        total = multiply_add(b1, load(pairs, y + 1), total)
        total = multiply_add(b2, load(pairs, y + 2), total)
        total = multiply_add(b3, load(pairs, y + 3), total)
    return total


def rows_of_slot(padded_radial: int, padded_harmonics: int) -> int:
    """Rows of a neighbor slot in the pair buffer."""
    return 2 * padded_radial + padded_harmonics + 4


def padded(count: int, multiple: int) -> int:
    """The count rounded up to a multiple."""
    return int(-(-count // multiple) * multiple)


__all__ = [
    "add_moments",
    "fill_slot",
    "harmonic_gradient",
    "padded",
    "pull_back_slot",
    "rows_of_slot",
]
