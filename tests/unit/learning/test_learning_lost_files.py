"""Files of tasks: what is missing or damaged is made again, what is another's goes."""

from __future__ import annotations

import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from reference_models import small_moment
from small_campaign import RECIPE, write_campaign

from limlff.config import load_config, parse_config
from limlff.errors import OutOfTime
from limlff.learning import choosing, exploration
from limlff.learning import training as trainings
from limlff.learning.campaign import Campaign
from limlff.learning.cut_file import write_cuts
from limlff.learning.executors import Executors, run_here
from limlff.learning.ledger import open_ledger
from limlff.learning.task_folder import claim
from limlff.learning.tasks import Cost, Task
from limlff.learning.time_limit import NO_LIMIT, TimeLimit, left_at
from limlff.learning.work import Work
from limlff.potential_file import potential_digest, save_potential
from limlff.training.recipe import Recipe


@pytest.fixture
def work(tmp_path):
    """A small campaign, of which the tests run the tasks."""
    campaign = load_config(write_campaign(tmp_path), Campaign)
    with open_ledger(tmp_path / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as executor:
        on = Executors(run_here, run_here, executor)
        yield Work(campaign, tmp_path, ledger, on, lambda text: None)


def cut_the_end(path):
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    "damage",
    [
        lambda folder: cut_the_end(folder / "explore/000-hot/cuts.json"),
        lambda folder: (folder / "explore/000-hot/cuts.json").unlink(),
        lambda folder: shutil.rmtree(folder / "explore/000-hot"),
    ],
)
def test_a_run_whose_cuts_are_lost_is_explored_again(work, monkeypatch, damage):
    explored = []

    def dynamics(function, tasks, listen):
        for folder, _, run, *_ in tasks:
            explored.append(run.name)
            folder.mkdir(exist_ok=True)
            write_cuts([], folder / "cuts.json")
            listen(run.name, {"frames": 3, "uncertain": 1, "cuts": 0, "stop": None}, Cost(1.0, 1.0))

    monkeypatch.setattr(choosing, "_harvest", lambda *all: (None, {}))
    own = replace(work, executors=replace(work.executors, dynamics=dynamics))
    potential = small_moment()
    first = choosing.explore_all(own, potential, work.folder / "any", [], 1)
    assert explored == ["000-hot", "001-wide"]
    assert choosing.explore_all(own, potential, work.folder / "any", [], 1) == first
    damage(work.folder_of(1))
    assert choosing.explore_all(own, potential, work.folder / "any", [], 1) == first
    assert explored == ["000-hot", "001-wide", "000-hot"]
    assert own.ledger.cost("explore") == Cost(3.0, 3.0)


@pytest.mark.parametrize("damage", [cut_the_end, lambda path: path.unlink()])
def test_a_potential_that_is_lost_is_trained_again(work, damage):
    potential, trained = small_moment(), []

    def training(function, tasks, listen):
        for folder, *_ in tasks:
            trained.append(folder)
            folder.mkdir(exist_ok=True)
            save_potential(potential, folder / "potential.limlff")
            listen({"potential": potential_digest(potential)}, Cost())

    own = replace(work, executors=replace(work.executors, training=training))
    base = trainings.Base(parse_config(RECIPE, Recipe, "recipe"), {}, [], [])
    for _ in range(2):
        _, file = trainings.train_anew(own, base, [], None, False)
    assert len(trained) == 1
    damage(file)
    found, _ = trainings.train_anew(own, base, [], None, False)
    assert len(trained) == 2 and potential_digest(found) == potential_digest(potential)
    # a whole one, but another
    other = {**potential.parameters}
    key = next(name for name, value in other.items() if hasattr(value, "shape"))
    other[key] = np.asarray(other[key]) + 1.0
    save_potential(replace(potential, parameters=other), file)
    found, _ = trainings.train_anew(own, base, [], None, False)
    assert len(trained) == 3 and potential_digest(found) == potential_digest(potential)


def test_a_run_does_not_go_on_from_what_another_task_left_in_its_folder(tmp_path, monkeypatch):
    """As after the structure was replaced: a checkpoint there is of the other one."""
    found = []

    def run(run, folder, potential, limit):
        found.append(sorted(path.name for path in folder.iterdir()))
        (folder / "checkpoint").write_text("of the first")

    monkeypatch.setattr(exploration, "load", lambda name: small_moment())
    monkeypatch.setattr(exploration, "_run", run)
    monkeypatch.setattr(exploration, "_uncertain_frames", lambda *all: (1, []))
    campaign = load_config(write_campaign(tmp_path), Campaign)
    one = exploration.runs_of(campaign, "any", 1)[0]
    harvest = exploration.harvest_of(campaign)
    for key in ("a" * 64, "a" * 64, "b" * 64):
        arguments = (tmp_path / "run", key, one, harvest, NO_LIMIT)
        exploration.explore(*arguments, lambda *told: None)
    assert found == [["task"], ["checkpoint", "cuts.json", "task"], ["task"]]


def test_a_training_does_not_go_on_from_what_another_task_left_in_its_folder(tmp_path, monkeypatch):
    resumed = []

    def train(recipe, folder, resume, force, **others):
        assert force is not resume
        resumed.append(resume)
        (folder / "checkpoint-000001.npz").write_text("")
        return small_moment()

    monkeypatch.setattr(trainings, "train", train)
    for key in ("a" * 64, "a" * 64, "b" * 64):
        trainings.train_in(tmp_path / "t", key, None, False, NO_LIMIT, lambda *told: None)
    assert resumed == [False, True, False]


def test_a_folder_without_a_mark_belongs_to_nobody(tmp_path):
    folder = tmp_path / "a" / "run"
    folder.mkdir(parents=True)
    (folder / "checkpoint").write_text("")
    claim(folder, "a" * 64)
    assert [path.name for path in folder.iterdir()] == ["task"]


def test_a_task_that_is_done_again_keeps_its_place_and_its_cost(work):
    """The learning curve counts what was spent until a task was queued."""
    tasks = [Task("explore", {"n": n}) for n in range(2)]
    for task in tasks:
        work.once(task, lambda: ({"n": 1}, Cost(1.0, 1.0)))
    work.once(tasks[0], lambda: ({"n": 2}, Cost(4.0, 4.0)), None, lambda result: result["n"] > 1)
    assert [record.task for record in work.ledger.records()] == tasks
    record = work.ledger.get(tasks[0])
    assert (record.state, record.result, record.cost) == ("done", {"n": 2}, Cost(5.0, 5.0))
    assert record.attempts == 2


def test_a_campaign_that_is_left_says_how_it_goes_on_and_not_how_one_of_its_runs_would(tmp_path):
    for of_the_run in (", then go on with: limlff resume x", ""):
        with pytest.raises(OutOfTime) as error, left_at(NO_LIMIT, tmp_path):
            raise OutOfTime(f"disk full. Free space{of_the_run}")
        how = f"{tmp_path}: disk full. Free space; go on with: limlff resume {tmp_path}"
        assert str(error.value) == how
    over = left_at(TimeLimit.from_now(0.0), tmp_path)
    with pytest.raises(OutOfTime, match="the time limit of 0 s is over"), over:
        raise OutOfTime("left at step 3; go on with: limlff resume x")
