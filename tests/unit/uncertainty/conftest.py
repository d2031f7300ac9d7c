"""A small potential of two elements that has its uncertainty from distorted crystals."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from training_frames import crystals

from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.training.data import TrainingData
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.preparation import initial_parameters
from limlff.training.recipe import Recipe
from limlff.training.samples import make_samples
from limlff.training.uncertainty.fit import add_uncertainty

MODEL = MomentModel(
    elements=("Cu", "Ni"), cutoff=4.5, radial=4, max_degree=1, channels=3, hidden=(5, 3)
)
MEMBERS = 4


@pytest.fixture(scope="session")
def data():
    """Frames of one set with copper and nickel, and others held back."""
    train = [LabelledFrame(frame, "own") for frame in crystals(24, seed=1, nickel=True)]
    held_back = [LabelledFrame(frame, "own") for frame in crystals(30, seed=2, nickel=True)]
    return TrainingData(train, held_back, [])


@pytest.fixture(scope="session")
def recipe():
    """A recipe of which only seed, batches and members matter here."""
    return Recipe.model_validate(
        {
            "elements": ["Cu", "Ni"],
            "model": {},
            "data": [{"name": "own", "files": ["unused"]}],
            "uncertainty": {"members": MEMBERS},
            "batch_atoms": 128,
        }
    )


@pytest.fixture(scope="session")
def bare(data):
    """An untrained potential, all of its parameters away from zero, without uncertainty."""
    samples = make_samples(data.train, MODEL.elements, MODEL.cutoff, np.zeros((1, 2)), "float64")
    generator = np.random.default_rng(3)
    start = initial_parameters(MODEL, samples, seed=0)
    parameters = {
        name: jax.tree.map(
            lambda leaf: np.asarray(leaf) + 0.2 * generator.normal(size=leaf.shape), start[name]
        )
        for name in ("mixing", "linear", "net")
    }
    card = {"training": {"energy_offsets_ev": {"own": {"Cu": 0.0, "Ni": 0.0}}}}
    statistics = jax.tree.map(np.asarray, start["statistics"])
    return Potential(MODEL, {**parameters, "statistics": statistics}, np.array([0.5, -1.0]), card)


@pytest.fixture(scope="session")
def potential(bare, data, recipe):
    """The same with its uncertainty, calibrated on the frames held back."""
    return add_uncertainty(bare, data, recipe)


def with_readouts(potential, readouts):
    """The potential with other members."""
    arrays = {**potential.parameters["uncertainty"], "readouts": readouts}
    return replace(potential, parameters={**potential.parameters, "uncertainty": arrays})
