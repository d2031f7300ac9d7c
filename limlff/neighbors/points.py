"""Atoms and their periodic images as points in cubes, ready for a search.

Atoms are wrapped into the cell, and all images of them that may be within the radius of an atom in
the cell are points too. Cubes are at least half as wide as the radius, so that the neighbors of an
atom are in its own cube and two more in each direction: fewer points to look at than in cubes as
wide as the radius, and one more each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

CUBES_PER_RADIUS = 2


class Points(NamedTuple):
    """Points sorted by cube.

    Attributes:
        places: Where they are (Å).
        images: Owner of each, and how many cell vectors it is away from where the owner really is.
        cubes: Cube of each point.
        starts: First point of each cube, and behind the last.
        grid: Number of cubes along x, y and z; z runs fastest.
        visits: Points that are atoms, in the order of cubes.
    """

    places: Float[np.ndarray, "points 3"]
    images: Int[np.ndarray, "points 4"]
    cubes: Int[np.ndarray, " points"]
    starts: Int[np.ndarray, " cubes+1"]
    grid: Int[np.ndarray, "3"]
    visits: Int[np.ndarray, " atoms"]


def sort_points(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> Points:
    """Atoms and images that can be neighbors, cube by cube.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows, none of them zero (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance of neighbors (Å).
    """
    inverse = np.linalg.inv(cell)
    fractions = positions @ inverse
    homes = np.where(periodic, np.floor(fractions), 0.0)
    fractions -= homes
    # the 1e-9 keeps images that rounding would put just outside
    reach = radius * np.linalg.norm(inverse, axis=0) * (1 + 1e-9)
    owners, shifts = _images(fractions, np.where(periodic, reach, 0.0), periodic)
    places = (fractions[owners] + shifts) @ cell
    cubes, grid = _cubes(places, radius)
    order = np.argsort(cubes, kind="stable")
    starts = np.concatenate([[0], np.cumsum(np.bincount(cubes, minlength=int(np.prod(grid))))])
    images = np.column_stack([owners, shifts - homes[owners].astype(np.int64)])[order]
    visits = np.flatnonzero(~np.any(shifts[order], axis=1))
    return Points(places[order], images, cubes[order], starts, grid, visits)


def _images(
    fractions: Float[np.ndarray, "atoms 3"], reach: np.ndarray, periodic: np.ndarray
) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "points 3"]]:
    """Owners and shifts of all points: atom by atom, each shift that keeps it within reach."""
    first = np.where(periodic, np.ceil(-reach - fractions), 0.0).astype(np.int64)
    last = np.where(periodic, np.floor(1.0 + reach - fractions), 0.0).astype(np.int64)
    numbers = last - first + 1
    per_atom = np.prod(numbers, axis=1)
    owners = np.repeat(np.arange(len(fractions)), per_atom)
    place = np.arange(len(owners)) - np.repeat(np.cumsum(per_atom) - per_atom, per_atom)
    along_y, along_z = numbers[owners, 1], numbers[owners, 2]
    counted = np.column_stack(
        [place // (along_y * along_z), place // along_z % along_y, place % along_z]
    )
    return owners, first[owners] + counted


def _cubes(
    places: Float[np.ndarray, "points 3"], radius: float
) -> tuple[Int[np.ndarray, " points"], Int[np.ndarray, "3"]]:
    """Cube of each point, and the number of cubes along each axis."""
    low, high = places.min(axis=0), places.max(axis=0)
    width = radius / CUBES_PER_RADIUS
    # wider cubes where most would be empty, as for a cluster in a large vacuum
    while np.prod(np.floor((high - low) / width) + 1.0) > 4.0 * len(places) + 64.0:
        width *= 1.5
    grid = np.floor((high - low) / width).astype(np.int64) + 1
    x, y, z = np.floor((places - low) / width).astype(np.int64).T
    return (x * grid[1] + y) * grid[2] + z, grid
