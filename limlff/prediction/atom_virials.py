"""Virials per atom: how the virial of a structure is shared among its atoms.

With g = dE/dr of the vector r from atom i to a neighbor j, the pair has the virial -g r^T, which is
shared by halves between the two atoms. So the virial of an atom follows from the forces between
pairs alone, as the momentum that flows through a plane does; it does not depend on which atom the
model gives an energy to, has the same meaning for models that pass messages, and is what LAMMPS
(`compute stress/atom`) and other codes report. The other choice, all of it at the centre i, would
be the derivative of the atom's energy by strain. The sum over atoms is the virial in either case.
Shares by halves need not be symmetric; their symmetric part is returned.

The compiled kernels return the total only. These virials come from the model's formula, which on
CPUs costs several times as much as the forces.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from limlff.models.contract import Model, Parameters
from limlff.neighbors.matrix import AnyArray, NeighborMatrix, pair_vectors
from limlff.precision import own_precision
from limlff.prediction.formula import gradients_of_pairs
from limlff.prediction.pair_gradients import sum_by_owner
from limlff.prediction.predictor import Predictor


@own_precision()
def atom_virials(
    predictor: Predictor,
    species: Int[AnyArray, " atoms"],
    positions: Float[AnyArray, "atoms 3"],
    cell: Float[AnyArray, "3 3"],
    neighbors: NeighborMatrix,
) -> Float[Array, "atoms 3 3"]:
    """Share of each atom in the virial.

    Args:
        predictor: Of the potential.
        species: Index of each atom's element; -1 for a padded atom.
        positions: Positions (Å, float64).
        cell: Cell vectors as rows (Å, float64).
        neighbors: All pairs within the cutoff; pairs beyond it do no harm.

    Returns:
        Symmetric tensors (eV, float64), zero for padded atoms; their sum is
        `limlff.prediction.Prediction.virial`.
    """
    model, parameters = predictor.potential.model, predictor.potential.parameters
    return _atom_virials(model, predictor.dtype, parameters, species, positions, cell, neighbors)


@partial(jax.jit, static_argnums=(0, 1))
def _atom_virials(
    model: Model,
    dtype: str,
    parameters: Parameters,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> Float[Array, "atoms 3 3"]:
    vectors = pair_vectors(positions, cell, neighbors)
    _, gradients = gradients_of_pairs(model, dtype, parameters, species, vectors, neighbors)
    pairs = -gradients[:, None] * vectors[None]
    on_neighbors = jax.vmap(lambda shares: sum_by_owner(shares, neighbors.owners))(pairs)
    halves = 0.5 * (jnp.sum(pairs, axis=2) + on_neighbors)
    return jnp.moveaxis(0.5 * (halves + halves.swapaxes(0, 1)), -1, 0)
