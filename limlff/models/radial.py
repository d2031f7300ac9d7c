"""Radial functions: Chebyshev polynomials in the squared distance, times a smooth cutoff.

The squared distance spreads the polynomials' resolution over the distances where neighbors are
(about 40 to 100 % of the cutoff) and needs no square root.
"""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Float


def polynomial_cutoff(scaled: Float[Array, "..."]) -> Float[Array, "..."]:
    """Bump (1 - s)^3 with s = (r / cutoff)^2, zero beyond the cutoff.

    It vanishes at the cutoff with its first two derivatives, so that forces and their derivatives
    are continuous when a neighbor crosses it.

    Args:
        scaled: Squared distances over the squared cutoff, any shape.
    """
    return jnp.where(scaled < 1, (1 - scaled) ** 3, 0.0)


def radial_functions(count: int, scaled: Float[Array, "..."]) -> Float[Array, "radial ..."]:
    """Cutoff function times Chebyshev polynomials T_0 .. T_(count-1) of 2 s - 1.

    Bounded for all distances, since 2 s - 1 stays within [-1, 1] inside the cutoff.

    Args:
        count: Number of functions, at least 2.
        scaled: Squared distances over the squared cutoff, any shape.
    """
    inside = jnp.minimum(scaled, 1.0)
    x = 2 * inside - 1
    polynomials = [jnp.ones_like(x), x]
    while len(polynomials) < count:
        polynomials.append(2 * x * polynomials[-1] - polynomials[-2])
    return jnp.stack(polynomials[:count]) * polynomial_cutoff(scaled)
