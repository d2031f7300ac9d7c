"""How labels depend on readout weights: the coefficients of a linear least-squares problem.

A frame's energy is linear in the readouts, and so are its forces and its virial; coefficient p is
the label that a readout with weight p of 1 and all others 0 would give. The coefficients of all
forces would take one pass backwards per feature. What is needed is only their information matrix,
the sum of F_p F_q over force components; it is estimated without bias from products F_p . u with
random signs u, of which one pass forwards along the displacement u gives those of all features:
F_p . u = -d(sum_i features[p, i]) / du.

Source of the estimator: M. F. Hutchinson, Commun. Stat. Simul. Comput. 18, 1059 (1989).
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.models.contract import FeatureModel, Parameters
from limlff.training.batches import Batch

_STRAINS = np.array(
    [
        [[float({a, b} == {i, j}) / (1 if i == j else 2) for b in range(3)] for a in range(3)]
        for i, j in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2), (0, 1))
    ]
)
"""Strains xx, yy, zz, yz, xz, xy whose derivatives are the components of a symmetric virial."""


class Design(NamedTuple):
    """Coefficients of one batch.

    Attributes:
        features: Features of each atom.
        energies: Coefficients of the energies; the readouts of all elements, one after the other.
        probes: Coefficients of forces . u for each random u, over the forces that count.
        virials: Coefficients of the virials, components xx, yy, zz, yz, xz, xy.
    """

    features: Float[Array, "features atoms"]
    energies: Float[Array, "readouts frames"]
    probes: Float[Array, "probes readouts frames"]
    virials: Float[Array, "6 readouts frames"]


@partial(jax.jit, static_argnames=("model", "probes"))
def batch_design(
    model: FeatureModel, parameters: Parameters, batch: Batch, key: Array, probes: int
) -> Design:
    """Coefficients of a batch, in its dtype.

    Args:
        model: The model.
        parameters: Its parameters in the dtype of the batch.
        batch: Frames.
        key: Of the random signs.
        probes: Number of random vectors u per frame.
    """
    dtype = batch.vectors.dtype
    around = batch.around(model.cutoff)
    species, mask, far = around.species, around.mask, around.vectors
    features, along = jax.linearize(
        lambda pair: model.features(parameters, replace(around, vectors=pair)), far
    )
    of_element = species == jnp.arange(len(model.elements))[:, None]

    def of_readouts(values: Float[Array, "features atoms"]) -> Float[Array, "readouts frames"]:
        rows = jnp.where(of_element[:, None], values, 0.0).reshape(-1, values.shape[1])
        frames = batch.energy.shape[0]
        return jax.ops.segment_sum(rows.T, batch.frame, frames, indices_are_sorted=True).T

    def displaced(signs: Float[Array, "3 atoms"]) -> Array:
        change = signs[:, batch.owners] - signs[:, None, :]
        return -of_readouts(along(jnp.where(mask, change, 0.0)))

    def strained(strain: Float[Array, "3 3"]) -> Array:
        change = jnp.einsum("ab,bkn->akn", strain, far)
        return -of_readouts(along(jnp.where(mask, change, 0.0)))

    signs = jax.random.rademacher(key, (probes, 3, species.shape[0]), dtype)
    signs = jnp.where(batch.is_core, signs, 0)
    return Design(
        features=features,
        energies=of_readouts(features),
        probes=jax.lax.map(displaced, signs),
        virials=jax.lax.map(strained, jnp.asarray(_STRAINS, dtype)),
    )
