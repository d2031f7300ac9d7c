"""Fusion studies from end to end, and ones that died, which go on to the same numbers."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import pytest

from limlff.errors import OutOfTime
from limlff.workflows.as_json import as_json
from limlff.workflows.fusion.config import FusionConfig
from limlff.workflows.fusion.study import FusionStudy
from limlff.workflows.runs import simulate_all
from limlff.workflows.workspace import News

COMMON = {
    "potential": "li",
    "misorientations": [{"angle_degrees": 30}],
    "crystal": {"repeats": 3, "equilibration_ps": 0.1, "duration_ps": 0.2},
    "dynamics": {"relax_ps": 0.2, "frame_every_ps": 0.06, "lag_ps": 0.12, "checkpoint_every": 15},
    "criteria": {"for_ps": 0.06},
    "processes": 1,
    "max_runtime_minutes": 30.0,
}
BALL = {"kind": "hemisphere", "radius_angstrom": 6}
STUDIES = {
    "approach": {
        "dendrites": {"shape": BALL, "slab": {"size": [5, 5], "layers": 4}},
        "drive": {"kind": "approach", "duration_ps": 0.4},
    },
    "growth": {
        "dendrites": {
            "arrangement": "side_by_side", "gap_angstrom": 4, "shape": BALL,
            "slab": {"size": [9, 5], "layers": 4, "fixed_layers": 1}, "vacuum_angstrom": 25,
        },
        "drive": {
            "kind": "growth", "atoms": 8, "rate": {"every": 12}, "rest_ps": 0.15,
            "friction_layers": 1, "tiles": [2, 2], "windows": 2,
        },
    },
}  # fmt: skip
RUN = "30-deg-1_1_0-seed1"
STUDY = FusionStudy()


def show(news: News) -> None:
    """Shows nothing."""


def config(kind: str) -> FusionConfig:
    return FusionConfig.model_validate({**COMMON, **STUDIES[kind]})


def numbers(outcome) -> str:
    """All but the time that it took."""
    found = as_json(outcome.to_json())
    found.pop("timing")
    return json.dumps(found)


@pytest.fixture(scope="module", params=STUDIES)
def whole(request, tmp_path_factory):
    out = tmp_path_factory.mktemp(request.param)
    return request.param, out, simulate_all(STUDY, config(request.param), out, show)[0]


def test_dendrites_are_watched_to_the_end(whole):
    kind, _, found = whole
    columns = found.series.columns
    assert found.ended == "all of it done" and np.isfinite(columns["highest_grade"]).all()
    assert np.all(columns["neck_radius_angstrom"] >= 0)
    assert 3.35 < found.crystal.lattice_constant < 3.6
    if kind == "growth":
        assert columns["atoms"][-1] - columns["atoms"][0] == 8
        assert len(found.windows) == 2
        assert np.ptp(columns["feet_apart_angstrom"]) == 0
    else:
        assert np.ptp(columns["atoms"]) == 0
        assert np.ptp(columns["feet_apart_angstrom"]) > 0.01  # the cell changes its length
        assert columns["feet_apart_angstrom"][0] == pytest.approx(12 + 2, abs=3)


@pytest.mark.parametrize("died_in", ["crystal", "relax", "fusion"])
def test_resumed_study_gives_the_same_numbers(whole, tmp_path, died_in):
    kind, _, outcome = whole

    def die(news: News) -> None:
        if news.folder == f"{died_in}-{RUN}" and news.time_ps > 0.1:
            raise OutOfTime("killed")

    with pytest.raises(OutOfTime):
        simulate_all(STUDY, config(kind), tmp_path, die)
    found = simulate_all(STUDY, config(kind), tmp_path, show, resume=True)[0]
    assert numbers(found) == numbers(outcome)


def test_page_and_figures_are_written(whole, monkeypatch):
    from limlff.workflows import results

    kind, out, outcome = whole
    monkeypatch.setattr(results, "simulate_all", lambda *arguments: [outcome])
    result = results.compute_study(STUDY, config(kind), out, progress=False, resume=True)
    page = result.page.read_text(encoding="utf-8")
    content = json.loads(result.numbers.read_text())
    assert escape(content["summary"], quote=False) in page.replace("&#39;", "'")
    assert content["runs"][0]["name"] == RUN
    assert len(content["claims"]) == 4
    for words in ("Dendrites that touch merge into one.", "Adv. Sci. 9, 2105574", "closed in"):
        assert words in page
    assert ("Local current density on tiles" in page) == (kind == "growth")
    assert page.count("data:image/png;base64,") == (9 if kind == "growth" else 8)
