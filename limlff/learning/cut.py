"""What is calculated of a frame: all of it where it is small, else cells around uncertain atoms.

Only the surroundings of a cut-out's core are as they were in the frame; other atoms are there to be
seen by the core. Where the sides of a cut-out do not fit, or a slab ends within the crystal, is a
hole that the frame did not have: it is measured, and said where an atom would have room in it.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from ase import Atoms
from jaxtyping import Bool, Float, Int
from scipy.spatial import KDTree

from limlff.config import StrictModel
from limlff.frames.frame import Frame
from limlff.md.output.cutout import cut_out
from limlff.neighbors.pairs import find_pairs
from limlff.quantities import Count, Distance, Positive

_GRID = 0.5  # Å
_MATTER = 2.5
"""No place in a crystal or a liquid is farther from all atoms (Å)."""
_BEYOND = 4.0
"""How far beyond the atoms of a slab holes are looked for (Å): less than to the next surface."""
_SAME_PLACE = 1e-3
"""Displacement up to which two atoms are at the same place (Å)."""
_NEW_HOLE = 0.3
"""How much farther from atoms a point must be than in the frame, to be in a hole of the cut (Å)."""


class CutSettings(StrictModel):
    """Which atoms of a run are uncertain, and what is calculated around them.

    Attributes:
        min_grade: Extrapolation grade above which an atom is uncertain; 1 is the edge of the
            training data.
        core_radius_angstrom: Radius around an uncertain atom within which nothing is changed (Å);
            left out, the cutoff of the potential. It is made smaller where a cell of
            `labeller.max_atoms` atoms could not hold it.
        cuts_per_frame: Most cells that are cut out of one frame, the most uncertain atoms first.
    """

    min_grade: Positive = 1.0
    core_radius_angstrom: Distance | None = None
    cuts_per_frame: Count = 3


@dataclass(frozen=True)
class Cut:
    """A structure to be calculated.

    Attributes:
        frame: Its atoms and cell; the group is the kind of configuration, the core, where not all
            of a frame is calculated, holds the atoms whose surroundings are as they were there.
        grade: Largest extrapolation grade of an atom of the core in that frame.
        hole: Radius of the largest sphere without atoms that the frame did not have (Å); 0 if
            there is none.
        remark: What a user should know of it; empty if nothing.
    """

    frame: Frame
    grade: float
    hole: float = 0.0
    remark: str = ""


def cut_frame(
    frame: Frame, grades: Float[np.ndarray, " atoms"], radius: float, max_atoms: int, most: int
) -> list[Cut]:
    """What is to be calculated of a frame with uncertain atoms.

    Args:
        frame: The frame.
        grades: Extrapolation grades of the uncertain atoms, zero of the others.
        radius: Of the core (Å).
        max_atoms: Most atoms of a cell.
        most: Most cells.

    Returns:
        The cells, the most uncertain first; none if no atom is uncertain, or if not even its
        nearest neighbors fit into a cell of so many atoms.
    """
    if not np.any(grades > 0):
        return []
    if len(frame) <= max_atoms:
        bare = replace(frame, energy=None, forces=None, stress=None)
        return [Cut(bare, float(grades.max()))]
    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=frame.periodic)
    cuts = []
    for centre in _apart(atoms, grades, radius, most):
        try:
            cell = cut_out(atoms, centre, radius, max_atoms)
        except ValueError:  # no cell is small enough
            continue
        if cell.arrays["core"].sum() < 2:  # not even its neighbors fit
            continue
        cuts.append(_described(frame, atoms, centre, cell, float(grades[centre])))
    return cuts


def _apart(
    atoms: Atoms, grades: Float[np.ndarray, " atoms"], radius: float, most: int
) -> list[int]:
    """The most uncertain atoms that are not in each other's core."""
    chosen: list[int] = []
    for atom in np.argsort(-grades, kind="stable").tolist():
        if not grades[atom] > 0 or len(chosen) == most:
            break
        if not chosen or atoms.get_distances(atom, chosen, mic=True).min() > radius:
            chosen.append(atom)
    return chosen


def _described(frame: Frame, atoms: Atoms, centre: int, cell: Atoms, grade: float) -> Cut:
    shift = atoms.positions[centre] - cell.positions[0]
    hole, room = largest_new_hole(cell, atoms, shift), _nearest_distance(cell)
    remark = ""
    if hole > room:
        remark = "a hole or a surface that the frame does not have, with room for a sphere of "
        remark += f"{hole:.2f} Å; atoms are {room:.2f} Å apart"
    structure = Frame(
        cell.numbers,
        cell.positions,
        cell.cell.array,
        np.asarray(cell.pbc),
        core=unchanged_atoms(cell, atoms, shift, cell.info["core_radius"]),
        group=frame.group,
        origin=f"{frame.origin}, around atom {centre}",
    )
    return Cut(structure, grade, hole, remark)


def unchanged_atoms(
    cell: Atoms, whole: Atoms, shift: Float[np.ndarray, " 3"], radius: float
) -> Bool[np.ndarray, " atoms"]:
    """Which atoms of a cut-out have the same surroundings as in what it was cut out of.

    Args:
        cell: The cut-out.
        whole: What it was cut out of.
        shift: From a place in the cut-out to the same in the whole (Å).
        radius: How far their surroundings reach (Å).
    """
    _, owners = _nearest(cell.positions + shift, whole)
    here, there = (_neighborhoods(each, radius - _SAME_PLACE) for each in (cell, whole))
    same = np.zeros(len(cell), bool)
    for atom, owner in enumerate(owners):
        (vectors, numbers), (others, their_numbers) = here(atom), there(int(owner))
        if len(vectors) == len(others) > 0:
            distances, order = KDTree(others).query(vectors)
            same[atom] = bool(
                distances.max() < _SAME_PLACE and np.array_equal(numbers, their_numbers[order])
            )
    return same


def _neighborhoods(
    atoms: Atoms, radius: float
) -> Callable[[int], tuple[Float[np.ndarray, "neighbors 3"], Int[np.ndarray, " neighbors"]]]:
    """A function that gives vectors to the neighbors of an atom (Å), and their atomic numbers."""
    cell = atoms.cell.array
    pairs = find_pairs(atoms.positions, cell, atoms.pbc, radius)
    vectors = atoms.positions[pairs.owners] - atoms.positions[pairs.centres] + pairs.shifts @ cell
    bounds = np.searchsorted(pairs.centres, np.arange(len(atoms) + 1))

    def of_atom(
        atom: int,
    ) -> tuple[Float[np.ndarray, "neighbors 3"], Int[np.ndarray, " neighbors"]]:
        own = slice(bounds[atom], bounds[atom + 1])
        return vectors[own], atoms.numbers[pairs.owners[own]]

    return of_atom


def largest_new_hole(cell: Atoms, whole: Atoms, shift: Float[np.ndarray, " 3"]) -> float:
    """Radius of the largest empty sphere in a cut-out that the whole does not have (Å).

    Args:
        cell: The cut-out. Above and below it, where it is not periodic, is a hole where the whole
            goes on.
        whole: What it was cut out of.
        shift: From a place in the cut-out to the same in the whole (Å).
    """
    points = _grid(cell)
    here, _ = _nearest(points, cell)
    there, _ = _nearest(points + shift, whole)
    new = (there < _MATTER) & (here > there + _NEW_HOLE)
    return float(here[new].max(initial=0.0))


def _grid(cell: Atoms) -> Float[np.ndarray, "points 3"]:
    """Points in a rectangular cell; where it is not periodic, to a little beyond its atoms."""
    axes = []
    for axis in range(3):
        low, high = 0.0, float(cell.cell.array[axis, axis])
        if not cell.pbc[axis]:
            heights = cell.positions[:, axis]
            low, high = heights.min() - _BEYOND, heights.max() + _BEYOND
        axes.append(np.arange(low, high, _GRID))
    return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)


def _nearest(
    points: Float[np.ndarray, "points 3"], atoms: Atoms
) -> tuple[Float[np.ndarray, " points"], Int[np.ndarray, " points"]]:
    """The atom nearest to each point, periodic images included, and how far it is (Å)."""
    vectors = atoms.cell.complete().array
    wrapped = points - np.where(atoms.pbc, np.floor(points @ np.linalg.inv(vectors)), 0) @ vectors
    inside = atoms.positions @ np.linalg.inv(vectors)
    places = (inside - np.where(atoms.pbc, np.floor(inside), 0)) @ vectors
    ranges = [(-1, 0, 1) if flag else (0,) for flag in atoms.pbc]
    images = [places + np.array(shift) @ vectors for shift in itertools.product(*ranges)]
    distances, found = KDTree(np.concatenate(images)).query(wrapped)
    return np.asarray(distances), np.asarray(found) % len(atoms)


def _nearest_distance(cell: Atoms) -> float:
    """Median distance of atoms to their nearest neighbors (Å)."""
    return float(np.median(KDTree(cell.positions).query(cell.positions, k=2)[0][:, 1]))
