"""The steps of an iteration that find frames to label: explore, cut out, select."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from limlff.errors import InputError
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.learning.cut import Cut
from limlff.learning.cut_file import read_cuts
from limlff.learning.exploration import CUTS, ExploreRun, Harvest, explore, harvest_of, runs_of
from limlff.learning.labels import LabelTask
from limlff.learning.pool import select_frames
from limlff.learning.selection import Choice, SelectSettings
from limlff.learning.soap import check_dscribe, fit_soap
from limlff.learning.tasks import Cost, Task
from limlff.learning.work import Result, Work, measured
from limlff.models.contract import FeatureModel
from limlff.models.registry import build_model
from limlff.numbers_as_text import counted
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.training.recipe import Recipe
from limlff.uncertainty.assess import available


@dataclass(frozen=True)
class Explored:
    """What the runs of an iteration gave.

    Attributes:
        runs: How many they are.
        cuts: Structures that may be calculated.
        frames: Frames of all trajectories.
        uncertain: Those with an uncertain atom.
        stops: Runs that a guard stopped, in words.
    """

    runs: int
    cuts: list[Cut]
    frames: int
    uncertain: int
    stops: list[str]

    @property
    def uncertain_share(self) -> float:
        """Share of the frames with an uncertain atom."""
        return self.uncertain / self.frames if self.frames else 0.0


def check_features(select: SelectSettings, recipe: Recipe) -> None:
    """Make sure that potentials of a recipe can tell what they do not know, before any is trained.

    Raises:
        InputError: If they have no features, or get no uncertainty, and no others are asked for; or
            if DScribe is asked for and not installed.
    """
    if select.features == "soap":
        check_dscribe()
        return
    architecture = recipe.model.get("architecture", "moment")
    if not isinstance(build_model({**recipe.model, "elements": recipe.elements}), FeatureModel):
        raise InputError(
            f"the model {architecture} of the recipe has no features, by which a campaign tells "
            "what it does not know; take select.features: soap, or a model that has features, such "
            "as moment"
        )
    if recipe.uncertainty is None:
        raise InputError(
            "the recipe has no 'uncertainty', by which a campaign tells what a potential does not "
            "know; write 'uncertainty: {}' in it, or take select.features: soap"
        )


def explore_all(
    work: Work, potential: Potential, file: Path, known: Sequence[Frame], iteration: int
) -> Explored:
    """Run what the campaign explores with, several runs side by side.

    Args:
        work: The campaign.
        potential: The potential.
        file: Its file.
        known: Frames that are trained on.
        iteration: Number of the iteration.

    Raises:
        InputError: If the potential cannot tell what it does not know, and SOAP is not asked for.
        OutOfTime: If a signal came.
    """
    harvest, decides = _harvest(work, potential, file, known)
    folder = work.folder_of(iteration) / "explore"
    digest = potential_digest(potential)
    tasks: dict[str, Task] = {}
    results: dict[str, dict[str, Any]] = {}
    waiting: list[tuple[Any, ...]] = []
    for run in runs_of(work.campaign, str(file), iteration):
        task = tasks[run.name] = _explore_task(run, digest, decides)
        done = work.begin(task, partial(_has_cuts, folder / run.name / CUTS))
        if done is None:
            waiting.append((folder / run.name, task.key, run, harvest, work.limit))
        else:
            results[run.name] = done

    def finish(name: str, result: dict[str, Any], cost: Cost) -> None:
        place = str((folder / name).relative_to(work.folder))
        work.ledger.finish(tasks[name], result, cost, place)
        results[name] = result
        work.tell(_in_words(name, result))

    if waiting:
        folder.mkdir(exist_ok=True)
        work.executors.dynamics(explore, waiting, finish)
    return Explored(
        len(tasks),
        [cut for name in tasks for cut in read_cuts(folder / name / CUTS)],
        sum(results[name]["frames"] for name in tasks),
        sum(results[name]["uncertain"] for name in tasks),
        [f"{name}: {results[name]['stop']}" for name in tasks if results[name]["stop"]],
    )


def _harvest(
    work: Work, potential: Potential, file: Path, known: Sequence[Frame]
) -> tuple[Harvest, dict[str, Any]]:
    """What is taken from each run, and all that decides it."""
    harvest, select = harvest_of(work.campaign), work.campaign.select
    decides = {name: value for name, value in vars(harvest).items() if name != "soap"}
    if available(potential):
        return harvest, decides
    if select.features == "model":
        raise InputError(
            f"{file}: has no uncertainty, by which atoms are found that it does not know; train it "
            "with 'uncertainty' in its recipe and a model that has features, such as moment, or "
            "take select.features: soap"
        )
    decides |= {"soap": select.soap.model_dump(mode="json"), "known": frames_digest(known)}
    return replace(harvest, soap=fit_soap(select.soap, potential, known)), decides


def _explore_task(run: ExploreRun, potential: str, harvest: dict[str, Any]) -> Task:
    assert run.config.structure is not None
    settings = run.config.model_dump(mode="json", exclude={"potential", "structure"})
    inputs = {
        "name": run.name,
        "settings": settings,
        "strain": run.strain,
        "structure": hashlib.sha256(run.config.structure.read_bytes()).hexdigest(),
        "potential": potential,
        "harvest": harvest,
    }
    return Task("explore", inputs)


def _has_cuts(path: Path, result: Result) -> bool:
    """Whether the file of a run's cuts is there and whole."""
    with suppress(InputError):
        return len(read_cuts(path)) == result["cuts"]
    return False


def _in_words(name: str, result: dict[str, Any]) -> str:
    text = (
        f"explored {name}: {result['uncertain']} of {result['frames']} frames are uncertain, "
        f"{counted(result['cuts'], 'structure')}"
    )
    return f"{text}; {result['stop']}" if result["stop"] else text


def choose(
    work: Work,
    potential: Potential,
    explored: Explored,
    known: Sequence[Frame],
    most: int,
    iteration: int,
) -> list[tuple[Cut, str]]:
    """Choose what is labelled.

    Args:
        work: The campaign.
        potential: The potential by whose features frames are compared.
        explored: What may be labelled.
        known: Frames that are trained on.
        most: Most frames.
        iteration: Number of the iteration.

    Returns:
        The structures, and why each was chosen.
    """
    settings = work.campaign.select.model_copy(
        update={"frames": min(most, work.campaign.select.frames)}
    )
    task = Task(
        "select",
        {
            "cuts": frames_digest(cut.frame for cut in explored.cuts),
            "known": frames_digest(known),
            "potential": potential_digest(potential),
            "settings": settings.model_dump(mode="json"),
            "seed": [work.campaign.seed, iteration],
        },
    )

    def do() -> Result:
        return _choices(work, potential, explored.cuts, known, settings, iteration)

    result = work.once(task, lambda: measured(do))
    return [(explored.cuts[item["index"]], item["why"]) for item in result["chosen"]]


def _choices(
    work: Work,
    potential: Potential,
    cuts: list[Cut],
    known: Sequence[Frame],
    settings: SelectSettings,
    iteration: int,
) -> dict[str, Any]:
    """Indices of the chosen cuts and why; nothing is calculated twice."""
    fresh = _fresh(work, cuts)
    frames = [cuts[index].frame for index in fresh]
    seed = 1000 * work.campaign.seed + iteration
    choices = select_frames(potential, known, frames, settings, seed)
    return {
        "chosen": [
            {"index": fresh[choice.index], "why": _why(cuts[fresh[choice.index]], choice)}
            for choice in choices
        ]
    }


def _fresh(work: Work, cuts: Sequence[Cut]) -> list[int]:
    """Indices of cuts that were not calculated before, the same structure once."""
    digest = work.campaign.labeller.digest
    first: dict[str, int] = {}
    for index, cut in enumerate(cuts):
        task = LabelTask(cut.frame, digest).task
        if work.ledger.get(task) is None:
            first.setdefault(task.key, index)
    return list(first.values())


def _why(cut: Cut, choice: Choice) -> str:
    remark = f"; {cut.remark}" if cut.remark else ""
    return f"{choice.why(cut.frame.symbols)}; grade up to {cut.grade:.3g}{remark}"
