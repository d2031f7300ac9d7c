"""Neighbor matrices and pair lists built on the host.

Matrices, which molecular dynamics needs every few steps, come from the project's own compiled
search (`limlff.neighbors.cells`); a list of pairs, which is wanted now and then, from vesin.

The order of neighbors is canonical: sorted by owner and shift, so that it depends on the positions
alone and a run that goes on and a run that is resumed add up forces in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from vesin import NeighborList

from limlff.errors import InputError
from limlff.neighbors.cells import code_strides, image_code
from limlff.neighbors.geometry import Geometry, checked_geometry, refuse_absurd_sizes
from limlff.neighbors.matrix import NeighborMatrix
from limlff.neighbors.search import search


@dataclass(frozen=True)
class Capacity:
    """Sizes of the padded arrays; shapes change, and code is compiled again, only when they grow.

    Attributes:
        slots: Neighbors per atom.
        ghosts: Periodic images.
    """

    slots: int
    ghosts: int


def bucket(count: int, step: int = 8, headroom: float = 1.1) -> int:
    """Round a count up with headroom, so that sizes change seldom."""
    return step * max(1, -(-int(np.ceil(count * headroom)) // step))


@dataclass(frozen=True)
class PairList:
    """Pairs within a radius in canonical order: by centre, then owner, then shift."""

    centres: Int[np.ndarray, " pairs"]
    owners: Int[np.ndarray, " pairs"]
    shifts: Int[np.ndarray, "pairs 3"]


def find_pairs(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> PairList:
    """All ordered pairs of atoms and images closer than `radius`.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å); ignored along directions that are not periodic.
        periodic: Periodicity along each cell vector.
        radius: Largest distance of a pair (Å).

    Returns:
        The pairs in canonical order.

    Raises:
        InputError: If a periodic direction has no cell vector, the cell vectors lie in a plane, an
            argument is not what it must be, or there would be absurdly many pairs.
    """
    geometry = _filled(checked_geometry(positions, cell, periodic, radius))
    refuse_absurd_sizes(geometry, np.linalg.inv(geometry.cell))
    finder = NeighborList(cutoff=geometry.radius, full_list=True)
    i, j, shifts = finder.compute(
        geometry.positions, geometry.cell, geometry.periodic.tolist(), "ijS"
    )
    i, j = i.astype(np.int64), j.astype(np.int64)
    order = np.lexsort((image_keys(j, shifts), i))
    return PairList(i[order], j[order], shifts[order])


def build_neighbors(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
    capacity: Capacity | None = None,
    atom_slots: int | None = None,
) -> tuple[NeighborMatrix, Capacity]:
    """Neighbor matrix of all pairs closer than `radius`.

    Args:
        positions: Positions of the atoms (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        radius: Cutoff plus skin (Å).
        capacity: Sizes to keep if the pairs fit into them; grown by buckets if they do not.
        atom_slots: Lists of the matrix, at least the number of atoms; those behind it stay empty.

    Returns:
        The matrix (NumPy arrays) and the capacity that it has.

    Raises:
        InputError: As `find_pairs`.
    """
    geometry = _filled(checked_geometry(positions, cell, periodic, radius))
    atoms = len(geometry.positions)
    columns = atom_slots or atoms
    expected = capacity or Capacity(0, 0)
    pairs = search(geometry, columns, expected.slots, expected.ghosts)
    ghosts = len(pairs.ghost_owner)
    capacity = _grown(capacity, int(pairs.counts.max(initial=0)), ghosts)
    lists = pairs.put_in_order(capacity.slots)
    owner, shift = np.zeros(capacity.ghosts, np.int32), np.zeros((capacity.ghosts, 3))
    owner[:ghosts], shift[:ghosts] = pairs.ghost_owner, pairs.ghost_shift
    visits = np.concatenate([pairs.visits, np.arange(atoms, columns)]).astype(np.int32)
    return NeighborMatrix(lists, owner, shift, visits), capacity  # type: ignore[arg-type]


def _grown(capacity: Capacity | None, slots: int, ghosts: int) -> Capacity:
    """A capacity that holds so many neighbors and ghosts; the same one if it does."""
    if capacity is None:
        return Capacity(bucket(slots), bucket(ghosts, 64) if ghosts else 0)
    return Capacity(
        capacity.slots if slots <= capacity.slots else max(capacity.slots, bucket(slots)),
        capacity.ghosts if ghosts <= capacity.ghosts else bucket(ghosts, 64),
    )


def _filled(geometry: Geometry) -> Geometry:
    """The geometry with missing cell vectors filled, which no periodic direction may need."""
    for axis in range(3):
        if geometry.periodic[axis] and not np.any(geometry.cell[axis]):
            raise InputError(
                f"the structure is periodic along cell vector {axis}, which is zero; "
                "give the vector or switch the periodicity off"
            )
    return geometry._replace(cell=full_cell(geometry.cell))


def image_keys(owners: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """One integer per owner and shift, in the order of both; alike for these alone."""
    spread = np.abs(shifts).max(axis=0, initial=0).tolist()
    strides = code_strides(int(owners.max(initial=0)) + 1, spread)
    x, y, z = shifts.astype(np.int64).T
    return np.asarray(image_code(owners.astype(np.int64), x, y, z, strides))


def full_cell(cell: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """The cell with missing vectors filled by unit vectors at right angles to the others.

    Raises:
        InputError: If the cell vectors do not span a volume.
    """
    full = np.array(cell, float)
    missing = [axis for axis in range(3) if not np.any(full[axis])]
    if missing:
        _, _, normals = np.linalg.svd(full)
        full[missing] = normals[3 - len(missing) :]
    lengths = np.linalg.norm(full, axis=1)
    if not abs(np.linalg.det(full)) > 1e-6 * np.prod(lengths):
        raise InputError(f"the cell vectors {full.tolist()} lie in a plane; correct the cell")
    return full
