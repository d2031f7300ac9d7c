"""The neck between two bodies: the narrowest section of the solid between two planes.

The solid is where the density of atoms smeared by Gaussians of 1.5 Å is more than half of that of
the crystal, up to its dividing surface. Two surfaces less than 2 Å apart count as one, since their
Gaussians add up to that, and a sharp groove around a neck is filled, which adds up to 1 Å to its
radius.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.analysis.grid import PeriodicGrid
from limlff.analysis.voids import HOLE_DENSITY, SMEARING, SPACING
from limlff.errors import InputError


@dataclass(frozen=True)
class Neck:
    """The narrowest section.

    Attributes:
        area: Its area (Å^2), which is that of contact; 0 if the bodies do not touch.
        place: Where it is along the axis (Å).
    """

    area: float
    place: float

    def radius(self, is_half: bool = False) -> float:
        """Radius of the disc of this area (Å), or of the half disc, as on a slab."""
        return math.sqrt((2 if is_half else 1) * self.area / math.pi)


def find_neck(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    reference_density: float,
    axis: int,
    between: tuple[float, float],
    above: float | None = None,
) -> Neck:
    """The narrowest section of the solid between two planes across an axis of the cell.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows, along x, y and z (Å).
        reference_density: Number density of the crystal (1/Å^3).
        axis: 0, 1 or 2 for x, y or z.
        between: Where the planes are along it (Å).
        above: Height along z from which on the solid counts (Å), to leave out a slab.

    Raises:
        InputError: If the cell is not orthogonal, or there is nothing between the planes.
    """
    lengths = np.diag(cell)
    if np.abs(cell - np.diag(lengths)).max() > 1e-6 * lengths.max():
        raise InputError("the cell is not orthogonal; necks are measured across x, y or z of one")
    grid = PeriodicGrid.with_spacing(cell, SPACING)
    solid = grid.smeared_density(positions, SMEARING) > HOLE_DENSITY * reference_density
    if above is not None:
        heights = np.arange(grid.shape[2]) / grid.shape[2] * lengths[2]
        solid &= heights >= above
    places = np.arange(grid.shape[axis]) / grid.shape[axis] * lengths[axis]
    chosen = np.flatnonzero((places >= between[0]) & (places <= between[1]))
    if not len(chosen):
        raise InputError(
            f"no section lies between {between[0]:g} and {between[1]:g} Å of a cell of "
            f"{lengths[axis]:g} Å; give two places in it, at least {SPACING} Å apart"
        )
    across = [other for other in range(3) if other != axis]
    area_per_point = math.prod(lengths[other] / grid.shape[other] for other in across)
    areas = area_per_point * np.moveaxis(solid, axis, 0)[chosen].sum(axis=(1, 2))
    least = np.flatnonzero(areas == areas.min())
    return Neck(float(areas.min()), float(places[chosen[least[len(least) // 2]]]))
