"""Couplings of spherical tensors, from e3nn-jax, as plain arrays.

All tensors here have the parity of their harmonics, (-1)^l, and e3nn's order and normalisation.
"""

from __future__ import annotations

from functools import cache

import jax
import numpy as np
from jaxtyping import Float

from limlff.precision import own_precision


def paths(
    left: tuple[int, ...], right: tuple[int, ...], out: tuple[int, ...]
) -> list[tuple[int, int, int]]:
    """Degrees (l1, l2, l3) of all products of two tensors that keep the parity."""
    return [
        (l1, l2, l3)
        for l1 in left
        for l2 in right
        for l3 in out
        if abs(l1 - l2) <= l3 <= l1 + l2 and (l1 + l2 + l3) % 2 == 0
    ]


@cache
@own_precision()  # once for all, whoever asks first
def coupling(l1: int, l2: int, l3: int) -> Float[np.ndarray, "m1 m2 m3"]:
    """Coefficients that couple two tensors to a third, of unit mean square for random ones."""
    import e3nn_jax  # takes seconds to import

    with jax.ensure_compile_time_eval():
        return np.asarray(e3nn_jax.clebsch_gordan(l1, l2, l3), float) * np.sqrt(2 * l3 + 1)


@cache
@own_precision()
def symmetric_basis(max_degree: int, order: int, degree: int) -> Float[np.ndarray, "... paths m"]:
    """All ways to couple `order` copies of the tensors l = 0 .. max_degree to one of a degree.

    Returns:
        An axis of length (max_degree + 1)^2 for each copy, then ways, then components.
    """
    import e3nn_jax

    parity = {0: "e", 1: "o"}
    inputs = "+".join(f"{l}{parity[l % 2]}" for l in range(max_degree + 1))
    kept = e3nn_jax.Irrep(f"{degree}{parity[degree % 2]}")
    with jax.ensure_compile_time_eval():
        basis = e3nn_jax.reduced_symmetric_tensor_product_basis(inputs, order, keep_ir=[kept])
        array = np.asarray(basis.array, float)
    ways = array.shape[-1] // (2 * degree + 1)
    return array.reshape(*array.shape[:-1], ways, 2 * degree + 1)


def harmonics(max_degree: int, vectors: jax.Array) -> jax.Array:
    """Real spherical harmonics of vectors (last axis) with mean square 1, all degrees joined."""
    import e3nn_jax

    degrees = list(range(max_degree + 1))
    found = e3nn_jax.spherical_harmonics(
        degrees, e3nn_jax.IrrepsArray("1o", vectors), normalize=True, normalization="component"
    )
    return found.array
