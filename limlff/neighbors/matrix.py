"""The neighbor matrix: for every atom the padded list of its neighbors.

Periodic images are ghost atoms appended to the positions, so that small cells, sheared cells,
slabs and clusters are one case and no minimum-image rule is needed. The halo of an MPI rank are
atoms with empty lists, whose energy does not count (`local` in `limlff.prediction`). A padded
neighbor is the atom's own index, which no true neighbor can be: own images are ghosts.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limlff import precision as precision  # sets up jax before it is used

AnyArray = Array | np.ndarray
"""Of jax, also while a function is being traced, or of NumPy."""


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NeighborMatrix:
    """Who is near whom, with fixed shapes.

    Attributes:
        lists: Extended index of each neighbor: below `atoms` an atom, from there on a ghost; a
            padded neighbor is the index of the atom itself.
        ghost_owner: Index of the atom of which a ghost is the image.
        ghost_shift: Cell vectors between a ghost and its owner (whole numbers).
        visits: The atoms in an order in which those near each other follow each other; the order
            in which a CPU treats them, so that their neighbors are in its cache.
    """

    lists: Int[Array, "atoms neighbors"]
    ghost_owner: Int[Array, " ghosts"]
    ghost_shift: Float[Array, "ghosts 3"]
    visits: Int[Array, " atoms"]

    @property
    def indices(self) -> Int[Array, "neighbors atoms"]:
        """The lists with atoms in the last axis, as models take their arrays."""
        return self.lists.T

    @property
    def mask(self) -> Bool[Array, "neighbors atoms"]:
        """True where there is a neighbor, not a padded one."""
        return self.indices != jnp.arange(len(self.lists))[None, :]

    @property
    def owners(self) -> Int[Array, "neighbors atoms"]:
        """Index of the atom that each neighbor is, or is the image of."""
        atoms = jnp.arange(len(self.lists), dtype=self.ghost_owner.dtype)
        return jnp.concatenate([atoms, self.ghost_owner])[self.indices]


def extended_positions(
    positions: Float[Array, "atoms 3"], cell: Float[Array, "3 3"], neighbors: NeighborMatrix
) -> Float[Array, "extended 3"]:
    """Positions of the atoms followed by those of their ghosts (Å)."""
    ghosts = positions[neighbors.ghost_owner] + neighbors.ghost_shift @ cell
    return jnp.concatenate([positions, ghosts])


def pair_vectors(
    positions: Float[Array, "atoms 3"], cell: Float[Array, "3 3"], neighbors: NeighborMatrix
) -> Float[Array, "3 neighbors atoms"]:
    """Vectors from each atom to its neighbors (Å); zero for padded neighbors."""
    extended = extended_positions(positions, cell, neighbors).T
    return extended[:, neighbors.indices] - positions.T[:, None, :]


@jax.jit
def closest_neighbors(
    positions: Float[Array, "atoms 3"], cell: Float[Array, "3 3"], neighbors: NeighborMatrix
) -> tuple[Float[Array, ""], Int[Array, ""], Int[Array, ""]]:
    """Shortest distance (Å), its atom, and the atom it is next to; infinite without neighbors."""
    vectors = pair_vectors(positions, cell, neighbors)
    distances = jnp.where(neighbors.mask, jnp.linalg.norm(vectors, axis=0), jnp.inf)
    slot, atom = jnp.unravel_index(jnp.argmin(distances), distances.shape)
    return distances[slot, atom], atom, neighbors.owners[slot, atom]
