"""Neighborhoods cut out of large configurations as cells small enough for DFT.

Around an atom a rectangular box is cut. The atoms within the core radius of it stay where they are,
and none of their neighbors within that radius is lost. Along each Cartesian axis the box is either
periodic, or, where the surface is within reach, ends in vacuum: the cell of a slab. At a periodic
boundary atoms of the two sides can come too close; the edges of the box are chosen such that few do
and that the density is kept, and of those that still do, the one farther from the centre is left
out, never one of the core.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from jaxtyping import Bool, Float, Int

from limlff.neighbors.pairs import find_pairs

VACUUM = 10.0
"""Vacuum of a slab cell, and the width of an empty layer that counts as a surface (Å)."""

_EDGES = 6
"""Edges that are tried along each periodic axis."""

_SHRINKING = (0.0, 0.05, 0.1, 0.15)
"""How much smaller a core may be for the sake of boundaries that fit."""

_CORE_WORTH = 40.0
"""Atoms too few or too many at the boundaries that outweigh the whole radius of the core."""

_CLOSEST = 0.85
"""Smallest distance across a boundary, relative to that of nearest neighbors around the centre."""


@dataclass(frozen=True)
class Surroundings:
    """Atoms around a centre, images included.

    Attributes:
        vectors: Vectors from the centre (Å); the first is the centre itself, zero.
        numbers: Atomic numbers.
    """

    vectors: Float[np.ndarray, "atoms 3"]
    numbers: Int[np.ndarray, " atoms"]


def cut_out(atoms: Atoms, centre: int, core_radius: float, max_atoms: int = 100) -> Atoms:
    """A small cell with the surroundings of an atom.

    Args:
        atoms: The configuration; wrapped or not.
        centre: Index of the atom.
        core_radius: Radius within which the surroundings shall be kept (Å); made smaller where
            they would not fit.
        max_atoms: Most atoms of the cell.

    Returns:
        The cell, periodic along the axes without vacuum, the centre in its middle as the first
        atom. `info` holds `core_radius` and the array `core` says which atoms are within it. A
        configuration with at most `max_atoms` atoms is returned whole.
    """
    if len(atoms) <= max_atoms:
        return _whole(atoms, centre, core_radius)
    around = _surroundings(atoms, centre, core_radius)
    spacing = min(_nearest(around.vectors[:50]), core_radius)
    shrink = 1.0
    while shrink * core_radius > 0.5 * spacing:
        best, best_score = None, float("inf")
        for factor in (shrink * (1 - step) for step in _SHRINKING):
            cell, score = _best_box(around, factor * core_radius, spacing, max_atoms)
            score += _CORE_WORTH * (1 - factor)
            if cell is not None and score < best_score:
                best, best_score = cell, score
        if best is not None:
            return best
        shrink *= 0.95 * (1 - _SHRINKING[-1])
    raise ValueError(f"no cell of {max_atoms} atoms holds the surroundings of atom {centre}")


def _whole(atoms: Atoms, centre: int, core_radius: float) -> Atoms:
    """All atoms, wrapped around the centre."""
    cell = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=atoms.pbc)
    if cell.pbc.any():
        middle = cell.cell.complete().sum(axis=0) / 2
        cell.positions += np.where(cell.pbc.all(), 1.0, 0.0) * (middle - cell.positions[centre])
        cell.wrap()
    vectors = cell.positions - cell.positions[centre]
    cell.arrays["core"] = np.linalg.norm(vectors, axis=1) < core_radius
    cell.info["core_radius"] = core_radius
    return cell


def _surroundings(atoms: Atoms, centre: int, core_radius: float) -> Surroundings:
    """Everything that a box could hold, by a search with a large radius around one atom."""
    reach = np.sqrt(3) * (core_radius + 4.0) + VACUUM
    cell = atoms.cell.complete().array
    inverse = np.linalg.inv(cell)
    offsets = atoms.positions - atoms.positions[centre]
    scaled = offsets @ inverse
    wrapped = offsets - np.where(atoms.pbc, np.floor(scaled + 0.5), 0.0) @ cell
    heights = 1.0 / np.linalg.norm(inverse, axis=0)
    repeats = [
        range(-int(np.ceil(reach / h + 0.5)), int(np.ceil(reach / h + 0.5)) + 1) if p else range(1)
        for h, p in zip(heights, atoms.pbc, strict=True)
    ]
    vectors, numbers = [], []
    for shift in itertools.product(*repeats):
        image = wrapped + np.array(shift) @ cell
        near = np.linalg.norm(image, axis=1) < reach
        vectors.append(image[near])
        numbers.append(atoms.numbers[near])
    found, kinds = np.concatenate(vectors), np.concatenate(numbers)
    order = np.argsort(np.linalg.norm(found, axis=1), kind="stable")
    return Surroundings(found[order], kinds[order])


def _nearest(vectors: Float[np.ndarray, "atoms 3"]) -> float:
    """Median distance from an atom to its nearest neighbor (Å)."""
    pairs = find_pairs(vectors, np.zeros((3, 3)), np.zeros(3, bool), 6.0)
    nearest = np.full(len(vectors), np.inf)
    distances = np.linalg.norm(vectors[pairs.owners] - vectors[pairs.centres], axis=1)
    np.minimum.at(nearest, pairs.centres, distances)
    return float(np.median(nearest))


@dataclass(frozen=True)
class _Box:
    """Where a box begins and ends along each axis, from the centre (Å)."""

    low: Float[np.ndarray, "3"]
    high: Float[np.ndarray, "3"]
    periodic: Bool[np.ndarray, "3"]


def _best_box(
    around: Surroundings, radius: float, spacing: float, max_atoms: int
) -> tuple[Atoms | None, float]:
    """The best cell with a core of this radius, or None if none is small enough; its score."""
    least = 2 * radius + 0.5 * spacing
    limits = [_surfaces(around.vectors, axis, radius) for axis in range(3)]
    choices = []
    for low, high in limits:
        if low is None and high is None:
            edges = least + np.linspace(0.0, 1.5 * spacing, _EDGES)
            choices.append([(-0.5 * edge, 0.5 * edge, True) for edge in edges])
        else:  # one atom thick beyond the core, then vacuum, where there is no surface
            inside = -radius - 0.5 * spacing, radius + 0.5 * spacing
            choices.append(
                [(inside[0] if low is None else low, inside[1] if high is None else high, False)]
            )
    best, best_score = None, float("inf")
    for axes in itertools.product(*choices):
        box = _Box(*(np.array(column) for column in zip(*axes, strict=True)))
        inside = np.all((around.vectors >= box.low) & (around.vectors < box.high), axis=1)
        if inside.sum() > max_atoms + 10:
            continue
        cell, lost = _cell(around, inside, box, radius, spacing)
        if len(cell) > max_atoms:
            continue
        score = lost + _misfit(cell, around, box)
        if score < best_score:
            best, best_score = cell, score
    return best, best_score


def _surfaces(
    vectors: Float[np.ndarray, "atoms 3"], axis: int, radius: float
) -> tuple[float | None, float | None]:
    """Where matter ends below and above the centre along an axis; None beyond the core."""
    others = [a for a in range(3) if a != axis]
    column = np.sort(vectors[np.all(np.abs(vectors[:, others]) < radius, axis=1), axis])
    ends: list[float | None] = []
    for side in (-1.0, 1.0):
        heights = np.sort(side * column)
        heights = heights[heights >= 0]
        gaps = np.diff(np.append(heights, np.inf))
        wide = np.flatnonzero(gaps >= VACUUM)
        end = float(heights[wide[0]])
        ends.append(side * (end + 1e-6) if end <= radius + 1.0 else None)
    return ends[0], ends[1]


def _cell(
    around: Surroundings,
    inside: Bool[np.ndarray, " atoms"],
    box: _Box,
    radius: float,
    spacing: float,
) -> tuple[Atoms, int]:
    """The cell of a box, and how many atoms were left out at its boundaries."""
    vectors, numbers = around.vectors[inside], around.numbers[inside]
    edges = box.high - box.low + np.where(box.periodic, 0.0, 2 * VACUUM)
    distances = np.linalg.norm(vectors, axis=1)
    staying = np.ones(len(vectors), bool)
    pairs = find_pairs(vectors, np.diag(edges), box.periodic, _CLOSEST * spacing)
    across = np.any(pairs.shifts != 0, axis=1)
    for i, j in zip(pairs.centres[across], pairs.owners[across], strict=True):
        if staying[i] and staying[j]:
            staying[i if distances[i] > distances[j] else j] = False
    lost = int((~staying).sum())
    if not staying[distances < radius].all():
        lost = 10_000  # the core itself overlaps
    order = np.flatnonzero(staying)
    cell = Atoms(
        numbers[order], vectors[order] + 0.5 * edges, cell=np.diag(edges), pbc=box.periodic
    )
    cell.positions -= np.where(box.periodic, 0.0, 0.5 * (box.low + box.high))
    cell.arrays["core"] = distances[order] < radius
    cell.info["core_radius"] = float(radius)
    return cell, lost


def _misfit(cell: Atoms, around: Surroundings, box: _Box) -> float:
    """How many atoms a box has too few or too many, by the density of the surroundings."""
    reach = np.abs(around.vectors).max() / np.sqrt(3)
    low, high = np.where(box.periodic, -reach, box.low), np.where(box.periodic, reach, box.high)
    count = np.all((around.vectors >= low) & (around.vectors < high), axis=1).sum()
    expected = count * np.prod((box.high - box.low) / (high - low))
    return float(abs(len(cell) - expected))
