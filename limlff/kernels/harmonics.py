"""Spherical harmonics of pairs, one pair of each atom in a lane at a time, and their gradient.

Formulas: `limlff.models.angular`, to which tests hold these; layout: `limlff.kernels.pair_terms`.
"""

from __future__ import annotations

from math import sqrt

from limlff.simd.lanes import kernel_function, load, part_of_caller, store

_SQRT3 = sqrt(3)
# Factors of the harmonics of degree 3 and 4, in the order of `limlff.models.angular`.
_A3, _B3, _C3 = sqrt(5 / 8), sqrt(15), sqrt(3 / 8)
_A4, _B4, _C4, _D4 = sqrt(35) / 2, sqrt(35 / 8), sqrt(5) / 2, sqrt(5 / 8)


@kernel_function
def fill_harmonics(pairs, first, last, sizes):
    """Harmonics from degree 2 on, of the unit vectors."""
    for pair in range(first, last):
        row = pair * sizes.pair_rows + sizes.padded_radial
        _fill_harmonics_of_pair(pairs, row, sizes.degree)


@kernel_function
def _fill_harmonics_of_pair(pairs, row, degree):
    y, z, x = load(pairs, row), load(pairs, row + 1), load(pairs, row + 2)
    x2, y2, z2 = x * x, y * y, z * z
    if degree >= 2:
        store(pairs, row + 3, _SQRT3 * x * y)
        store(pairs, row + 4, _SQRT3 * y * z)
        store(pairs, row + 5, 1.5 * z2 - 0.5)
        store(pairs, row + 6, _SQRT3 * x * z)
        store(pairs, row + 7, 0.5 * _SQRT3 * (x2 - y2))
    if degree >= 3:
        store(pairs, row + 8, _A3 * y * (3.0 * x2 - y2))
        store(pairs, row + 9, _B3 * x * y * z)
        store(pairs, row + 10, _C3 * y * (5.0 * z2 - 1.0))
        store(pairs, row + 11, z * (2.5 * z2 - 1.5))
        store(pairs, row + 12, _C3 * x * (5.0 * z2 - 1.0))
        store(pairs, row + 13, 0.5 * _B3 * z * (x2 - y2))
        store(pairs, row + 14, _A3 * x * (x2 - 3.0 * y2))
    if degree >= 4:
        store(pairs, row + 15, _A4 * x * y * (x2 - y2))
        store(pairs, row + 16, _B4 * y * z * (3.0 * x2 - y2))
        store(pairs, row + 17, _C4 * x * y * (7.0 * z2 - 1.0))
        store(pairs, row + 18, _D4 * y * z * (7.0 * z2 - 3.0))
        store(pairs, row + 19, 0.125 * (35.0 * z2 * z2 - 30.0 * z2 + 3.0))
        store(pairs, row + 20, _D4 * x * z * (7.0 * z2 - 3.0))
        store(pairs, row + 21, 0.5 * _C4 * (x2 - y2) * (7.0 * z2 - 1.0))
        store(pairs, row + 22, _B4 * x * z * (x2 - 3.0 * y2))
        store(pairs, row + 23, 0.25 * _A4 * (x2 * (x2 - 3.0 * y2) - y2 * (3.0 * x2 - y2)))


@part_of_caller
def harmonic_gradient(weights, first, pairs, row, degree):
    """Gradient by the unit vector of the sum of weights times harmonics; components.

    Args:
        weights: Buffer with the weights.
        first: Row of the weight of degree 0.
        pairs: Pair buffer.
        row: Row of the first harmonic of degree 1.
        degree: Largest degree.

    Its part along the unit vector depends on how the harmonics go on off the sphere; the caller
    projects it out.
    """
    y, z, x = load(pairs, row), load(pairs, row + 1), load(pairs, row + 2)
    gx, gy, gz = load(weights, first + 3), load(weights, first + 1), load(weights, first + 2)
    if degree >= 2:
        a, b = _SQRT3 * load(weights, first + 4), _SQRT3 * load(weights, first + 5)
        c, d = 3.0 * load(weights, first + 6), _SQRT3 * load(weights, first + 7)
        e = _SQRT3 * load(weights, first + 8)
        gx += a * y + d * z + e * x
        gy += a * x + b * z - e * y
        gz += b * y + c * z + d * x
    if degree >= 3:
        x2, y2, z2 = x * x, y * y, z * z
        a, b = (3.0 * _A3) * load(weights, first + 9), _B3 * load(weights, first + 10)
        c, d = _C3 * load(weights, first + 11), 1.5 * load(weights, first + 12)
        e, f = _C3 * load(weights, first + 13), _B3 * load(weights, first + 14)
        g = (3.0 * _A3) * load(weights, first + 15)
        polar = 5.0 * z2 - 1.0
        difference, product = x2 - y2, 2.0 * x * y
        gx += a * product + b * y * z + e * polar + f * z * x + g * difference
        gy += a * difference + b * x * z + c * polar - f * z * y - g * product
        gz += b * x * y + (c * y + e * x) * (10.0 * z) + d * polar + 0.5 * f * difference
    if degree >= 4:
        fx, fy, fz = _gradient_of_degree_4(weights, first, x, y, z)
        gx, gy, gz = gx + fx, gy + fy, gz + fz
    return gx, gy, gz


@kernel_function
def _gradient_of_degree_4(weights, first, x, y, z):
    x2, y2, z2 = x * x, y * y, z * z
    a, b = _A4 * load(weights, first + 16), _B4 * load(weights, first + 17)
    c, d = _C4 * load(weights, first + 18), _D4 * load(weights, first + 19)
    e, f = 2.5 * load(weights, first + 20), _D4 * load(weights, first + 21)
    g, h = 0.5 * _C4 * load(weights, first + 22), _B4 * load(weights, first + 23)
    k = _A4 * load(weights, first + 24)
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
