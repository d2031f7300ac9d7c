"""Small models for tests of everything around a model: an analytic one, and the shipped kind."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from limlff.models.contract import Neighborhoods, Parameters
from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.precision import own_precision


@dataclass(frozen=True)
class EmbeddedPairs:
    """Embedded-atom energy: half a repulsion summed over neighbors minus log(1 + density).

    With x = r / r0 and the cutoff function f = (1 - (r / cutoff)^2)^3, an atom of element a has the
    energy 1/2 sum_b A_ab exp(-6 (x - 1)) f - c_a log(1 + sum_b d_b exp(-3 (x - 1)) f).
    """

    elements: tuple[str, ...] = ("Li", "Cu")
    cutoff: float = 4.5

    is_local: ClassVar[bool] = True

    def initialize(self, key: Array) -> Parameters:
        """Fixed, plausible metals; the key is not needed."""
        repulsion = jnp.array([[0.10, 0.13], [0.13, 0.20]])
        embedding = {"strength": jnp.array([0.9, 1.6]), "density": jnp.array([0.3, 0.4])}
        size = len(self.elements)
        return {
            "repulsion": repulsion[:size, :size],
            "embedding": {name: value[:size] for name, value in embedding.items()},
        }

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        """Nothing to normalise."""
        return parameters

    def energies(self, parameters: Parameters, around: Neighborhoods) -> Array:
        """Energy of each atom (eV)."""
        species, neighbor_species = around.species, around.neighbor_species
        vectors, mask = around.vectors, around.mask
        r = jnp.sqrt(jnp.sum(vectors**2, axis=0))
        x = r / 2.9
        smooth = jnp.where(r < self.cutoff, (1 - (r / self.cutoff) ** 2) ** 3, 0.0)
        smooth = jnp.where(mask, smooth, 0.0)
        repulsion = parameters["repulsion"][species[None, :], neighbor_species]
        density = parameters["embedding"]["density"][neighbor_species]
        pair = 0.5 * jnp.sum(repulsion * jnp.exp(-6 * (x - 1)) * smooth, axis=0)
        rho = jnp.sum(density * jnp.exp(-3 * (x - 1)) * smooth, axis=0)
        energy = pair - parameters["embedding"]["strength"][species] * jnp.log1p(rho)
        return jnp.where(species >= 0, energy, 0.0)


@own_precision()  # the same numbers where float64 is off in jax
def embedded_pairs(elements: tuple[str, ...] = ("Li", "Cu")) -> Potential:
    """The model as a potential with a baseline."""
    model = EmbeddedPairs(elements)
    baseline = np.array([-1.9, -3.7])[: len(elements)]
    return Potential(model, model.initialize(jax.random.PRNGKey(0)), baseline, {})


def small_moment() -> Potential:
    """The shipped kind of model for lithium, untrained and as small as it gets."""
    model = MomentModel(("Li",), cutoff=4.0, radial=3, channels=2, max_degree=1, hidden=(3,))
    return Potential(model, model.initialize(jax.random.PRNGKey(0)), np.array([-1.9]))
