"""Energies of another size than the cell's, and stresses of another unit, are warned of."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limlff.frames.frame import Frame
from limlff.frames.report import label_warnings, report_frames
from limlff.frames.source import FrameSource
from limlff.units import GIGAPASCAL


@pytest.fixture
def chains() -> list[Frame]:
    """Rows of 2 to 13 lithium atoms with -1.9 eV each, a little more where they are stretched."""
    frames = []
    for atoms in range(2, 14):
        spacing = 3.0 + 0.02 * (atoms % 5)
        positions = np.zeros((atoms, 3))
        positions[:, 0] = spacing * np.arange(atoms)
        frames.append(
            Frame(
                numbers=np.full(atoms, 3),
                positions=positions,
                cell=np.diag([spacing * atoms, 4.0, 4.0]),
                periodic=np.ones(3, bool),
                energy=atoms * (-1.9 + 0.5 * (spacing - 3.0)),
                forces=np.zeros((atoms, 3)),
                stress=np.diag([2.0, 0.0, 0.1 * atoms]) * GIGAPASCAL,
                origin=f"chains.extxyz, frame {atoms - 2}",
            )
        )
    return frames


def said(frames: list[Frame]) -> str:
    """What `data check` and a training warn of; both say the same."""
    report = report_frames(FrameSource("chains.extxyz", frames)).warnings
    assert set(label_warnings(frames)) <= set(report)
    return " ".join(label_warnings(frames))


def test_right_energies_and_stresses_raise_no_doubt(chains):
    assert said(chains) == ""
    excited = [replace(chains[3], energy=chains[3].energy + 40.0)]
    assert said([*chains[:3], *excited, *chains[4:]]) == ""


def test_energies_per_atom_are_warned_of(chains):
    wrong = [replace(frame, energy=frame.energy / len(frame)) for frame in chains]
    assert "energies do not grow with the number of atoms" in said(wrong)


def test_an_energy_far_below_all_others_of_the_composition_is_warned_of(chains):
    wrong = [*chains[:3], replace(chains[3], energy=-4.95 * len(chains[3])), *chains[4:]]
    assert "energies of 1 frames lie far below" in said(wrong)
    assert "frame 3 by 3.1 eV/atom; did its electrons converge?" in said(wrong)


@pytest.mark.parametrize("unit", [1.0, 10.0])
def test_stresses_in_gpa_and_kbar_are_warned_of(chains, unit):
    wrong = [replace(f, stress=2.0 * unit * f.stress / GIGAPASCAL) for f in chains]
    assert "stress of" in said(wrong) and "is above 3; check its unit" in said(wrong)
