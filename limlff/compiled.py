"""A potential as compiled programs for padded arrays, shared wherever they can serve.

A compiled kernel has to be given numbers for the weights: a few are packed and become constants of
the program, which then serves all potentials with these weights. The formulas take the weights as
arguments, since so many constants would be slow to compile; they serve all potentials of a model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from hashlib import sha256

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff.kernels import has_kernel
from limlff.models.contract import Model, Parameters
from limlff.neighbors.matrix import NeighborMatrix, pair_vectors
from limlff.potential import Potential, Prediction
from limlff.uncertainty import Assessment, assess

Weights = tuple[Parameters, Float[Array, " elements"]]
"""Parameters of a model, and the baseline (eV)."""


@dataclass(frozen=True)
class Program:
    """What a program is compiled for; programs are shared where these are equal.

    Attributes:
        model: The model.
        digest: Of the weights, where they are constants of the program.
        constants: These weights; None if they are arguments of the program.
    """

    model: Model
    digest: str = ""
    constants: Weights | None = field(default=None, compare=False)

    def potential(self, arguments: Weights | None) -> Potential:
        """The potential, of the constants or of the arguments of the program."""
        weights = self.constants or arguments
        assert weights is not None
        return Potential(self.model, *weights)  # type: ignore[arg-type]  # NumPy or traced


def program_and_weights(potential: Potential) -> tuple[Program, Weights | None]:
    """Program of a potential, and its weights if they are arguments of the program."""
    weights = (potential.parameters, jnp.asarray(potential.baseline))
    if not has_kernel(potential.model, potential.parameters):
        return Program(potential.model), jax.device_put(weights)
    constants = jax.tree.map(np.asarray, weights)
    digest = sha256()
    for path, array in jax.tree_util.tree_leaves_with_path(constants):
        digest.update(f"{path} {array.shape} {array.dtype}".encode() + array.tobytes())
    return Program(potential.model, digest.hexdigest(), constants), None


@partial(jax.jit, static_argnums=(0, 1))
def predict(
    program: Program,
    precision: str,
    weights: Weights | None,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> Prediction:
    """See `limlff.potential.Potential.predict`."""
    return program.potential(weights).predict(species, positions, cell, neighbors, precision)


@partial(jax.jit, static_argnums=(0, 1))
def assess_atoms(
    program: Program,
    precision: str,
    weights: Weights | None,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> Assessment:
    """See `limlff.uncertainty.assess`."""
    return assess(program.potential(weights), species, positions, cell, neighbors, precision)


@jax.jit
def closest_pair(
    positions: Float[Array, "atoms 3"], cell: Float[Array, "3 3"], neighbors: NeighborMatrix
) -> tuple[Float[Array, ""], Int[Array, ""], Int[Array, ""]]:
    """Shortest distance (Å), its atom, and the atom it is next to; infinite without neighbors."""
    vectors = pair_vectors(positions, cell, neighbors)
    distances = jnp.where(neighbors.mask, jnp.linalg.norm(vectors, axis=0), jnp.inf)
    slot, atom = jnp.unravel_index(jnp.argmin(distances), distances.shape)
    return distances[slot, atom], atom, neighbors.owners[slot, atom]
