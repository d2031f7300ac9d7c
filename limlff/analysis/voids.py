"""Holes in a solid: their number of missing atoms and their volume.

A hole's size is stated as missing atoms, because its volume depends on the probe. Atoms are
smeared by Gaussians of 1.5 Å, wide enough to hide the lattice and its vibrations, and narrow
enough to show a hole. Where the smeared density falls below half of that of the perfect crystal is
a hole: three neighboring vacancies are one, a vacancy alone (0.6) is none. The deficit of density
is summed over the hole and a margin of 4.5 Å around it, into which the smearing has spread it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from limlff.analysis.grid import PeriodicGrid

SMEARING = 1.5
"""Standard deviation of the Gaussian that stands for an atom (Å)."""

HOLE_DENSITY = 0.5
"""Fraction of the reference density below which a point lies in a hole."""

MARGIN = 4.5
"""Distance from a hole within which its deficit is summed (Å): three standard deviations."""

SPACING = 0.7
"""Largest distance of grid points in the density (Å)."""

ATOM_RADIUS = 1.5
"""Radius of an atom when volumes are measured (Å): half the distance of neighbors in Li."""

PROBE_RADIUS = 1.7
"""Radius of the sphere that has to fit into a hole (Å); a vacancy in bcc Li admits 1.5 Å."""


@dataclass(frozen=True)
class Voids:
    """Holes in one configuration.

    Attributes:
        largest_missing: Atoms missing in the hole that lacks most; 0 without a hole.
        all_missing: Atoms missing in all holes together.
        cell_missing: Atoms that the whole cell lacks: volume times reference density, less the
            number of atoms. It counts isolated vacancies and any change of density as well.
        count: Number of separate holes.
        centre: Centre of the largest hole in fractions of the cell vectors; None without a hole.
    """

    largest_missing: float
    all_missing: float
    cell_missing: float
    count: int
    centre: Float[np.ndarray, "3"] | None


def find_voids(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    reference_density: float,
) -> Voids:
    """Count the atoms missing in holes of a periodic cell.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        reference_density: Number density of the perfect crystal at the same temperature and
            pressure (1/Å^3).
    """
    grid = PeriodicGrid.with_spacing(cell, SPACING)
    deficit = reference_density - grid.smeared_density(positions, SMEARING)
    hollow = deficit > (1 - HOLE_DENSITY) * reference_density
    cell_missing = reference_density * abs(np.linalg.det(cell)) - len(positions)
    labels = grid.connected(hollow)
    names = np.unique(labels[hollow])
    if len(names) == 0:
        return Voids(0.0, 0.0, float(cell_missing), 0, None)

    def missing(core: Bool[np.ndarray, "a b c"]) -> float:
        return float(deficit[grid.dilated(core, MARGIN)].sum() * grid.volume_per_point)

    cores = [labels == name for name in names]
    each = [missing(core) for core in cores]
    largest = int(np.argmax(each))
    return Voids(
        largest_missing=each[largest],
        all_missing=missing(hollow),
        cell_missing=float(cell_missing),
        count=len(names),
        centre=periodic_centre(np.where(cores[largest], deficit, 0.0)),
    )


def void_volume(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    probe_radius: float = PROBE_RADIUS,
    atom_radius: float = ATOM_RADIUS,
    spacing: float = 0.4,
) -> float:
    """Volume that a spherical probe can sweep without overlapping atoms (Å^3).

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        probe_radius: Radius of the probe (Å).
        atom_radius: Radius of the atoms (Å).
        spacing: Largest distance of grid points (Å).

    Returns:
        Volume of all points within `probe_radius` of a place where the probe fits.
    """
    blocks = PeriodicGrid.with_spacing(cell, 3 * spacing)
    grid = PeriodicGrid(blocks.cell, tuple(3 * points for points in blocks.shape))  # type: ignore[arg-type]
    clearance = probe_radius + atom_radius
    tree = cKDTree(_with_images(positions, cell, clearance))

    def clear(index: np.ndarray, distance: float) -> np.ndarray:
        """Points that have no atom within a distance: there the tree answers infinity."""
        nearest, _ = tree.query(grid.cartesian(index), distance_upper_bound=distance)
        return index[np.isinf(nearest)]

    # Blocks of 3 x 3 x 3 points whose middle is so near an atom that no probe fits are left out.
    corner = float(np.linalg.norm(cell / np.array(grid.shape)[:, None], axis=1).sum())
    middles = 3 * np.argwhere(np.ones(blocks.shape, bool)) + 1
    near = np.argwhere(np.ones((3, 3, 3), bool)) - 1
    candidates = clear(middles, clearance - corner)[:, None] + near
    fits = np.zeros(grid.shape, bool)
    fits[tuple(clear(candidates.reshape(-1, 3), clearance).T)] = True
    return float(grid.dilated(fits, probe_radius).sum() * grid.volume_per_point)


def periodic_centre(weight: Float[np.ndarray, "a b c"]) -> Float[np.ndarray, "3"]:
    """Centre of a density in fractions of the cell: the phase of its first Fourier component."""
    centre = []
    for axis, points in enumerate(weight.shape):
        profile = weight.sum(axis=tuple(other for other in range(3) if other != axis))
        phase = np.angle(np.sum(profile * np.exp(2j * np.pi * np.arange(points) / points)))
        centre.append(phase / (2 * np.pi) % 1.0)
    return np.array(centre)


def _with_images(positions: np.ndarray, cell: np.ndarray, reach: float) -> np.ndarray:
    """Atoms wrapped into the cell, and the images within `reach` of it (Å)."""
    inverse = np.linalg.inv(cell)
    fractional = positions @ inverse
    fractional -= np.floor(fractional)
    margin = reach * np.linalg.norm(inverse, axis=0)  # heights of the cell are 1 / these norms
    images = fractional
    for axis in range(3):
        whole = int(np.ceil(margin[axis]))
        shift = np.zeros(3)
        copies = []
        for step in range(-whole, whole + 1):
            shift[axis] = step
            moved = images + shift
            inside = (moved[:, axis] > -margin[axis]) & (moved[:, axis] < 1 + margin[axis])
            copies.append(moved[inside])
        images = np.concatenate(copies)
    return images @ cell
