"""Grains of a bcc metal: pieces of one orientation, and the boundaries left between them.

An atom is inside a grain if it is in bcc surroundings (`limlff.analysis.local_order`) and at least
`CORE` of its neighbors nearer than the third shell are too, with an orientation within `WITHIN`
degrees of its own. Neighbors inside a grain that are so alike belong together; other bcc atoms go
to the grain of the most similar neighbor inside one. A boundary atom is no bcc atom and has at
least `SIDES` atoms of each of two grains within `ACROSS` lattice constants: what is disordered at a
surface or around a hole in one grain is none.

The area between two grains is that of the surface where their densities, smeared by Gaussians, are
equal: with the part phi of the second one, the integral of |grad phi| over the solid, which counts
every surface of constant phi once and depends on no direction of the grid. For this every atom
counts for the grain of the nearest atom of one, so that the area goes up to the free surface.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from limlff.analysis.crystal_rotation import REACH, crystal_rotations
from limlff.analysis.grid import PeriodicGrid
from limlff.analysis.local_order import Order, classify
from limlff.analysis.misorientation import mean_orientation, misorientation
from limlff.analysis.texture import VOLUME
from limlff.analysis.voids import HOLE_DENSITY, SMEARING, SPACING
from limlff.neighbors.pairs import PairList, find_pairs

WITHIN = 10.0
"""Largest angle between neighbors of one grain (degrees)."""

CORE = 9
"""Neighbors, of 14 in the perfect crystal, that an atom inside a grain shares its crystal with."""

FEWEST = 20
"""Atoms of the smallest piece that is called a grain."""

ACROSS, SIDES = 1.5, 3
"""Reach of a boundary atom in lattice constants, and the least atoms that it has there of each."""

NO_GRAIN = -1

_RARE = 0.2
"""Part of the density of the crystal that two grains together have where their boundary counts."""


@dataclass(frozen=True)
class Grains:
    """The grains of a configuration.

    Attributes:
        labels: Grain of each atom, 0 the largest; `NO_GRAIN` for none.
        rotations: Mean orientation of each grain, v_cell = R v_crystal.
        order: Local order of each atom; see `limlff.analysis.local_order.Order`.
        atom_rotations: Orientation of the crystal around each atom, of meaning for bcc atoms only.
    """

    labels: Int[np.ndarray, " atoms"]
    rotations: Float[np.ndarray, "grains 3 3"]
    order: Int[np.ndarray, " atoms"]
    atom_rotations: Float[np.ndarray, "atoms 3 3"]

    @property
    def sizes(self) -> Int[np.ndarray, " grains"]:
        """Atoms of each grain."""
        return np.bincount(self.labels[self.labels >= 0], minlength=len(self.rotations))


@dataclass(frozen=True)
class Boundary:
    """What is between two grains.

    Attributes:
        angle_degrees: Their misorientation (degrees).
        area: Area between them (Å^2).
        atoms: Atoms between them that are not bcc; as a mask.
    """

    angle_degrees: float
    area: float
    atoms: Bool[np.ndarray, " atoms"]


def find_grains(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    volume_per_atom: float = VOLUME,
) -> Grains:
    """The grains of a periodic cell, with vacuum or without.

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows (Å).
        volume_per_atom: Of the crystal (Å^3).
    """
    lattice_constant = float(np.cbrt(2 * volume_per_atom))
    found, fitted = crystal_rotations(positions, cell, lattice_constant)
    rotations = np.swapaxes(found, 1, 2)
    order = classify(positions, cell, volume_per_atom)
    bcc = (order == Order.BCC) & fitted
    pairs = find_pairs(positions, cell, np.ones(3, bool), REACH * lattice_constant)
    both = bcc[pairs.centres] & bcc[pairs.owners]
    first, second = pairs.centres[both], pairs.owners[both]
    angles = misorientation(rotations[first], rotations[second])
    alike = angles < WITHIN
    core = np.bincount(first[alike], minlength=len(positions)) >= CORE
    labels = _pieces(core, first[alike], second[alike])
    # the rest of the bcc atoms, by the most similar neighbor inside a grain
    outer = alike & ~core[first] & core[second] & (labels[second] >= 0)
    nearest = np.flatnonzero(outer)[np.argsort(-angles[outer], kind="stable")]
    labels[first[nearest]] = labels[second[nearest]]  # the last one written is the most similar
    labels = _by_size(labels)
    count = labels.max(initial=-1) + 1
    means = [mean_orientation(rotations[core & (labels == number)]) for number in range(count)]
    return Grains(labels, np.array(means).reshape(-1, 3, 3), order, rotations)


def boundary_between(
    grains: Grains,
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    pair: tuple[int, int] = (0, 1),
    volume_per_atom: float = VOLUME,
) -> Boundary:
    """The boundary between two grains.

    Args:
        grains: All grains.
        positions: Positions (Å).
        cell: Cell vectors as rows (Å).
        pair: Numbers of the two.
        volume_per_atom: Of the crystal (Å^3).
    """
    lattice_constant = float(np.cbrt(2 * volume_per_atom))
    pairs = find_pairs(positions, cell, np.ones(3, bool), ACROSS * lattice_constant)
    others = grains.labels[pairs.owners]
    near = [
        np.bincount(pairs.centres[others == number], minlength=len(positions)) for number in pair
    ]
    atoms = (grains.order != Order.BCC) & (near[0] >= SIDES) & (near[1] >= SIDES)
    sides = [_with_strays(grains.labels, pairs, positions, cell) == number for number in pair]
    return Boundary(
        angle_degrees=float(misorientation(*(grains.rotations[number] for number in pair))),
        area=area_between(positions, cell, sides[0], sides[1], 1 / volume_per_atom),
        atoms=atoms,
    )


def area_between(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    first: Bool[np.ndarray, " atoms"],
    second: Bool[np.ndarray, " atoms"],
    density: float,
) -> float:
    """Area of the surface between two groups of atoms, inside the solid (Å^2).

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows (Å).
        first: Atoms of one group.
        second: Those of the other.
        density: Number density of the solid (1/Å^3).
    """
    grid = PeriodicGrid.with_spacing(cell, SPACING)
    one, other, all_atoms = (
        grid.smeared_density(positions[chosen], SMEARING)
        for chosen in (first, second, np.ones(len(positions), bool))
    )
    together = one + other
    part = other / np.where(together > _RARE * density, together, np.inf)
    counts = (all_atoms > HOLE_DENSITY * density) & (together > _RARE * density)
    slopes = [
        0.5 * n * (np.roll(part, -1, axis) - np.roll(part, 1, axis)) * _both(counts, axis)
        for axis, n in enumerate(grid.shape)
    ]
    gradient = np.einsum("kabc,jk->jabc", np.array(slopes), np.linalg.inv(cell))
    slope = np.sqrt(np.sum(gradient**2, axis=0))
    return float(slope[counts].sum() * grid.volume_per_point)


def _with_strays(
    labels: np.ndarray, pairs: PairList, positions: np.ndarray, cell: np.ndarray
) -> np.ndarray:
    """Labels with every atom of no grain in that of the nearest atom of one, if there is one."""
    useful = (labels[pairs.centres] < 0) & (labels[pairs.owners] >= 0)
    centres, owners = pairs.centres[useful], pairs.owners[useful]
    vectors = positions[owners] + pairs.shifts[useful] @ cell - positions[centres]
    farthest_first = np.argsort(-np.sum(vectors**2, axis=1), kind="stable")
    filled = labels.copy()
    filled[centres[farthest_first]] = labels[owners[farthest_first]]  # the nearest is written last
    return filled


def _both(counts: np.ndarray, axis: int) -> np.ndarray:
    """Points both of whose neighbors along an axis count."""
    return np.roll(counts, -1, axis) & np.roll(counts, 1, axis)


def _pieces(core: np.ndarray, first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Connected pieces of the atoms inside grains, those too small left out."""
    inside = core[first] & core[second]
    size = len(core)
    graph = coo_matrix((np.ones(inside.sum()), (first[inside], second[inside])), (size, size))
    _, labels = connected_components(graph, directed=False)
    counts = np.bincount(labels[core], minlength=labels.max(initial=0) + 1)
    return np.where(core & (counts[labels] >= FEWEST), labels, NO_GRAIN)


def _by_size(labels: np.ndarray) -> np.ndarray:
    """Labels renumbered, the largest first, of equally large ones that of the first atom."""
    names, starts, counts = np.unique(labels[labels >= 0], return_index=True, return_counts=True)
    ranked = names[np.lexsort((starts, -counts))]
    numbers = np.full(labels.max(initial=0) + 2, NO_GRAIN)
    numbers[ranked] = np.arange(len(ranked))
    return np.where(labels >= 0, numbers[labels], NO_GRAIN)
