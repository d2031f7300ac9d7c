"""Labels that cannot be right are seen, and right ones pass."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk, fcc111
from ase.calculators.emt import EMT

from limlff.frames.frame import Frame
from limlff.learning.check import CheckSettings, fault_of_label, fault_of_structure, known_from
from limlff.learning.labelling import Label
from limlff.learning.tasks import Cost

SETTINGS = CheckSettings()
EXPECTED = ("d" * 64, "emt 3.29")


def labelled(seed: int, gold: int = 0, scale: float = 1.0) -> Frame:
    """Four atoms of copper, some replaced by gold, with labels of the effective medium theory."""
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.numbers[:gold] = 79
    atoms.set_cell(atoms.cell * scale, scale_atoms=True)
    atoms.rattle(0.1, seed=seed)
    atoms.calc = EMT()
    return Frame(
        atoms.numbers,
        atoms.positions,
        atoms.cell.array,
        atoms.pbc,
        atoms.get_potential_energy(),
        atoms.get_forces(),
        atoms.get_stress(voigt=False),
    )


def label(frame: Frame, **changes) -> Label:
    return Label(replace(frame, **changes), *EXPECTED, Cost(), 0.0)


@pytest.fixture(scope="module")
def known():
    frames = [labelled(seed, gold) for seed, gold in enumerate([0, 1, 2, 4] * 3)]
    return known_from(frames, SETTINGS)


def test_labels_of_new_compositions_pass(known):
    for seed, gold in ((20, 3), (21, 0), (22, 4)):
        frame = labelled(seed, gold)
        assert fault_of_structure(frame, known, SETTINGS) is None
        assert fault_of_label(label(frame), EXPECTED, known, SETTINGS) is None


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"energy": float("nan")}, "not finite"),
        ({"forces": np.full((4, 3), np.inf)}, "not finite"),
        ({"stress": np.full((3, 3), np.nan)}, "not finite"),
        ({"forces": np.array([[40.0, 0, 0], [-40.0, 0, 0], [0, 0, 0], [0, 0, 0]])}, "is 40 eV/Å"),
        ({"forces": np.full((4, 3), 0.02)}, "add up to 0.0346 eV/Å per atom"),
    ],
)
def test_labels_that_cannot_be_right_are_told(known, change, words):
    found = fault_of_label(label(labelled(20), **change), EXPECTED, known, SETTINGS)
    assert found is not None and words in found


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"forces": np.zeros((5, 3))}, r"forces have shape \(5, 3\), not \(4, 3\)"),
        ({"forces": np.zeros((1, 3))}, r"forces have shape \(1, 3\)"),
        ({"forces": np.zeros(12)}, r"forces have shape \(12,\)"),
        ({"forces": np.zeros(())}, r"forces have shape \(\)"),
        ({"forces": np.zeros((0, 3))}, r"forces have shape \(0, 3\)"),
        ({"stress": np.zeros(6)}, r"stress has shape \(6,\), not \(3, 3\)"),
    ],
)
def test_labels_of_a_wrong_shape_are_told(change, words):
    found = fault_of_label(label(labelled(20), **change), EXPECTED, None, SETTINGS)
    assert found is not None and re.search(words, found)


def test_an_energy_beside_the_one_of_the_forces_is_finite_too():
    found = fault_of_label(
        Label(labelled(20), *EXPECTED, Cost(), float("nan")), EXPECTED, None, SETTINGS
    )
    assert found is not None and "not finite" in found


def test_an_energy_far_from_all_others_is_told(known):
    """The energy of one electron state for another: the forces look like any others."""
    frame = labelled(20, gold=1)
    for shift, passes in ((0.2, True), (-8.0, False), (8.0, False)):
        found = fault_of_label(label(frame, energy=frame.energy + shift), EXPECTED, known, SETTINGS)
        assert (found is None) == passes
    assert found is not None and "eV per atom beside what its elements have" in found
    assert fault_of_label(label(frame, energy=50.0), EXPECTED, None, SETTINGS) is None
    silver = replace(frame, numbers=np.full(4, 47), energy=50.0)
    assert fault_of_label(label(silver), EXPECTED, known, SETTINGS) is None


def test_labels_of_other_settings_or_another_version_are_told(known):
    frame = labelled(20)
    for settings, code in (("e" * 64, EXPECTED[1]), (EXPECTED[0], "emt 3.30")):
        found = fault_of_label(Label(frame, settings, code, Cost(), 0.0), EXPECTED, known, SETTINGS)
        assert found is not None and "differ" in found


def test_structures_not_worth_a_calculation_are_told_before_it(known):
    close = labelled(20)
    positions = close.positions.copy()
    positions[1] = positions[0] + [1.2, 0.0, 0.0]
    found = fault_of_structure(replace(close, positions=positions), None, SETTINGS)
    assert found is not None and "Cu 0 and Cu 1 are 1.20 Å apart" in found
    for scale, passes in ((1.1, True), (1.3, False), (0.8, False)):
        found = fault_of_structure(labelled(20, scale=scale), known, SETTINGS)
        assert (found is None) == passes
    slab = fcc111("Cu", (1, 1, 3), vacuum=8.0)
    slab.pbc = True
    frame = Frame(slab.numbers, slab.positions, slab.cell.array, slab.pbc)
    assert fault_of_structure(frame, known, SETTINGS) is None  # its volume says nothing


def test_few_frames_are_no_measure():
    assert known_from([labelled(seed) for seed in range(9)], SETTINGS) is None
    assert known_from([labelled(seed) for seed in range(10)], SETTINGS) is not None
