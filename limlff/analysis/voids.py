"""Holes in a solid: their number of missing atoms and their volume.

A hole's size is stated as missing atoms, because its volume depends on the probe. Atoms are
smeared by Gaussians of 1.5 Å, wide enough to hide the lattice and its vibrations, and narrow
enough to show a hole. Where the smeared density falls below half of that of the perfect crystal is
a hole: three neighboring vacancies are one, a vacancy alone (0.6) is none. The deficit of density
is summed over the hole and a margin of 4.5 Å around it, into which the smearing has spread it.
"""

from __future__ import annotations

from collections.abc import Sequence
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


@dataclass(frozen=True)
class LayeredDensity:
    """Smeared density of a perfect structure that changes along z, on both sides of a plane alike.

    Attributes:
        values: Densities at multiples of `spacing` from the plane (1/Å^3); the last one holds
            beyond.
        spacing: Distance of the values (Å).
    """

    values: Float[np.ndarray, " distances"]
    spacing: float

    def on(self, grid: PeriodicGrid, plane: float) -> Float[np.ndarray, "1 1 c"]:
        """Densities at the points of a grid along its third vector, which is along z.

        Args:
            grid: The grid.
            plane: Height of the plane (Å).
        """
        edge = float(grid.cell[2, 2])
        heights = np.arange(grid.shape[2]) * edge / grid.shape[2] - plane
        distances = np.abs(heights - edge * np.round(heights / edge))
        known = self.spacing * np.arange(len(self.values))
        return np.interp(distances, known, self.values)[None, None]


def layered_density(
    frames: Sequence[tuple[np.ndarray, np.ndarray, float]], spacing: float = 0.25
) -> LayeredDensity:
    """Mean smeared density of frames against the distance from a plane across z.

    Args:
        frames: Positions (Å), cell vectors as rows (Å), z along the third, and the height of the
            plane (Å).
        spacing: Distance of the values (Å).
    """
    longest = 0.5 * min(float(cell[2, 2]) for _, cell, _ in frames)
    distances = np.arange(0.0, longest, spacing)
    found = []
    for positions, cell, plane in frames:
        grid = PeriodicGrid.with_spacing(cell, SPACING)
        profile = grid.smeared_density(positions, SMEARING).mean(axis=(0, 1))
        heights = np.arange(grid.shape[2]) * cell[2, 2] / grid.shape[2]
        found += [
            np.interp((plane + side * distances) % cell[2, 2], heights, profile, period=cell[2, 2])
            for side in (-1, 1)
        ]
    return LayeredDensity(np.mean(found, axis=0), spacing)


def find_voids(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    reference_density: float,
    layers: LayeredDensity | None = None,
    plane: float = 0.0,
) -> Voids:
    """Count the atoms missing in holes of a periodic cell.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        reference_density: Number density of the perfect crystal at the same temperature and
            pressure (1/Å^3).
        layers: Density of the perfect structure where it is not the same everywhere, such as
            beside another metal.
        plane: Height of the plane that it is counted from (Å).
    """
    grid = PeriodicGrid.with_spacing(cell, SPACING)
    perfect = reference_density if layers is None else layers.on(grid, plane)
    deficit = perfect - grid.smeared_density(positions, SMEARING)
    hollow = deficit > (1 - HOLE_DENSITY) * reference_density
    cell_missing = float(np.mean(perfect)) * abs(np.linalg.det(cell)) - len(positions)
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
