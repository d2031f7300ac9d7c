"""Neighbor matrices built on the host, which molecular dynamics needs every few steps.

The order of neighbors is canonical: sorted by owner and shift, so that it depends on the positions
alone and a run that goes on and a run that is resumed add up forces in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.neighbors.geometry import checked_geometry, filled
from limlff.neighbors.matrix import NeighborMatrix
from limlff.neighbors.search import search


@dataclass(frozen=True)
class Capacity:
    """Sizes of the padded arrays; shapes change, and code is compiled again, only when they grow.

    Attributes:
        neighbors: Padded neighbors per atom.
        ghosts: Periodic images.
    """

    neighbors: int
    ghosts: int


def bucket(count: int, step: int = 8, headroom: float = 1.1) -> int:
    """Round a count up with headroom, so that sizes change seldom."""
    return step * max(1, -(-int(np.ceil(count * headroom)) // step))


def build_neighbors(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
    capacity: Capacity | None = None,
    padded_atoms: int | None = None,
    local: int | None = None,
) -> tuple[NeighborMatrix, Capacity]:
    """Neighbor matrix of all pairs closer than `radius`.

    Args:
        positions: Positions of the atoms (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        radius: Cutoff plus skin (Å).
        capacity: Sizes to keep if the pairs fit into them; grown by buckets if they do not.
        padded_atoms: Lists of the matrix, at least the number of atoms; those of padded atoms stay
            empty.
        local: Atoms that get lists, the first ones; the lists of a halo behind them stay empty. The
            last list must be a padded atom's: kernels visit it in the place of the halo.

    Returns:
        The matrix (NumPy arrays) and the capacity that it has.

    Raises:
        InputError: If a periodic direction has no cell vector, the cell vectors lie in a plane, an
            argument is not what it must be, or there would be absurdly many pairs.
    """
    geometry = filled(checked_geometry(positions, cell, periodic, radius))
    atoms = len(geometry.positions)
    columns = padded_atoms or atoms
    expected = capacity or Capacity(0, 0)
    pairs = search(geometry, columns, expected.neighbors, expected.ghosts, local)
    ghosts = len(pairs.ghost_owner)
    capacity = _grown(capacity, int(pairs.counts.max(initial=0)), ghosts)
    lists = pairs.put_in_order(capacity.neighbors)
    owner, shift = np.zeros(capacity.ghosts, np.int32), np.zeros((capacity.ghosts, 3))
    owner[:ghosts], shift[:ghosts] = pairs.ghost_owner, pairs.ghost_shift
    rest = np.arange(atoms, columns) if local is None else np.full(columns - local, columns - 1)
    visits = np.concatenate([pairs.visits, rest]).astype(np.int32)
    return NeighborMatrix(lists, owner, shift, visits), capacity  # type: ignore[arg-type]


def _grown(capacity: Capacity | None, neighbors: int, ghosts: int) -> Capacity:
    """A capacity that holds so many neighbors and ghosts; the same one if it does."""
    if capacity is None:
        return Capacity(bucket(neighbors), bucket(ghosts, 64) if ghosts else 0)
    return Capacity(
        capacity.neighbors
        if neighbors <= capacity.neighbors
        else max(capacity.neighbors, bucket(neighbors)),
        capacity.ghosts if ghosts <= capacity.ghosts else bucket(ghosts, 64),
    )
