"""Which periodic images can be neighbors, found before any distance is taken."""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Float, Int

from limlff.neighbors.host import full_cell, image_keys


def images_within_reach(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> tuple[Int[np.ndarray, " images"], Int[np.ndarray, "images 3"]]:
    """All images that may lie within `radius` of an atom, and some more.

    Atoms are grouped by the cell that they are in. A group reaches the images in its Cartesian
    bounding box widened by the radius; the shifts to try come from its box in fractional
    coordinates, widened by the radius over the height of the cell.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance of a pair (Å).

    Returns:
        Owner and shift (cell vectors) of each image, in canonical order.
    """
    inverse = np.linalg.inv(full_cell(cell))
    fractional = positions @ inverse
    # the 1e-6 keeps images that rounding would put just outside
    reach = radius * np.linalg.norm(inverse, axis=0) * (1 + 1e-6)
    cells = np.where(periodic, np.floor(fractional), 0.0)
    owners, shifts = [np.zeros(0, np.int64)], [np.zeros((0, 3), np.int64)]
    for group in np.unique(cells, axis=0):
        chosen = np.all(cells == group, axis=1)
        members, places = fractional[chosen], positions[chosen]
        low, high = members.min(axis=0) - reach, members.max(axis=0) + reach
        corners = places.min(axis=0) - radius, places.max(axis=0) + radius
        steps = [
            range(int(np.ceil(a)), int(np.floor(b)) + 1) if axis_is_periodic else range(1)
            for a, b, axis_is_periodic in zip(
                low - fractional.max(axis=0), high - fractional.min(axis=0), periodic, strict=True
            )
        ]
        for shift in itertools.product(*steps):
            if any(shift):
                image = positions + shift @ np.asarray(cell, float)
                within = np.flatnonzero(np.all((image >= corners[0]) & (image <= corners[1]), 1))
                owners.append(within)
                shifts.append(np.tile(np.array(shift, np.int64), (len(within), 1)))
    owner, offset = np.concatenate(owners), np.concatenate(shifts)
    _, first = np.unique(image_keys(owner, offset), return_index=True)
    return owner[first], offset[first]
