"""A healing study that died goes on to the same numbers, bit for bit, and its numbers outlive all
that comes after them.
"""

from __future__ import annotations

import json
import math
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest

from limlff.catalog import find_potential
from limlff.errors import InputError, LimlffError, OutOfTime
from limlff.potential_file import load_potential, save_potential
from limlff.workflows import results
from limlff.workflows.contract import StudyResult
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.outcome import Outcome
from limlff.workflows.healing.study import HealingStudy
from limlff.workflows.runs import simulate_all
from limlff.workflows.study import AT_START, SETTINGS, resume_study
from limlff.workflows.workspace import News
from limlff.yaml_file import dump_yaml

CONFIG = HealingConfig.model_validate(
    {
        "repeats": (3, 3, 3),
        "hole": {"missing_atoms": 4},
        "reference": {"equilibration_ps": 0.1, "duration_ps": 0.3},
        "dynamics": {"duration_ps": 0.8, "frame_every_ps": 0.02, "barostat_tau_fs": 300.0},
        "pressures_gpa": [1.0],
        "mobility_lag_ps": 0.1,
        "processes": 1,
        "max_runtime_minutes": 30.0,
    }
)


def numbers(outcome: Outcome) -> dict:
    """All but the speed."""
    found = asdict(outcome)
    found.pop("speed")
    return {**found, "series": outcome.series.to_json()}


STUDY = HealingStudy()


def show(news: News) -> None:
    """Shows nothing."""


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> tuple[Path, Outcome]:
    out = tmp_path_factory.mktemp("whole")
    return out, simulate_all(STUDY, CONFIG, out, show)[0]


def same_files(one: Path, two: Path) -> None:
    for folder in ("crystal-1-GPa", "hole-1-GPa"):
        for name in ("thermo.csv", "final.extxyz"):
            assert (one / folder / name).read_bytes() == (two / folder / name).read_bytes()


@pytest.mark.parametrize("died_in", ["crystal-1-GPa", "hole-1-GPa"])
def test_resumed_study_gives_the_same_numbers(whole, tmp_path, died_in):
    """Killed in the perfect crystal, or with a hole half closed."""
    folder, expected = whole
    out = tmp_path / "study"

    def die(news: News) -> None:
        if news.folder == died_in and news.time_ps > 0.3:
            raise OutOfTime("killed")

    with pytest.raises(OutOfTime):
        simulate_all(STUDY, CONFIG, out, die)
    assert not (out / "hole-1-GPa" / "summary.json").exists()
    found = simulate_all(STUDY, CONFIG, out, show, resume=True)[0]
    assert math.isfinite(found.crystal.volume_error)
    assert repr(numbers(found)) == repr(numbers(expected))
    same_files(folder, out)


def test_finished_study_is_read_and_not_run_again(whole, tmp_path):
    folder, expected = whole
    out = tmp_path / "study"
    shutil.copytree(folder, out)
    found = simulate_all(STUDY, CONFIG, out, show, resume=True)[0]
    assert repr(numbers(found)) == repr(numbers(expected))
    same_files(folder, out)


@pytest.fixture
def simulated(whole, tmp_path, monkeypatch) -> Path:
    """The folder of a study whose dynamics are done; nothing is simulated again."""
    folder, outcome = whole
    out = tmp_path / "study"
    shutil.copytree(folder, out)
    monkeypatch.setattr(results, "simulate_all", lambda *arguments: [outcome])
    return out


def compute_again(config: HealingConfig, out: Path) -> StudyResult:
    return results.compute_study(STUDY, config, out, progress=False, resume=True)


def potential_with(card: dict, path: Path) -> str:
    potential = load_potential(find_potential("li"))
    save_potential(replace(potential, card=card), path)
    return str(path)


@pytest.mark.parametrize(
    ("validation", "words"),
    [
        ({"forces only": {"force_mae_ev_per_angstrom": 0.012, "energy_mae_mev_per_atom": None}},
         "forces only: 12.0 meV/Å, - meV/atom"),
        ({"nothing": {}}, "nothing: - meV/Å, - meV/atom"),
        ({"odd": 3, "none": None}, None),
        ([1, 2], None),
    ],
)  # fmt: skip
def test_error_that_was_not_measured_is_a_dash_on_the_page(simulated, tmp_path, validation, words):
    card = {"errors": {"validation": validation}, "training": {"data": "none", "x": None}}
    name = potential_with(card, tmp_path / "p.limlff")
    config = CONFIG.model_copy(update={"potential": name})
    result = compute_again(config, simulated)
    page = result.page.read_text(encoding="utf-8")
    assert ("Mean absolute errors" in page) == (words is not None)
    assert words is None or words in page
    assert json.loads(result.numbers.read_text())["runs"][0]["name"] == "hole-1-GPa"


def test_text_of_a_card_and_a_file_name_is_escaped_on_the_page(simulated, tmp_path):
    """A potential of somebody else says what it likes, and is shown as it is."""
    hostile = "<img src=x onerror=alert(1)>"
    card = {"notes": f"</dd><script>{hostile}</script>", "licence": "{{ 7 * 7 }}"}
    name = potential_with(card, tmp_path / f"{hostile}.limlff")
    config = CONFIG.model_copy(update={"potential": name})
    page = compute_again(config, simulated).page.read_text(encoding="utf-8")
    assert hostile not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 2  # of the name and of the notes
    assert "{{ 7 * 7 }}" in page


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("no such colour"), 1), (OSError(28, "No space left"), 4)]
)
def test_numbers_are_there_though_the_page_fails(simulated, monkeypatch, error, code):
    """And it is said how to make the page once more, which then does."""

    def fail(*arguments):
        raise error

    with monkeypatch.context() as patch:
        patch.setattr(HealingStudy, "report", fail)
        with pytest.raises(LimlffError, match=r"holds all numbers.*limlff resume") as caught:
            compute_again(CONFIG, simulated)
    assert caught.value.exit_code == code
    content = json.loads((simulated / "healing.json").read_text())
    assert content["summary"].startswith("At 1 GPa")
    assert not (simulated / "index.html").exists()
    assert compute_again(CONFIG, simulated).page.is_file()


def test_what_is_not_known_is_null_in_the_numbers_and_a_dash_on_the_page(
    whole, simulated, monkeypatch
):
    """No atom near the hole, one block of averages, a process that took no step."""
    outcome = whole[1]
    nothing = np.full_like(outcome.series.columns["disordered_near"], np.nan)
    columns = {**outcome.series.columns, "disordered_near": nothing}
    unknown = replace(
        outcome,
        series=replace(outcome.series, columns=columns),
        crystal=replace(outcome.crystal, volume_error=math.nan),
        speed=math.nan,
        closed_at_ps=0.4,
    )
    monkeypatch.setattr(results, "simulate_all", lambda *arguments: [unknown])
    result = compute_again(CONFIG, simulated)
    run = json.loads(result.numbers.read_text(), parse_constant=pytest.fail)["runs"][0]
    assert run["microseconds_per_atom_step"] is None
    assert run["perfect_crystal"]["volume_error"] is None
    assert "up to - % of the atoms near it" in result.summary
    assert " ± -</td>" in result.page.read_text(encoding="utf-8")


def test_a_new_study_in_the_folder_of_another_does_not_go_on_with_its_runs(simulated):
    """They are gone before the settings of the new one are there."""
    results.clear_results(STUDY, "healing", simulated)
    assert not list((simulated / "hole-1-GPa" / "checkpoints").glob("step_*"))
    assert not (simulated / "crystal-1-GPa" / "summary.json").exists()


def test_settings_of_a_study_under_way_cannot_change_unnoticed(simulated):
    """What was computed belongs to those of the start; the number of processes does not matter."""
    for name in (AT_START, SETTINGS):
        (simulated / name).write_text(dump_yaml(CONFIG.model_dump(mode="json")))
    text = (simulated / SETTINGS).read_text()
    (simulated / SETTINGS).write_text(text.replace("temperature_k: 300.0", "temperature_k: 350.0"))
    with pytest.raises(InputError, match=r"temperature_k was 300.0 when .* is now 350.0"):
        resume_study(simulated, progress=False)
    (simulated / SETTINGS).write_text(text.replace("processes: 1", "processes: 2"))
    assert resume_study(simulated, progress=False).numbers.is_file()
