"""Numbers of a recipe's model, written in one way or another, give the same potential."""

from __future__ import annotations

import numpy as np
import pytest
from training_frames import crystals, write_frames

from limlff.cli.main import main
from limlff.potential_file import load_potential
from limlff.training.frame_predictions import predict_frames

RECIPE = """
elements: [Cu]
model: {{{model}}}
data: [{{name: own, files: [own.extxyz]}}]
least_squares: only
uncertainty: null
validation: {{fraction: 0.0}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("settings")
    write_frames(folder / "own.extxyz", crystals(8, seed=1))
    return folder


def trained(folder, name: str, model: str):
    recipe = folder / f"{name}.yaml"
    recipe.write_text(RECIPE.format(model=model), encoding="utf-8")
    assert main(["train", str(recipe), "--out", str(folder / name), "--quiet"]) == 0
    return folder / name / "potential.limlff"


def test_whole_number_as_cutoff_gives_the_same_bytes_and_forces(folder):
    """As a whole number it was read by compiled code as another number: all forces were zero."""
    plain = "cutoff: 4.0, radial: 4, channels: 2, max_degree: 1, hidden: [], repulsion: false"
    other = "cutoff: 4, radial: 4.0, channels: 2, max_degree: 1, hidden: [], repulsion: 'no'"
    first, second = trained(folder, "plain", plain), trained(folder, "other", other)
    assert first.read_bytes() == second.read_bytes()
    frames = crystals(8, seed=1)
    predictions = predict_frames(load_potential(second), frames)
    ours = np.concatenate([prediction.forces.ravel() for prediction in predictions])
    true = np.concatenate([frame.forces.ravel() for frame in frames])
    assert np.corrcoef(ours, true)[0, 1] > 0.7
