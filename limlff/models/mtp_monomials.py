"""Monomials x^a y^b z^c up to a degree, with a derivative that is made of monomials again.

Left to itself, XLA on CPU computes every monomial again for each derivative that holds it: several
times slower, and a minute to compile.
"""

from __future__ import annotations

from functools import cache, partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.models.mtp_schedule import Rows, choose_rows, take_rows


@cache
def monomials_up_to(degree: int) -> tuple[tuple[int, int, int], ...]:
    """Exponents (a, b, c) of all monomials up to a degree, by rising degree."""
    return tuple(
        (a, b, total - a - b)
        for total in range(degree + 1)
        for a in range(total, -1, -1)
        for b in range(total - a, -1, -1)
    )


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def monomial_values(
    degree: int, point: Float[Array, "3 neighbors atoms"]
) -> Float[Array, "monomials neighbors atoms"]:
    """Values of all monomials up to a degree, in the order of `monomials_up_to`."""
    values: dict[tuple[int, int, int], Array] = {}
    for exponents in monomials_up_to(degree):
        if sum(exponents) == 0:
            values[exponents] = jnp.ones_like(point[0])
            continue
        axis = next(axis for axis in range(3) if exponents[axis])
        values[exponents] = values[_lowered(exponents, axis)] * point[axis]
    return jnp.stack(list(values.values()))


def _forward(degree: int, point: Array) -> tuple[Array, Array]:
    values = monomial_values(degree, point)
    return values, values


def _backward(degree: int, values: Array, gradient: Array) -> tuple[Array]:
    flat, weights = (array.reshape(len(values), -1) for array in (values, gradient))
    components = []
    for factors, higher, lower in _derivatives(degree):
        powers = jnp.asarray(factors, flat.dtype)[:, None]
        components.append(
            jnp.sum(powers * take_rows(weights, higher) * take_rows(flat, lower), axis=0)
        )
    return (jnp.stack(components).reshape(3, *values.shape[1:]),)


monomial_values.defvjp(_forward, _backward)


@cache
def _derivatives(degree: int) -> tuple[tuple[np.ndarray, Rows, Rows], ...]:
    """For each axis the exponents, the monomials they belong to, and those of one power less."""
    exponents = monomials_up_to(degree)
    place = {monomial: index for index, monomial in enumerate(exponents)}
    found = []
    for axis in range(3):
        chosen = [monomial for monomial in exponents if monomial[axis]]
        higher = np.array([place[monomial] for monomial in chosen])
        lower = np.array([place[_lowered(monomial, axis)] for monomial in chosen])
        factors = np.array([float(monomial[axis]) for monomial in chosen])
        number = len(exponents)
        found.append((factors, choose_rows(higher, number), choose_rows(lower, number)))
    return tuple(found)


def _lowered(exponents: tuple[int, int, int], axis: int) -> tuple[int, int, int]:
    lowered = list(exponents)
    lowered[axis] -= 1
    return lowered[0], lowered[1], lowered[2]
