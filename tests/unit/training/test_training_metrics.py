"""Predictions of frames of very different sizes, in their order."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from limlff.calculator import Calculator
from limlff.frames.frame import Frame
from limlff.training.frame_predictions import predict_frames


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
