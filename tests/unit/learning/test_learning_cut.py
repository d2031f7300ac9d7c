"""Cells around uncertain atoms: small enough, the core as it was, holes told."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc110, bulk
from ase.neighborlist import neighbor_list

from limlff.frames.frame import Frame
from limlff.learning.cut import cut_frame, largest_new_hole, unchanged_atoms

RADIUS = 4.5


def frame_of(atoms: Atoms) -> Frame:
    return Frame(
        atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, group="kind", origin="run 3"
    )


def crystal(repeat: int = 7) -> Atoms:
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(repeat)
    atoms.rattle(0.1, seed=0)
    return atoms


def slab() -> Atoms:
    atoms = bcc110("Li", (6, 6, 10), a=3.44, vacuum=12.0)
    atoms.pbc = True
    atoms.rattle(0.1, seed=3)
    return atoms


def grades_of(count: int, values: dict[int, float]) -> np.ndarray:
    grades = np.zeros(count)
    for atom, grade in values.items():
        grades[atom] = grade
    return grades


def vectors_around(atoms: Atoms, centre: int, radius: float) -> np.ndarray:
    """Sorted vectors to all neighbors within a radius, by ASE's own search."""
    i, d = neighbor_list("iD", atoms, radius)
    found = np.round(d[i == centre], 6) + 0.0
    return found[np.lexsort(found.T)]


def test_a_small_frame_is_calculated_as_it_is_and_all_of_it_counts():
    frame = frame_of(crystal(3))
    (cut,) = cut_frame(frame, grades_of(54, {7: 1.2, 9: 3.0}), RADIUS, 64, 3)
    assert cut.frame.core is None and cut.grade == 3.0 and not cut.remark
    assert np.array_equal(cut.frame.positions, frame.positions)
    assert cut.frame.group == "kind"


def test_certain_frames_are_not_calculated():
    assert cut_frame(frame_of(crystal(3)), np.zeros(54), RADIUS, 64, 3) == []


@pytest.mark.parametrize("build", [crystal, slab])
def test_cells_hold_the_surroundings_of_the_most_uncertain_atoms(build):
    atoms = build()
    top = int(np.argmax(atoms.positions[:, 2]))
    inner = int(np.argmin(np.linalg.norm(atoms.positions - atoms.cell.sum(axis=0) / 2, axis=1)))
    neighbor = int(np.argsort(atoms.get_distances(inner, range(len(atoms)), mic=True))[1])
    grades = grades_of(len(atoms), {top: 2.0, inner: 4.0, neighbor: 3.0})
    cuts = cut_frame(frame_of(atoms), grades, RADIUS, 100, 3)
    assert [cut.grade for cut in cuts] == [4.0, 2.0]  # the neighbor is in the first cell
    for cut, centre in zip(cuts, (inner, top), strict=True):
        assert len(cut.frame) <= 100
        assert cut.frame.origin == f"run 3, around atom {centre}"
        small = cut.frame.to_atoms()
        assert cut.frame.core is not None and cut.frame.core[0]
        offset = atoms.positions[centre] - small.positions[0]
        for atom in np.flatnonzero(cut.frame.core).tolist():
            away = atoms.positions - small.positions[atom] - offset
            away -= np.round(away @ np.linalg.inv(atoms.cell.array)) @ atoms.cell.array
            owner = int(np.argmin(np.linalg.norm(away, axis=1)))
            one, other = vectors_around(small, atom, 3.5), vectors_around(atoms, owner, 3.5)
            assert np.allclose(one, other, atol=1e-5)


def test_no_more_cells_than_asked_for_and_none_that_cannot_be():
    atoms = crystal()
    grades = grades_of(len(atoms), {0: 2.0, 300: 2.0, 600: 2.0})
    assert len(cut_frame(frame_of(atoms), grades, RADIUS, 100, 2)) == 2
    assert cut_frame(frame_of(atoms), grades, RADIUS, 4, 2) == []


def hole_in(missing: list[int], stretch: float = 0.0) -> float:
    """The hole that is seen in a crystal without some atoms, or pulled apart along z."""
    whole = crystal(4)
    small = whole.copy()
    upper = small.positions[:, 2] > 0.5 * small.cell[2, 2]
    small.positions[upper, 2] += stretch
    small.cell[2, 2] += stretch
    del small[missing]
    return largest_new_hole(small, whole, np.zeros(3))


def test_holes_that_the_frame_does_not_have_are_measured():
    """A vacancy of the lattice has the radius of the nearest distance, 2.98 Å, a void more."""
    assert hole_in([]) == 0.0
    assert hole_in([20]) == pytest.approx(0.5 * np.sqrt(3) * 3.44, abs=0.35)
    around = np.flatnonzero(crystal(4).get_distances(20, range(128), mic=True) < 3.6)
    assert hole_in(around.tolist()) > 3.5


def test_a_crack_is_no_surface_in_silence():
    """Pulled apart by 4 Å, which is a surface on both sides."""
    assert hole_in([], stretch=4.0) > 3.0
    assert hole_in([], stretch=0.2) < 2.9


def test_a_hole_of_the_frame_itself_is_none_of_the_cut():
    whole = crystal(4)
    del whole[[20, 21, 22, 23]]
    assert largest_new_hole(whole.copy(), whole, np.zeros(3)) == 0.0


def test_a_hole_with_room_for_an_atom_is_said():
    atoms = crystal()
    said = []
    for max_atoms in (20, 30, 100):
        for centre in (0, 100, 333):
            grades = grades_of(len(atoms), {centre: 2.0})
            for cut in cut_frame(frame_of(atoms), grades, RADIUS, max_atoms, 1):
                i, d = neighbor_list("id", cut.frame.to_atoms(), 4.0)
                nearest = np.median([d[i == atom].min() for atom in range(len(cut.frame))])
                said.append(bool(cut.remark))
                assert cut.hole > 0.9 * nearest if cut.remark else cut.hole < 1.1 * nearest
                assert not cut.remark or f"{cut.hole:.2f} Å" in cut.remark
    assert len(said) > 3


def test_a_rim_is_no_core():
    """An atom is moved within reach of some: these, and no others, are not what they were."""
    whole = crystal(4)
    small = whole.copy()
    small.positions[60] += [0.3, 0.0, 0.0]
    found = unchanged_atoms(small, whole, np.zeros(3), 3.6)
    i, j = neighbor_list("ij", whole, 3.6)
    near = set(i[j == 60]) | {60}
    i, j = neighbor_list("ij", small, 3.6)
    near |= set(i[j == 60])
    assert set(np.flatnonzero(~found)) == near


def test_a_slab_that_ends_within_the_crystal_says_so():
    atoms = slab()
    top = int(np.argmax(atoms.positions[:, 2]))
    (cut,) = cut_frame(frame_of(atoms), grades_of(len(atoms), {top: 2.0}), RADIUS, 60, 1)
    assert not cut.frame.periodic[2]
    assert "a surface that the frame does not have" in cut.remark
