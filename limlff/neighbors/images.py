"""Which periodic images can be neighbors, found before any distance is taken."""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float, Int

from limlff.neighbors.geometry import checked_geometry, refuse_absurd_sizes
from limlff.neighbors.host import full_cell, image_keys


def images_within_reach(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> tuple[Int[np.ndarray, " images"], Int[np.ndarray, "images 3"]]:
    """All images that may lie within `radius` of an atom, and some more.

    Atoms are grouped by the cell that they are in, and wrapped. A group reaches the images in its
    Cartesian bounding box widened by the radius; the shifts to try come from its box in fractional
    coordinates, widened by the radius over the height of the cell. Since they are tried between
    wrapped atoms, they are few also where atoms have drifted through many cells.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance of a pair (Å).

    Returns:
        Owner and shift (cell vectors) of each image, in canonical order.

    Raises:
        InputError: If an argument is not what it must be, or there would be absurdly many images.
    """
    geometry = checked_geometry(positions, cell, periodic, radius)
    positions, cell, periodic, radius = geometry
    inverse = np.linalg.inv(full_cell(cell))
    refuse_absurd_sizes(geometry._replace(cell=full_cell(cell)), inverse)
    fractional = positions @ inverse
    # the 1e-6 keeps images that rounding would put just outside
    margin = radius * (1 + 1e-6)
    reach = margin * np.linalg.norm(inverse, axis=0)
    homes = np.where(periodic, np.floor(fractional), 0.0)
    fractional, wrapped = fractional - homes, positions - homes @ cell
    owners, shifts = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
    for group in np.unique(homes, axis=0):
        chosen = np.all(homes == group, axis=1)
        members, places = fractional[chosen], wrapped[chosen]
        low, high = members.min(axis=0) - reach, members.max(axis=0) + reach
        corners = places.min(axis=0) - margin, places.max(axis=0) + margin
        steps = [
            range(int(np.ceil(a)), int(np.floor(b)) + 1) if axis_is_periodic else range(1)
            for a, b, axis_is_periodic in zip(
                low - fractional.max(axis=0), high - fractional.min(axis=0), periodic, strict=True
            )
        ]
        for step in itertools.product(*steps):
            image = wrapped + np.array(step) @ cell
            within = np.flatnonzero(np.all((image >= corners[0]) & (image <= corners[1]), 1))
            shift = np.array(step, np.int64) + (group - homes[within]).astype(np.int64)
            moved = shift.any(axis=1)
            owners.append(within[moved])
            shifts.append(shift[moved])
    owner, offset = np.concatenate(owners), np.concatenate(shifts)
    _, first = np.unique(image_keys(owner, offset), return_index=True)
    return owner[first], offset[first]
