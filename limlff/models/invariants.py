"""Rotation invariants of moments, and the linear algebra before and after them.

Blocks of channels, one for each kind of product, stay a list of arrays: joining them costs more on
CPU than all products.
"""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.models.angular import coupling_terms, cubic_couplings


def mixed_channels(
    max_degree: int,
    mixing: Float[Array, "degrees channels moments"],
    moments: Float[Array, "lm moments atoms"],
) -> list[Float[Array, "channels atoms"]]:
    """The channels A of `limlff.models.moment`.

    Args:
        max_degree: Largest l of the moments.
        mixing: Weights of the moments in the channels, for each l.
        moments: Sums over neighbors, (l, m) in one axis.

    Returns:
        A block of channels for each (l, m).
    """
    return [mixing[l] @ moments[l * l + m] for l in range(max_degree + 1) for m in range(2 * l + 1)]


def products_of(
    max_degree: int, mixed: list[Float[Array, "channels atoms"]]
) -> list[Float[Array, "channels atoms"]]:
    """Products of two, three and four bodies of the channels; formula: `limlff.models.moment`.

    Args:
        max_degree: Largest l of the channels.
        mixed: A block of channels for each (l, m).

    Returns:
        A block of channels for each kind of product.
    """
    channels = [mixed[l * l : (l + 1) ** 2] for l in range(max_degree + 1)]
    blocks = [channels[0][0]]
    blocks += [_sum([a * a for a in channels[l]]) for l in range(1, max_degree + 1)]
    for l1, l2, l3 in cubic_couplings(max_degree):
        inner: dict[tuple[int, int], list[Array]] = {}
        for m1, m2, m3, coefficient in coupling_terms(l1, l2, l3):
            inner.setdefault((m1, m2), []).append(coefficient * channels[l3][m3])
        blocks.append(
            _sum([channels[l1][i] * channels[l2][j] * _sum(c) for (i, j), c in inner.items()])
        )
    return blocks


def invariants_of(
    max_degree: int,
    mixing: Float[Array, "degrees channels moments"],
    moments: Float[Array, "lm moments atoms"],
) -> list[Float[Array, "channels atoms"]]:
    """`products_of` the `mixed_channels`."""
    return products_of(max_degree, mixed_channels(max_degree, mixing, moments))


def apply_blocks(
    weights: Float[Array, "outputs inputs"], blocks: list[Float[Array, "channels atoms"]]
) -> Float[Array, "outputs atoms"]:
    """Matrix times the blocks stacked, without stacking them."""
    parts = jnp.split(weights, len(blocks), axis=1)
    return _sum([part @ block for part, block in zip(parts, blocks, strict=True)])


def whitening(
    moments: Float[np.ndarray, "m moments atoms"],
) -> Float[np.ndarray, "moments moments"]:
    """Matrix that makes the moments of one degree uncorrelated, of unit deviation."""
    # Only the one moment of degree 0 has a mean that is not zero by symmetry.
    centred = moments - moments.mean(axis=2, keepdims=True) if len(moments) == 1 else moments
    covariance = np.einsum("mbn,mcn->bc", centred, centred) / (len(moments) * moments.shape[2])
    values, vectors = np.linalg.eigh(covariance)
    floor = np.maximum(values, 1e-6 * values.max())  # directions without data are not blown up
    return (vectors / np.sqrt(floor)) @ vectors.T


def _sum(terms: list[Array]) -> Array:
    total = terms[0]
    for term in terms[1:]:
        total = total + term
    return total
