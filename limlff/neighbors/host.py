"""Neighbor matrices built on the host by vesin, a compiled cell list.

The order of neighbors is canonical: sorted by owner and shift, so that it depends on the positions
alone and a run that goes on and a run that is resumed add up forces in the same order.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from vesin import NeighborList

from limlff.errors import InputError
from limlff.neighbors.matrix import NeighborMatrix

_SHIFT_LIMIT = 1 << 15  # three shifts and an owner share one 64-bit key, 16 bits each for a shift


@dataclass(frozen=True)
class Capacity:
    """Sizes of the padded arrays; shapes change, and code is compiled again, only when they grow.

    Attributes:
        slots: Neighbors per atom.
        ghosts: Periodic images.
    """

    slots: int
    ghosts: int

    def holds(self, slots: int, ghosts: int) -> bool:
        """Whether so many neighbors and ghosts fit."""
        return slots <= self.slots and ghosts <= self.ghosts


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
        InputError: If a periodic direction has no cell vector, or the cell vectors lie in a plane.
    """
    for axis in range(3):
        if periodic[axis] and not np.any(cell[axis]):
            raise InputError(
                f"the structure is periodic along cell vector {axis}, which is zero; "
                "give the vector or switch the periodicity off"
            )
    finder = NeighborList(cutoff=radius, full_list=True)
    i, j, shifts = finder.compute(
        np.asarray(positions, float), full_cell(cell), list(map(bool, periodic)), "ijS"
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
    """
    atoms = len(positions)
    columns = atom_slots or atoms
    pairs = find_pairs(positions, cell, periodic, radius)
    counts = np.bincount(pairs.centres, minlength=atoms)
    is_image = np.any(pairs.shifts != 0, axis=1)
    keys = image_keys(pairs.owners[is_image], pairs.shifts[is_image])
    ghosts, first, ghost_of_pair = np.unique(keys, return_index=True, return_inverse=True)
    needed = (int(counts.max(initial=0)), len(ghosts))
    if capacity is None:
        capacity = Capacity(bucket(needed[0]), bucket(needed[1], 64) if needed[1] else 0)
    elif not capacity.holds(*needed):
        capacity = Capacity(
            max(capacity.slots, bucket(needed[0]))
            if needed[0] > capacity.slots
            else capacity.slots,
            bucket(needed[1], 64) if needed[1] > capacity.ghosts else capacity.ghosts,
        )
    ghost_owner = np.zeros(capacity.ghosts, np.int32)
    ghost_shift = np.zeros((capacity.ghosts, 3))
    ghost_owner[: len(ghosts)] = pairs.owners[is_image][first]
    ghost_shift[: len(ghosts)] = pairs.shifts[is_image][first]
    extended_index = pairs.owners.copy()
    extended_index[is_image] = columns + ghost_of_pair
    lists = np.repeat(np.arange(columns, dtype=np.int32)[:, None], capacity.slots, axis=1)
    slot = np.arange(len(pairs.centres)) - np.repeat(np.cumsum(counts) - counts, counts)
    lists[pairs.centres, slot] = extended_index
    return NeighborMatrix(lists, ghost_owner, ghost_shift), capacity  # type: ignore[arg-type]


def image_keys(owners: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """One integer per owner and shift, in the order of both."""
    if shifts.size and np.abs(shifts).max() >= _SHIFT_LIMIT // 16:
        raise InputError(
            f"an atom is {np.abs(shifts).max()} cells away from the cell; wrap the positions first"
        )
    offset = shifts.astype(np.int64) + _SHIFT_LIMIT // 16
    base = _SHIFT_LIMIT // 8
    return ((owners.astype(np.int64) * base + offset[:, 0]) * base + offset[:, 1]) * base + offset[
        :, 2
    ]


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
