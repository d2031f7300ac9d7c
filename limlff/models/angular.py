"""Real spherical harmonics and the coupling of three of them to a scalar.

Harmonics are normalised to sum_m Y_lm(u)^2 = 1 for every unit vector u, so that Y_00 = 1 and the
sum of Y_lm(u) Y_lm(v) over m is the Legendre polynomial P_l(u.v) (addition theorem). Within one l
they are ordered m = -l..l. Formulas:
https://en.wikipedia.org/wiki/Table_of_spherical_harmonics, times sqrt(4 pi / (2 l + 1)).
"""

from __future__ import annotations

from functools import cache
from math import sqrt

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.precision import own_precision

MAX_DEGREE = 4


def harmonics_of_degree(degree: int, unit: Float[Array, "3 ..."]) -> list[Float[Array, "..."]]:
    """The 2l+1 real spherical harmonics of one degree.

    Args:
        degree: l, from 0 to 4.
        unit: Unit vectors, components first.

    Returns:
        One array of the shape of a component for each m = -l..l.

    Raises:
        ValueError: If the degree is not between 0 and 4.
    """
    x, y, z = unit[0], unit[1], unit[2]
    if degree == 0:
        return [jnp.ones_like(x)]
    if degree == 1:
        return [y, z, x]
    if degree == 2:
        a = sqrt(3)
        return [a * x * y, a * y * z, (3 * z * z - 1) / 2, a * x * z, a / 2 * (x * x - y * y)]
    if degree == 3:
        a, b, c = sqrt(5 / 8), sqrt(15), sqrt(3 / 8)
        return [
            a * y * (3 * x * x - y * y),
            b * x * y * z,
            c * y * (5 * z * z - 1),
            z * (5 * z * z - 3) / 2,
            c * x * (5 * z * z - 1),
            b / 2 * z * (x * x - y * y),
            a * x * (x * x - 3 * y * y),
        ]
    if degree == 4:
        a, b, c, d = sqrt(35) / 2, sqrt(35 / 8), sqrt(5) / 2, sqrt(5 / 8)
        x2, y2, z2 = x * x, y * y, z * z
        return [
            a * x * y * (x2 - y2),
            b * y * z * (3 * x2 - y2),
            c * x * y * (7 * z2 - 1),
            d * y * z * (7 * z2 - 3),
            (35 * z2 * z2 - 30 * z2 + 3) / 8,
            d * x * z * (7 * z2 - 3),
            c / 2 * (x2 - y2) * (7 * z2 - 1),
            b * x * z * (x2 - 3 * y2),
            a / 4 * (x2 * (x2 - 3 * y2) - y2 * (3 * x2 - y2)),
        ]
    raise ValueError(f"spherical harmonics of degree {degree} are asked for; at most {MAX_DEGREE}")


def spherical_harmonics(max_degree: int, unit: Float[Array, "3 ..."]) -> Float[Array, "lm ..."]:
    """All real spherical harmonics up to a degree, stacked in the first axis."""
    return jnp.stack([y for l in range(max_degree + 1) for y in harmonics_of_degree(l, unit)])


def cubic_couplings(max_degree: int) -> list[tuple[int, int, int]]:
    """Degrees l1 <= l2 <= l3 (all positive) whose product holds a scalar of even parity."""
    degrees = range(1, max_degree + 1)
    return [
        (l1, l2, l3)
        for l1 in degrees
        for l2 in degrees
        for l3 in degrees
        if l1 <= l2 <= l3 <= l1 + l2 and (l1 + l2 + l3) % 2 == 0
    ]


@cache
@own_precision()  # once for all, whoever asks first
def coupling_terms(l1: int, l2: int, l3: int) -> tuple[tuple[int, int, int, float], ...]:
    """Non-zero coefficients that couple three harmonics to a scalar.

    They are Gaunt coefficients, the mean of Y1 Y2 Y3 over the sphere, from a quadrature that is
    exact for polynomials of this degree; scaled so that the sum of their squares is one.

    Returns:
        (m1, m2, m3, coefficient), each m counted from zero.
    """
    heights, weights = np.polynomial.legendre.leggauss(8)
    angles = 2 * np.pi * np.arange(16) / 16
    radii = np.sqrt(1 - heights**2)
    unit = np.stack(
        [
            np.outer(radii, np.cos(angles)).ravel(),
            np.outer(radii, np.sin(angles)).ravel(),
            np.repeat(heights, 16),
        ]
    )
    with jax.ensure_compile_time_eval():  # numbers also while a function is being traced
        first, second, third = (
            np.array(jnp.stack(harmonics_of_degree(l, jnp.asarray(unit)))) for l in (l1, l2, l3)
        )
    gaunt = np.einsum("in,jn,kn,n->ijk", first, second, third, np.repeat(weights, 16) / 32)
    gaunt /= np.linalg.norm(gaunt)
    kept = np.argwhere(np.abs(gaunt) > 1e-10)
    return tuple((int(i), int(j), int(k), float(gaunt[i, j, k])) for i, j, k in kept)
