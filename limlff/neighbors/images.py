"""Which periodic images can be neighbors, found before any distance is taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.neighbors.cells import code_strides, image_code
from limlff.neighbors.geometry import checked_geometry, full_cell, refuse_absurd_sizes


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
        for step in _shifts_to_try(fractional[chosen], fractional, reach, periodic):
            image = wrapped + np.array(step) @ cell
            within = np.flatnonzero(_in_box_around(wrapped[chosen], image, margin))
            shift = np.array(step, np.int64) + (group - homes[within]).astype(np.int64)
            moved = shift.any(axis=1)
            owners.append(within[moved])
            shifts.append(shift[moved])
    owner, offset = np.concatenate(owners), np.concatenate(shifts)
    _, first = np.unique(image_keys(owner, offset), return_index=True)
    return owner[first], offset[first]


def _shifts_to_try(
    group: Float[np.ndarray, "group 3"],
    everyone: Float[np.ndarray, "atoms 3"],
    reach: Float[np.ndarray, " 3"],
    periodic: np.ndarray,
) -> Iterator[tuple[int, ...]]:
    """Shifts (cell vectors) that can bring an atom into the fractional box of a group, widened."""
    least = group.min(axis=0) - reach - everyone.max(axis=0)
    most = group.max(axis=0) + reach - everyone.min(axis=0)
    return itertools.product(
        *(
            range(int(np.ceil(a)), int(np.floor(b)) + 1) if axis_is_periodic else range(1)
            for a, b, axis_is_periodic in zip(least, most, periodic, strict=True)
        )
    )


def _in_box_around(
    group: Float[np.ndarray, "group 3"], places: Float[np.ndarray, "atoms 3"], margin: float
) -> Bool[np.ndarray, " atoms"]:
    """Which places lie in the Cartesian bounding box of a group, widened (Å)."""
    low, high = group.min(axis=0) - margin, group.max(axis=0) + margin
    return np.all((places >= low) & (places <= high), axis=1)


def image_keys(owners: np.ndarray, shifts: np.ndarray) -> np.ndarray:
    """One integer per owner and shift, in the order of both; alike for these alone."""
    spread = np.abs(shifts).max(axis=0, initial=0).tolist()
    strides = code_strides(int(owners.max(initial=0)) + 1, spread)
    x, y, z = shifts.astype(np.int64).T
    return np.asarray(image_code(owners.astype(np.int64), x, y, z, strides))
