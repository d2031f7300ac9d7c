"""Energies, forces and virial by the formula of a model and its derivative by jax."""

from __future__ import annotations

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from limlff.models.contract import Model, Parameters
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.neighbors.matrix import NeighborMatrix, pair_vectors
from limlff.prediction.pair_gradients import energies_and_pair_gradients, forces_from_pair_gradients


def evaluate_formula(
    model: Model,
    dtype: str,
    parameters: Parameters,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> tuple[Float[Array, " atoms"], Float[Array, "atoms 3"], Float[Array, "3 3"]]:
    """Energies without the baseline (eV), forces (eV/Å) and virial (eV), in float64.

    Args:
        model: The model.
        dtype: Its arithmetic, "float32" or "float64".
        parameters: Its parameters.
        species: Index of each atom's element; -1 for a padded atom.
        positions: Positions (Å, float64).
        cell: Cell vectors as rows (Å, float64).
        neighbors: All pairs within the cutoff; pairs beyond it do no harm.
    """
    vectors = pair_vectors(positions, cell, neighbors)
    energies, gradients = gradients_of_pairs(model, dtype, parameters, species, vectors, neighbors)
    forces = forces_from_pair_gradients(gradients, neighbors.owners)
    return energies, forces, -jnp.einsum("akn,bkn->ab", gradients, vectors)


def gradients_of_pairs(
    model: Model,
    dtype: str,
    parameters: Parameters,
    species: Int[Array, " atoms"],
    vectors: Float[Array, "3 neighbors atoms"],
    neighbors: NeighborMatrix,
) -> tuple[Float[Array, " atoms"], Float[Array, "3 neighbors atoms"]]:
    """Energies (eV) and their derivatives by the vectors of pairs (eV/Å), in float64.

    Arguments as those of `evaluate_formula`; vectors are those of `pair_vectors` (Å, float64).
    """
    parameters = jax.tree.map(lambda leaf: jnp.asarray(leaf, dtype), parameters)
    around = fill_neighborhoods(
        model.cutoff, species, neighbors.owners, vectors.astype(dtype), neighbors.mask
    )
    energies, gradients = energies_and_pair_gradients(model, parameters, around)
    return energies.astype(jnp.float64), gradients.astype(jnp.float64)
