"""Neighborhoods for models: padded neighbors filled, atoms divided into blocks."""

from __future__ import annotations

import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.models.contract import Neighborhoods

# Measured: a block of this size keeps its radial and angular functions in the L2 cache of a core.
CPU_BLOCK_ATOMS = 216


def fill_neighborhoods(
    cutoff: float,
    species: Int[Array, " atoms"],
    owners: Int[Array, "neighbors atoms"],
    vectors: Float[Array, "3 neighbors atoms"],
    mask: Bool[Array, "neighbors atoms"],
) -> Neighborhoods:
    """Neighborhoods whose padded neighbors hold vectors beyond the cutoff.

    Args:
        cutoff: Of the model (Å).
        species: Index of each atom's element, -1 for a padded atom.
        owners: Atom that each neighbor is, or is the image of.
        vectors: Vectors to the neighbors (Å); of any value for padded ones.
        mask: True where there is a neighbor.
    """
    beyond = jnp.array([2.0 * cutoff, 0.0, 0.0], vectors.dtype)[:, None, None]
    neighbor_species = jnp.where(mask, species[owners], -1)
    vectors = jnp.where(mask, vectors, beyond)
    return Neighborhoods(species, neighbor_species, owners, vectors, mask)


def split_neighborhoods(around: Neighborhoods, cutoff: float, block_atoms: int) -> Neighborhoods:
    """Neighborhoods with blocks in the first axis, the last one filled up with padded atoms.

    Args:
        around: Neighborhoods of all atoms; owners stay indices of these.
        cutoff: Of the model (Å).
        block_atoms: Atoms of a block.
    """
    return Neighborhoods(
        species=split_into_blocks(around.species, -1, block_atoms),
        neighbor_species=split_into_blocks(around.neighbor_species, -1, block_atoms),
        owners=split_into_blocks(around.owners, 0, block_atoms),
        vectors=split_into_blocks(around.vectors, 2 * cutoff, block_atoms),
        mask=split_into_blocks(around.mask, False, block_atoms),
    )


def split_into_blocks(
    array: Float[Array, "... atoms"], fill: float, block_atoms: int
) -> Float[Array, "blocks ... block_atoms"]:
    """An array with its last axis, atoms, in blocks, and these in the first axis."""
    atoms = array.shape[-1]
    blocks = -(-atoms // block_atoms)
    widths = [(0, 0)] * (array.ndim - 1) + [(0, blocks * block_atoms - atoms)]
    padded = jnp.pad(array, widths, constant_values=fill)
    return jnp.moveaxis(padded.reshape(*array.shape[:-1], blocks, block_atoms), -2, 0)
