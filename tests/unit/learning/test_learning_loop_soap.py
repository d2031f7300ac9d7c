"""Campaigns of models that have no features: SOAP tells what they do not know."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from small_campaign import RECIPE, write_campaign

from limlff.errors import InputError
from limlff.frames.read import read_source
from limlff.learning import executors
from limlff.learning.choices import read_choices
from limlff.learning.learn import learn
from limlff.learning.soap import SoapSettings, fit_soap
from limlff.potential_file import load_potential
from limlff.uncertainty import available

MTP = {
    "architecture": "mtp",
    "cutoff": 4.0,
    "level": 8,
    "radial": 5,
}
SOAP = {"n_max": 4, "l_max": 2}


def campaign(folder: Path, recipe: dict[str, Any], **changes: Any) -> Path:
    path = write_campaign(folder, **changes)
    (folder / "train.yaml").write_text(yaml.safe_dump({**RECIPE, **recipe}))
    return path


@pytest.fixture
def soap_campaign(tmp_path, monkeypatch) -> Path:
    pytest.importorskip("dscribe", reason="DScribe, the extra 'soap', is not installed")

    def in_turn(function, tasks, at_once, listen):
        return [function(*task, listen) for task in tasks]

    monkeypatch.setattr(executors, "run_in_processes", in_turn)
    select = {"frames": 3, "method": "d_optimal", "features": "soap", "soap": SOAP}
    recipe = {"model": MTP, "uncertainty": None}
    return campaign(tmp_path, recipe, select=select, budget={"iterations": 1})


def test_the_loop_goes_from_start_to_end_without_features(soap_campaign, tmp_path):
    out = tmp_path / "out"
    learn(soap_campaign, out, progress=False)
    potential = load_potential(out / "potential.limlff")
    assert not available(potential)
    curve = json.loads((out / "learning-curve.json").read_text())
    assert [row["frames"] for row in curve] == [0, 3]
    assert 0 < curve[0]["uncertain_share"] <= 1
    choices = read_choices(out / "iteration-001")
    assert {choice.cut.frame.group for choice in choices} == {"hot", "wide"}
    known = read_source(tmp_path / "cold.extxyz").frames
    space = fit_soap(SoapSettings(**SOAP), potential, known)
    for choice in choices:
        grades = space.grades([choice.cut.frame])[0]
        assert choice.cut.grade == pytest.approx(grades.max(), rel=1e-6) and grades.max() > 1
        assert "leverage" in choice.why and "to log det" in choice.why
        assert np.array_equal(choice.cut.frame.is_core, np.ones(32, bool))


@pytest.mark.parametrize(
    ("recipe", "words"),
    [
        ({"model": MTP, "uncertainty": None}, "the model mtp of the recipe has no features"),
        ({"uncertainty": None}, "the recipe has no 'uncertainty'"),
    ],
)
def test_what_cannot_tell_what_it_does_not_know_is_refused_at_the_start(tmp_path, recipe, words):
    path = campaign(tmp_path, recipe)
    with pytest.raises(InputError, match=f"{words}.*select.features: soap"):
        learn(path, tmp_path / "out", progress=False)
    assert not (tmp_path / "out").exists()
