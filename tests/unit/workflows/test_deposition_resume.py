"""A deposition study from end to end, and one that died, which goes on to the same numbers."""

from __future__ import annotations

import json
from html import escape

import numpy as np
import pytest

from limlff.errors import OutOfTime
from limlff.workflows.as_json import as_json
from limlff.workflows.deposition.config import DepositionConfig
from limlff.workflows.deposition.study import DepositionStudy
from limlff.workflows.runs import simulate_all
from limlff.workflows.workspace import News

CONFIG = DepositionConfig.model_validate(
    {
        "potential": "li-cu",
        "slabs": [
            {"facet": "100", "size": [5, 5], "layers": 4, "fixed_layers": 1, "vacuum_angstrom": 30}
        ],
        "layers": 0.8,
        "rates": [{"every": 20}],
        "dynamics": {
            "friction_layers": 1,
            "relax_ps": 0.1,
            "settle_ps": 0.1,
            "rest_ps": 0.3,
            "rest_frame_ps": 0.03,
            "lag_ps": 0.06,
            "frames_per_layer": 10,
            "checkpoint_every": 15,
        },
        "stripping": {"share": 0.5},
        "processes": 1,
        "max_runtime_minutes": 30.0,
    }
)
RUN = "Cu100-5x5-every-20-steps-seed1"
STUDY = DepositionStudy()


def show(news: News) -> None:
    """Shows nothing."""


def numbers(outcome) -> str:
    """All but the time that it took."""
    found = as_json(outcome.to_json())
    found.pop("timing")
    return json.dumps(found)


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("whole")
    return out, simulate_all(STUDY, CONFIG, out, show)[0]


def test_atoms_come_stay_and_go(whole):
    _, whole = whole
    plated, stripped = whole.plating.columns["atoms"], whole.stripping.columns["atoms"]
    assert plated[0] == 0 and np.all(np.diff(plated) >= 0)
    assert whole.run.plated <= plated[-1] <= whole.run.plated + 2  # a frame holds 2 atoms
    assert whole.run.left - 2 <= stripped[-1] <= whole.run.left
    assert len(whole.rest_grades.time_ps) > 1 and 100 < whole.rest_temperature_k < 900
    assert whole.rest.layers[0].number == 1
    assert 1.5 < whole.rest.layers[0].height < 2.5  # Li on Cu(100)
    assert whole.ended == "all stages done"
    assert np.isfinite(whole.plating.columns["highest_grade"]).all()


@pytest.mark.parametrize("died_in", ["plating", "rest", "stripping"])
def test_resumed_study_gives_the_same_numbers(whole, tmp_path, died_in):
    def die(news: News) -> None:
        if news.folder == f"{died_in}-{RUN}" and news.time_ps > 0.15:
            raise OutOfTime("killed")

    with pytest.raises(OutOfTime):
        simulate_all(STUDY, CONFIG, tmp_path, die)
    found = simulate_all(STUDY, CONFIG, tmp_path, show, resume=True)[0]
    assert numbers(found) == numbers(whole[1])


def test_page_and_figures_are_written(whole, monkeypatch):
    from limlff.workflows import results

    out, outcome = whole
    monkeypatch.setattr(results, "simulate_all", lambda *arguments: [outcome])
    result = results.compute_study(STUDY, CONFIG, out, progress=False, resume=True)
    page = result.page.read_text(encoding="utf-8")
    content = json.loads(result.numbers.read_text())
    assert escape(content["summary"], quote=False) in page.replace("&#39;", "'")
    assert content["runs"][0]["name"] == RUN
    assert {claim["verdict"] for claim in content["claims"]} <= {
        "agrees", "agrees in part", "disagrees", "not tested"
    }  # fmt: skip
    for words in ("Layers on Cu(100) resemble Li(110).", "Small 19, 2205416", "Stripping"):
        assert words in page
    assert page.count("data:image/png;base64,") == 11
