"""Frames with another zero of energy are told from a potential that is wrong."""

from __future__ import annotations

import jax
import numpy as np
import pytest

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.training.frame_predictions import FramePrediction
from limlff.training.zeros import energy_offsets, in_zero_of_potential, zero_remark

OFFSETS = {"first": {"Li": 0.0, "Cu": 0.0}, "second": {"Li": -0.1, "Cu": 0.5}}


@pytest.fixture(scope="module")
def potential():
    model = MomentModel(("Li", "Cu"), cutoff=4.0, radial=3, channels=2, max_degree=1, hidden=(4,))
    card = {"training": {"energy_offsets_ev": OFFSETS}}
    return Potential(model, model.initialize(jax.random.PRNGKey(0)), np.zeros(2), card)


def labelled(numbers, error):
    """A frame with the error of a prediction of 0 eV per atom (eV)."""
    size = len(numbers)
    frame = Frame(np.array(numbers), np.eye(size, 3), np.zeros((3, 3)), np.zeros(3, bool), -error)
    return frame, FramePrediction(0.0, np.zeros((size, 3)), None)


def many(constants, noise):
    """Twelve frames of 2 to 5 atoms with errors of constants per element and noise per atom."""
    generator = np.random.default_rng(4)
    compositions = [generator.choice([3, 29], generator.integers(2, 6)) for _ in range(12)]
    found = [
        labelled(z, -sum(constants[int(i)] for i in z) + len(z) * generator.normal(0, noise))
        for z in compositions
    ]
    return [list(part) for part in zip(*found, strict=True)]


def test_constants_are_told_with_the_set_that_has_them(potential):
    frames, predictions = many({3: -0.1, 29: 0.5}, noise=0.002)
    remark = zero_remark(frames, predictions, potential)
    assert "Li -0.10" in remark and "Cu +0.50" in remark
    name, figure = remark.split("it is: ")[1].split()
    assert name == "second"
    left = np.array([f.energy - sum(0.5 if z == 29 else -0.1 for z in f.numbers) for f in frames])
    error = 1e3 * np.sqrt(np.mean((left / [len(f) for f in frames]) ** 2))
    assert float(figure) == pytest.approx(error, abs=0.051)
    shifted = in_zero_of_potential(frames, potential, "second")
    np.testing.assert_allclose([f.energy for f in shifted], left, rtol=0, atol=1e-12)
    assert zero_remark(shifted, predictions, potential) is None
    unknown = zero_remark(*many({3: 0.7, 29: -0.5}, noise=0.002), potential)
    assert unknown.endswith("than the potential and its training sets (first, second)")


def test_errors_without_a_constant_small_ones_and_few_frames_are_not_remarked(potential):
    for constants, noise in [({3: 0.0, 29: 0.0}, 0.1), ({3: 3e-3, 29: -3e-3}, 0.0)]:
        assert zero_remark(*many(constants, noise), potential) is None
    few = [part[:4] for part in many({3: -0.1, 29: 0.5}, noise=0.002)]
    assert zero_remark(*few, potential) is None


def test_a_potential_without_sets_names_none(potential):
    """As an imported one; a card of other kinds is none."""
    for card in ({}, {"training": {"energy_offsets_ev": {"a": {"Li": 0.1}, "b": [1.0]}}}):
        bare = Potential(potential.model, potential.parameters, potential.baseline, card)
        assert energy_offsets(bare) == {}
        assert zero_remark(*many({3: -0.1, 29: 0.5}, 0.002), bare).endswith("than the potential")
        with pytest.raises(InputError, match=r"zero is second, .* has no training sets"):
            in_zero_of_potential([], bare, "second")
