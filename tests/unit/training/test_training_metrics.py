"""Predictions of frames of very different sizes, in their order."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from limlff.calculator import Calculator
from limlff.frames.frame import Frame
from limlff.training.frame_predictions import FramePrediction, predict_frames
from limlff.training.metrics import frame_errors, label_pairs
from limlff.training.uncertainty.frames import FrameAssessment, frame_reliability


def test_frames_of_all_sizes_are_predicted_as_by_the_calculator():
    """Crystals of 2 to 128 atoms, out of order, and a cluster that has no stress."""
    generator = np.random.default_rng(0)
    structures = [bulk("Li", cubic=True, a=3.4).repeat(count) for count in (4, 1, 3, 2)]
    structures[3].cell = np.zeros((3, 3))
    structures[3].pbc = False
    for atoms in structures:
        atoms.positions += generator.normal(0, 0.1, atoms.positions.shape)
    frames = [Frame(a.numbers, a.positions, a.cell.array, a.pbc) for a in structures]
    calculator = Calculator("li")
    for atoms, found in zip(structures, predict_frames(calculator.potential, frames), strict=True):
        atoms.calc = calculator
        assert found.energy == pytest.approx(atoms.get_potential_energy(), rel=1e-12)
        np.testing.assert_allclose(found.forces, atoms.get_forces(), rtol=0, atol=1e-10)
        assert (found.stress is None) == (not atoms.pbc.any())
        if found.stress is not None:
            expected = atoms.get_stress(voigt=False)
            np.testing.assert_allclose(found.stress, expected, rtol=0, atol=1e-12)


def test_errors_of_forces_are_those_on_the_core():
    """Where one is marked; energies count as ever."""
    generator = np.random.default_rng(1)
    true, found = generator.normal(size=(2, 3, 4, 3))
    cores = [None, np.array([True, False, False, True]), np.array([False, True, False, False])]
    frames = [
        Frame(np.full(4, 3), np.eye(4, 3) * 3, np.zeros((3, 3)), np.zeros(3, bool), 1.0, f, core=c)
        for f, c in zip(true, cores, strict=True)
    ]
    predictions = [FramePrediction(1.4, f, None) for f in found]
    errors = frame_errors(frames, predictions)
    kept = [found[0] - true[0], (found[1] - true[1])[[0, 3]], (found[2] - true[2])[[1]]]
    mean = np.abs(np.concatenate(kept)).mean()
    assert errors["force_mae_ev_per_angstrom"] == pytest.approx(mean, rel=1e-12)
    assert errors["energy_mae_mev_per_atom"] == pytest.approx(100.0)
    assert label_pairs("force", frames, predictions)[0].size == 3 * 7
    spread = FrameAssessment(0.1, np.ones(4), np.ones(4), np.array([0.5, 9.0, 0.5, 0.5]))
    reliable = frame_reliability(frames, predictions, [spread] * 3)
    assert reliable["force"]["labels"] == 3 * 7 and reliable["share_above_1"] == 2 / 7
