"""Energies and their derivatives by the vectors between neighbors, for all models.

The derivative is taken once, here. With g = dE/dr of a pair vector r from atom i to j, the force on
i gains g, the force on j loses it, and the virial is -sum(g r^T).
"""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from limlff.models.contract import Model, Neighborhoods, Parameters
from limlff.models.neighborhoods import CPU_BLOCK_ATOMS, split_neighborhoods


def energies_and_pair_gradients(
    model: Model,
    parameters: Parameters,
    around: Neighborhoods,
    block_atoms: int = CPU_BLOCK_ATOMS,
) -> tuple[Float[Array, " atoms"], Float[Array, "3 neighbors atoms"]]:
    """Energies per atom without the baseline, and the derivative of their sum by each pair vector.

    On CPUs atoms are treated in blocks that fit the cache of a core. On accelerators, for few
    atoms, and where messages pass between atoms, there is one block.

    Args:
        model: The model.
        parameters: Its parameters in the dtype of the vectors.
        around: The atoms and their neighbors.
        block_atoms: Atoms of a block.
    """
    atoms = around.species.shape[0]
    if not can_be_in_blocks(model) or atoms <= block_atoms:
        energies, gradients = differentiate_energies(model, parameters, around)
        return energies, jnp.where(around.mask, gradients, 0.0)
    blocks = split_neighborhoods(around, model.cutoff, block_atoms)
    energies, gradients = jax.lax.map(
        lambda block: differentiate_energies(model, parameters, block), blocks
    )
    joined = jnp.moveaxis(gradients, 0, -2).reshape(*around.vectors.shape[:2], -1)[:, :, :atoms]
    return energies.reshape(-1)[:atoms], jnp.where(around.mask, joined, 0.0)


def differentiate_energies(
    model: Model, parameters: Parameters, around: Neighborhoods
) -> tuple[Float[Array, " atoms"], Float[Array, "3 neighbors atoms"]]:
    """The same in one block, with derivatives also by vectors to padded neighbors."""

    def total(vectors: Float[Array, "3 neighbors atoms"]) -> tuple[Array, Array]:
        energies = model.energies(parameters, replace(around, vectors=vectors))
        return jnp.sum(energies), energies

    (_, energies), gradients = jax.value_and_grad(total, has_aux=True)(around.vectors)
    return energies, gradients


def can_be_in_blocks(model: Model) -> bool:
    """Whether blocks of atoms are independent of each other, and this is a CPU."""
    return model.is_local and jax.default_backend() == "cpu"


def forces_from_pair_gradients(
    gradients: Float[Array, "3 neighbors atoms"], owners: Int[Array, "neighbors atoms"]
) -> Float[Array, "atoms 3"]:
    """Forces (eV/Å) from the derivatives of the energy by the vectors to the neighbors."""
    return (jnp.sum(gradients, axis=1) - sum_by_owner(gradients, owners)).T


def sum_by_owner(
    shares: Float[Array, "3 neighbors atoms"], owners: Int[Array, "neighbors atoms"]
) -> Float[Array, "3 atoms"]:
    """Sum over all neighbors that are an atom, or images of it, for each atom."""
    atoms = shares.shape[2]
    return jax.vmap(lambda component: jnp.zeros(atoms, shares.dtype).at[owners].add(component))(
        shares
    )
