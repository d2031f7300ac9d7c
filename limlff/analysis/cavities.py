"""Cavities that are closed in, as against what is open: missing atoms of each.

A hollow is where the smeared density is below half of that of the crystal, as in
`limlff.analysis.voids`. It is open if it goes on without end through the periodic copies of the
cell: the vacuum over a slab, and the gap between two slabs as long as one can walk out of it
between the necks that cross it. Every other hollow is enclosed, and the atoms missing in it are
summed as there; a margin that an enclosed and an open hollow share is divided between them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from limlff.analysis.grid import PeriodicGrid
from limlff.analysis.voids import HOLE_DENSITY, MARGIN, SMEARING, SPACING, periodic_centre


@dataclass(frozen=True)
class Cavities:
    """Hollows of one configuration.

    Attributes:
        enclosed: Missing atoms of each enclosed one, the largest first.
        centres: Their centres in fractions of the cell vectors.
        open_volume: Volume of what is open (Å^3).
        is_hollow: Grid points in enclosed hollows.
        grid: The grid.
    """

    enclosed: list[float]
    centres: list[Float[np.ndarray, "3"]]
    open_volume: float
    is_hollow: Bool[np.ndarray, "a b c"]
    grid: PeriodicGrid

    @property
    def missing(self) -> float:
        """Missing atoms of all that are enclosed."""
        return float(sum(self.enclosed))


def find_cavities(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    reference_density: float,
    spacing: float = SPACING,
) -> Cavities:
    """Enclosed hollows of a periodic cell.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        reference_density: Number density of the perfect crystal at the same temperature and
            pressure (1/Å^3).
        spacing: Largest distance of grid points (Å).
    """
    grid = PeriodicGrid.with_spacing(cell, spacing)
    deficit = reference_density - grid.smeared_density(positions, SMEARING)
    hollow = deficit > (1 - HOLE_DENSITY) * reference_density
    open_part = grid.endless(hollow)
    closed = hollow & ~open_part
    labels = grid.connected(closed)
    found = []
    for name in np.unique(labels[closed]):
        core = labels == name
        around = _share(grid, core, hollow & ~core)
        missing = float(deficit[around].sum() * grid.volume_per_point)
        found.append((missing, periodic_centre(np.where(core, deficit, 0.0))))
    found.sort(key=lambda each: -each[0])
    return Cavities(
        enclosed=[missing for missing, _ in found],
        centres=[centre for _, centre in found],
        open_volume=float(open_part.sum() * grid.volume_per_point),
        is_hollow=closed,
        grid=grid,
    )


def _share(
    grid: PeriodicGrid, core: Bool[np.ndarray, "a b c"], others: Bool[np.ndarray, "a b c"]
) -> Bool[np.ndarray, "a b c"]:
    """A hollow and its margin, but for what is nearer to another one: in three steps outwards."""
    own, theirs = core, others
    for part in (1 / 3, 2 / 3, 1.0):
        wider = grid.dilated(core, part * MARGIN) & ~theirs
        theirs = theirs | (grid.dilated(others, part * MARGIN) & ~own & ~wider)
        own = own | wider
    return own
