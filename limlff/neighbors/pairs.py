"""Lists of pairs, which are wanted now and then; found by vesin."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from vesin import NeighborList

from limlff.neighbors.geometry import checked_geometry, filled, refuse_absurd_sizes
from limlff.neighbors.images import image_keys


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
    geometry = filled(checked_geometry(positions, cell, periodic, radius))
    refuse_absurd_sizes(geometry, np.linalg.inv(geometry.cell))
    finder = NeighborList(cutoff=geometry.radius, full_list=True)
    i, j, shifts = finder.compute(
        geometry.positions, geometry.cell, geometry.periodic.tolist(), "ijS"
    )
    i, j = i.astype(np.int64), j.astype(np.int64)
    order = np.lexsort((image_keys(j, shifts), i))
    return PairList(i[order], j[order], shifts[order])
