"""The whole loop: better with each iteration, and the same after any number of deaths."""

from __future__ import annotations

import json
import random
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from small_campaign import content, digest, learn_and_kill, write_campaign

from limlff.cli.main import main
from limlff.config import load_config
from limlff.errors import InputError, LabellingFailed, OutOfTime
from limlff.frames.read import read_source
from limlff.learning import executors
from limlff.learning import learn as loop
from limlff.learning.campaign import Continued
from limlff.learning.campaign_folder import read_settings
from limlff.learning.choices import read_choices
from limlff.learning.learn import learn, resume_learning
from limlff.learning.ledger import Ledger
from limlff.learning.status import campaign_status
from limlff.learning.training import continued
from limlff.learning.work import Work
from limlff.potential_file import load_potential, save_potential
from limlff.training.recipe import Recipe

pytestmark = pytest.mark.usefixtures("_side_by_side_is_one_after_the_other")


@pytest.fixture(scope="module", autouse=True)
def _side_by_side_is_one_after_the_other():
    """Runs in this process: others would compile everything anew."""

    def in_turn(function, tasks, at_once, listen):
        return [function(*task, listen) for task in tasks]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(executors, "run_in_processes", in_turn)
        yield


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("undisturbed")
    result = learn(write_campaign(folder), folder / "out", progress=False)
    assert result.reason.startswith("the budget is spent: budget.iterations is 2")
    return folder / "out"


def test_errors_on_frames_never_trained_on_fall(undisturbed):
    curve = json.loads((undisturbed / "learning-curve.json").read_text())
    errors = [row["errors"]["force_mae_ev_per_angstrom"] for row in curve]
    assert errors[-1] < 0.5 * errors[0]
    shares = [row["uncertain_share"] for row in curve]
    assert shares[0] > shares[1] and shares[2] is None  # the last one was not explored with
    assert [row["frames"] for row in curve] == [0, 3, 6]


def test_what_is_kept_of_an_iteration(undisturbed):
    labelled = read_source(undisturbed / "iteration-001/labelled.extxyz").frames
    assert {frame.group for frame in labelled} == {"hot", "wide"}
    assert all(frame.forces is not None and frame.stress is not None for frame in labelled)
    choices = read_choices(undisturbed / "iteration-001")
    assert [choice.failure for choice in choices] == ["", "", ""]
    for choice, frame in zip(choices, labelled, strict=True):
        assert np.array_equal(choice.cut.frame.positions, frame.positions)
        assert "is new" in choice.why and choice.wall_seconds > 0
    card = load_potential(undisturbed / "potential.limlff").card
    assert [each["name"] for each in card["training"]["data"]] == ["cold", "campaign"]
    assert card["training"]["data"][1]["frames"] == 6
    status = campaign_status(undisturbed)
    assert ["label", "6", "0", "0", "0"] in [line.split()[:5] for line in status.splitlines()]
    assert "iteration 3: 6 frames labelled" in status


def test_the_page_says_what_was_chosen_and_why(undisturbed):
    page = (undisturbed / "index.html").read_text(encoding="utf-8")
    for choice in read_choices(undisturbed / "iteration-002"):
        assert choice.cut.frame.origin in page and choice.why in page
    assert page.count("data:image/png;base64,") == 4
    assert "6 frames were labelled in 2 iterations." in page


def test_a_campaign_that_is_over_ends_alike_when_it_is_resumed(undisturbed, tmp_path):
    """Each row says what had been spent until then, and no more because of what came later."""
    folder = shutil.copytree(undisturbed, tmp_path / "again")
    before = (folder / "learning-curve.json").read_text()
    labelling = [row["core_hours"]["label"] for row in json.loads(before)]
    assert 0 == labelling[0] < labelling[1] < labelling[2]
    resume_learning(folder, progress=False)
    after = (folder / "learning-curve.json").read_text()
    assert json.loads(after) == json.loads(before)


def test_the_error_of_a_potential_is_told_before_it_explores(undisturbed, tmp_path, monkeypatch):
    folder = shutil.copytree(undisturbed, tmp_path / "again")
    before = json.loads((folder / "learning-curve.json").read_text())
    for name in ("learning-curve.json", "index.html", "potential.limlff"):
        (folder / name).unlink()

    def explore_all(*arguments):
        if arguments[-1] == 2:
            raise OutOfTime("as if it took long")
        return real(*arguments)

    real = loop.explore_all
    monkeypatch.setattr(loop, "explore_all", explore_all)
    with pytest.raises(OutOfTime):
        resume_learning(folder, progress=False)
    after = json.loads((folder / "learning-curve.json").read_text())
    assert after[0] == before[0] and len(after) == 2
    assert after[1]["errors"] == before[1]["errors"] and after[1]["uncertain_share"] is None
    assert "3 frames were labelled in 1 iteration" in (folder / "index.html").read_text()
    status = campaign_status(folder).splitlines()
    assert status[0] == f"no process is at it; go on with: limlff resume {folder}"
    assert status[-1].startswith("iteration 2: 3 frames labelled, force MAE ")


def test_a_budget_of_time_ends_a_campaign_at_the_same_iteration_once_it_is_resumed(
    undisturbed, tmp_path
):
    folder = shutil.copytree(undisturbed, tmp_path / "again")
    curve = json.loads((folder / "learning-curve.json").read_text())
    settings = yaml.safe_load((folder / "campaign.yaml").read_text())
    spent = [sum(row["core_hours"].values()) for row in curve]
    settings["budget"]["core_hours"] = 0.5 * (spent[1] + spent[2])  # met in the third iteration
    (folder / "campaign.yaml").write_text(yaml.safe_dump(settings))
    result = resume_learning(folder, progress=False)
    assert "core_hours" in result.reason or "iterations" in result.reason
    assert result.frames == 6


class Killed(BaseException):
    """Nothing that runs in the process hears of it, as with SIGKILL."""


@pytest.mark.parametrize("moments", [(1, 2, 3), (5, 2, 4), (9, 1)])
def test_a_campaign_that_dies_comes_to_the_same_ledger_and_potential(
    undisturbed, tmp_path, monkeypatch, moments
):
    """Dies after so many tasks had been finished, before and after it was written down."""
    finish = Ledger.finish
    left = [0]

    def dying(self, *arguments):
        left[0] -= 1
        if left[0] == 0 and moments[0] % 2:
            raise Killed
        finish(self, *arguments)
        if left[0] == 0:
            raise Killed

    monkeypatch.setattr(Ledger, "finish", dying)
    path = write_campaign(tmp_path)
    for number, moment in enumerate(moments):
        left[0] = moment
        with pytest.raises(Killed):
            if number:
                resume_learning(tmp_path / "out", progress=False)
            else:
                learn(path, tmp_path / "out", progress=False)
    left[0] = -1
    resume_learning(tmp_path / "out", progress=False)
    assert content(tmp_path / "out") == content(undisturbed)
    assert digest(tmp_path / "out") == digest(undisturbed)


def test_a_finished_campaign_does_nothing_more_and_goes_on_with_a_larger_budget(
    undisturbed, tmp_path
):
    folder = tmp_path / "out"
    shutil.copytree(undisturbed, folder)
    again = resume_learning(folder, progress=False)
    assert "budget.iterations is 2" in again.reason
    assert content(folder) == content(undisturbed)
    settings = folder / "campaign.yaml"
    settings.write_text(settings.read_text().replace("iterations: 2", "iterations: 3"))
    further = resume_learning(folder, progress=False)
    assert further.frames > 6 or "nothing new" in further.reason
    assert content(folder)[: len(content(undisturbed))] == content(undisturbed)


def test_settings_on_which_depends_what_was_done_stay(undisturbed, tmp_path):
    for name in ("campaign.yaml", "campaign-at-start.yaml"):
        (tmp_path / name).write_text((undisturbed / name).read_text())
    settings = tmp_path / "campaign.yaml"
    values = yaml.safe_load(settings.read_text())
    values["labeller"]["wall_minutes"] = 7.0
    values["goal"]["uncertain_share"] = 0.01
    settings.write_text(yaml.safe_dump(values))
    assert read_settings(tmp_path).labeller.wall_minutes == 7.0
    values["labeller"]["code"]["settings"] = {"asap_cutoff": True}
    settings.write_text(yaml.safe_dump(values))
    with pytest.raises(InputError, match=r"labeller\.code\.settings\.asap_cutoff was None when"):
        read_settings(tmp_path)


def test_a_goal_ends_it_before_anything_is_labelled(tmp_path):
    goal = {"test": ["test.extxyz"], "force_mae_ev_per_angstrom": 1000.0, "uncertain_share": 1.0}
    result = learn(write_campaign(tmp_path, goal=goal), tmp_path / "out", progress=False)
    assert result.reason.startswith("the goal is reached: force_mae_ev_per_angstrom is ")
    assert result.frames == 0 and not (tmp_path / "out/labels").exists()


def test_runs_that_a_guard_stops_are_reported_and_used(tmp_path):
    """Too hot from the start: the last state within the guards is what there is to label."""
    guards = {"max_temperature_k": 700.0}
    run = {
        "kind": "too hot",
        "structures": ["start.extxyz"],
        "md": {"steps": 400, "initial_temperature_k": 1300.0, "guards": guards, "chunk_steps": 5},
    }
    run["md"]["output"] = {"trajectory_every": 200}
    path = write_campaign(tmp_path, runs=[run], budget={"iterations": 1})
    told = learn(path, tmp_path / "out", progress=False)
    assert "guards.max_temperature_k = 700" in told.curve[0]["stops"][0]
    assert told.curve[0]["uncertain_share"] >= 1 / 3  # what was not reached is not known


def test_a_potential_that_does_not_know_what_it_does_not_know_is_refused(undisturbed, tmp_path):
    known = load_potential(undisturbed / "potential.limlff")
    bare = {key: value for key, value in known.parameters.items() if key != "uncertainty"}
    save_potential(replace(known, parameters=bare), tmp_path / "bare.limlff")
    path = write_campaign(tmp_path, potential="bare.limlff")
    with pytest.raises(InputError, match="has no uncertainty"):
        learn(path, tmp_path / "out", progress=False)


def test_labelling_that_fails_for_good_has_exit_code_5(tmp_path, capsys):
    code = {"kind": "ase", "calculator_class": "no_such_code:Calculator"}
    path = write_campaign(tmp_path, labeller={"code": code})
    words = ["learn", str(path), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(words) == LabellingFailed.exit_code == 5
    assert "no_such_code" in capsys.readouterr().err
    assert main(["learn", "--status", str(tmp_path / "out")]) == 0
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["label", "0", "0", "3", "0"] in [row[:5] for row in rows]  # done, running, queued
    assert main(["resume", str(tmp_path / "out"), "--quiet"]) == 5


def test_a_training_goes_on_from_the_last_potential_if_that_is_of_its_model(undisturbed):
    card = load_potential(undisturbed / "potential.limlff").card
    history = card["training"]["started_from"]
    assert [Path(link["potential"]).parent.parent.name for link in history] == [
        "iteration-001",
        "iteration-000",
    ]
    campaign = read_settings(undisturbed)
    changes = {"continued": Continued(epochs=7, learning_rate=2e-4)}
    work = Work(campaign.model_copy(update=changes), undisturbed, None, None, print)
    recipe = load_config(campaign.recipe, Recipe)
    last = undisturbed / "potential.limlff"
    found = continued(work, recipe, last)
    assert (found.start_from, found.epochs) == (str(last), 7)
    assert found.optimizer.learning_rate == 2e-4
    other = recipe.model_copy(update={"model": {**recipe.model, "channels": 5}})
    assert continued(work, other, last) == other


def test_out_of_time_it_is_left_with_exit_code_4_and_goes_on(undisturbed, tmp_path, capsys):
    path, out = write_campaign(tmp_path), tmp_path / "out"
    assert main(["learn", str(path), "--out", str(out), "--quiet", "--max-runtime", "0"]) == 4
    said = capsys.readouterr().err
    assert "time limit of 0 s is over; go on with: limlff resume" in said and len(said) < 400
    words, codes = ["resume", str(out), "--quiet", "--max-runtime"], []
    while not codes or codes[-1] == 4:
        codes.append(main([*words, f"{1.5 ** len(codes):.2f}s"]))
    assert codes[-1] == 0 and codes[0] == 4
    assert content(out) == content(undisturbed)
    assert digest(out) == digest(undisturbed)
    assert main([*words, "soon"]) == 2


@pytest.mark.slow
def test_killed_at_ten_random_moments_it_comes_to_the_same_end(tmp_path):
    """kill -9 of the command, with processes of its own: as if it had never happened."""
    for name in ("calm", "killed"):
        write_campaign(tmp_path / name)
    calm = learn_and_kill(tmp_path / "calm", [])
    generator = random.Random(8)
    killed = learn_and_kill(tmp_path / "killed", [generator.uniform(5.0, 25.0) for _ in range(10)])
    assert content(killed) == content(calm)
    assert digest(killed) == digest(calm)
    curves = [json.loads((each / "learning-curve.json").read_text()) for each in (calm, killed)]
    assert np.all([row["errors"] for row in curves[0]] == [row["errors"] for row in curves[1]])
