"""The derivative of energies and pair gradients by the parameters, against that by jax alone."""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from limlff.models.mace import MaceModel
from limlff.models.moment import MomentModel
from limlff.models.mtp import MomentTensorPotential
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.prediction import pair_gradients
from limlff.training import derivative

ELEMENTS = ("Cu", "Ni")
ATOMS, SLOTS = 19, 6
MODELS = {
    "forward mode": MomentModel(
        ELEMENTS, cutoff=4.0, radial=3, max_degree=1, channels=2, hidden=(4,)
    ),
    "backward pass by hand": MomentTensorPotential(ELEMENTS, cutoff=4.0, radial=3, level=6),
    "messages": MaceModel(
        ELEMENTS, cutoff=4.0, channels=2, max_degree=1, radial=3, radial_hidden=(4,)
    ),
}


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS)
def test_derivative_by_parameters_is_that_of_jax(model, monkeypatch):
    """A random linear function of energies and pair gradients, atoms in three blocks of seven."""
    monkeypatch.setattr(derivative, "LARGEST_BLOCK", 7)
    generator = np.random.default_rng(0)
    species = generator.integers(0, 2, ATOMS).astype(np.int32)
    species[-2:] = -1
    owners = generator.integers(0, ATOMS - 2, (SLOTS, ATOMS)).astype(np.int32)
    vectors = generator.normal(size=(3, SLOTS, ATOMS))
    vectors *= generator.uniform(1.8, 4.2, (SLOTS, ATOMS)) / np.linalg.norm(vectors, axis=0)
    mask = (generator.random((SLOTS, ATOMS)) < 0.8) & (species >= 0)
    around = fill_neighborhoods(model.cutoff, jnp.asarray(species), owners, vectors, mask)
    start = model.initialize(jax.random.key(1))
    parameters = jax.tree.map(lambda leaf: leaf + generator.normal(0, 0.1, leaf.shape), start)
    by_energies = generator.normal(size=ATOMS)
    by_gradients = generator.normal(size=(3, SLOTS, ATOMS))

    def gradient(function):
        def total(own):
            energies, gradients = function(model, own, around)
            return jnp.sum(by_energies * energies) + jnp.sum(by_gradients * gradients)

        options = {"xla_backend_optimization_level": 0}  # quick to compile
        value, slopes = jax.jit(jax.value_and_grad(total), compiler_options=options)(parameters)
        return np.concatenate([[value], *(np.ravel(leaf) for leaf in jax.tree.leaves(slopes))])

    expected = gradient(pair_gradients.energies_and_pair_gradients)
    found = gradient(derivative.energies_and_pair_gradients)
    assert np.count_nonzero(expected) > 20
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12 * np.abs(expected).max())
