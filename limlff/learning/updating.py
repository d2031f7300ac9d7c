"""The steps of an iteration that make a better potential: label, train, evaluate."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from limlff.errors import InputError, LabellingFailed
from limlff.frames.digest import frames_digest
from limlff.frames.extxyz import write_extxyz
from limlff.frames.frame import Frame
from limlff.frames.locate import locate_data
from limlff.frames.read import read_source
from limlff.learning.campaign import CAMPAIGN_SET
from limlff.learning.check import known_from
from limlff.learning.choices import write_choices
from limlff.learning.cut import Cut
from limlff.learning.labels import LabelQueue
from limlff.learning.tasks import Task
from limlff.learning.work import Work
from limlff.models.registry import build_model, model_to_settings
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest
from limlff.training.checkpoint import find_checkpoints
from limlff.training.data_settings import DataSet
from limlff.training.evaluate import evaluate
from limlff.training.folder import POTENTIAL_FILE
from limlff.training.labelled_frame import species_of_frame
from limlff.training.recipe import Recipe
from limlff.training.start import start_file
from limlff.training.train import train

LABELLED = "labelled.extxyz"


@dataclass(frozen=True)
class Base:
    """What the trainings of a campaign have in common.

    Attributes:
        recipe: The recipe, its files with their whole paths.
        sets: Frames of each of its sets.
        held_back: Frames of its files of validation.
        labels: Frames labelled elsewhere by the labeller's settings.
    """

    recipe: Recipe
    sets: dict[str, list[Frame]]
    held_back: list[Frame]
    labels: list[Frame]

    @property
    def frames(self) -> list[Frame]:
        """All frames that are trained on from the start."""
        return [frame for frames in (*self.sets.values(), self.labels) for frame in frames]

    def alike(self, zero: str | None) -> list[Frame]:
        """Frames whose energies can be compared with those of the labeller.

        Args:
            zero: Set of the recipe with the labeller's zero of energy, if any.
        """
        return [*self.labels, *self.sets.get(zero or "", [])]


def read_base(work: Work, recipe: Recipe) -> Base:
    """Find and read what the recipe of a campaign names.

    Raises:
        InputError: If a file is missing or cannot be read, or the recipe has a set of the name that
            the campaign's frames get.
    """
    campaign = work.campaign
    if any(data_set.name == CAMPAIGN_SET for data_set in recipe.data):
        raise InputError(
            f"{campaign.recipe}: a set is named {CAMPAIGN_SET!r}, which is the name of the frames "
            "that the campaign labels; rename it"
        )
    folder = campaign.recipe.parent

    def found(names: Sequence[str]) -> list[str]:
        return [str(locate_data(name, folder).absolute()) for name in names]

    sets = [each.model_copy(update={"files": found(each.files)}) for each in recipe.data]
    held_back = {name: found(files) for name, files in recipe.validation.files.items()}
    changes: dict[str, Any] = {
        "data": sets,
        "validation": recipe.validation.model_copy(update={"files": held_back}),
    }
    start = start_file(recipe, folder)
    if start is not None:
        changes["start_from"] = str(start.absolute())
    return Base(
        recipe.model_copy(update=changes),
        {each.name: _read([Path(name) for name in each.files]) for each in sets},
        _read([Path(name) for files in held_back.values() for name in files]),
        _read(campaign.campaign_set.labels),
    )


def _read(files: Sequence[Path]) -> list[Frame]:
    return [frame for path in files for frame in read_source(path).frames]


def label_chosen(
    work: Work, chosen: list[tuple[Cut, str]], known: Sequence[Frame], iteration: int
) -> list[Frame]:
    """Label what was chosen, and write it beside what could not be labelled.

    Args:
        work: The campaign.
        chosen: The structures, and why each was chosen.
        known: Frames with labels that are right, of the labeller's zero of energy.
        iteration: Number of the iteration.

    Returns:
        The labelled frames.

    Raises:
        LabellingFailed: If more of them got no label than the campaign allows.
        OutOfTime: If a signal came.
    """
    campaign = work.campaign
    queue = LabelQueue(
        campaign.labeller, campaign.check, work.ledger, work.folder, work.calculations, work.tell
    )
    frames = [cut.frame for cut, _ in chosen]
    batch = queue.label(frames, known_from(list(known), campaign.check))
    folder = work.folder_of(iteration)
    labelled, rejected = [label.frame for label in batch.labels], batch.rejected
    write_extxyz(labelled, folder / LABELLED)
    write_choices(chosen, batch, folder)
    if len(rejected) > campaign.max_failed_share * len(chosen):
        raise LabellingFailed(
            f"{len(rejected)} of {len(chosen)} frames got no label, max_failed_share is "
            f"{campaign.max_failed_share:g}; the first, {rejected[0].frame.origin}: "
            f"{rejected[0].reason}; correct 'labeller' or 'check', or raise the share"
        )
    return labelled


def train_anew(
    work: Work, base: Base, labelled: Sequence[Path], last: Path | None, progress: bool
) -> tuple[Potential, Path]:
    """Train on the sets of the recipe and on what was labelled so far.

    Args:
        work: The campaign.
        base: Recipe and frames of all trainings.
        labelled: Files of frames that the campaign has labelled, one for each iteration.
        last: File of the last potential; None for the first training.
        progress: Whether to show progress.

    Returns:
        The potential and its file.

    Raises:
        OutOfTime: If a signal came; the training goes on from its checkpoint.
    """
    recipe = with_campaign_set(work, base, labelled)
    if last is not None:
        recipe = continued(work, recipe, last)
    folder = work.folder_of(len(labelled)) / "training"
    start = start_file(recipe, work.campaign.recipe.parent)
    paths: Any = {"data": {"__all__": {"files"}}, "validation": {"files"}, "start_from": True}
    inputs = {
        "recipe": recipe.model_dump(mode="json", exclude=paths),
        "data": frames_digest([*base.frames, *_read(labelled)]),
        "held back": frames_digest(base.held_back),
        "start": start and potential_digest(load_potential(start)),
        "iteration": len(labelled),
    }

    def do() -> dict[str, Any]:
        is_begun = folder.is_dir() and bool(find_checkpoints(folder))
        potential = train(recipe, folder, resume=is_begun, force=not is_begun, progress=progress)
        return {"potential": potential_digest(potential)}

    work.once(Task("train", inputs), do, folder)
    file = folder / POTENTIAL_FILE
    return load_potential(file), file


def continued(work: Work, recipe: Recipe, last: Path) -> Recipe:
    """The recipe of a training that goes on from the last potential, if that is of its model."""
    settings = work.campaign.continued
    model = build_model({**recipe.model, "elements": recipe.elements})
    known = model_to_settings(load_potential(last).model)
    if not settings.from_last or known != model_to_settings(model):
        return recipe
    changes: dict[str, Any] = {"start_from": str(last.absolute())}
    if settings.epochs is not None:
        changes["epochs"] = settings.epochs
    if settings.learning_rate is not None:
        rate = {"learning_rate": settings.learning_rate}
        changes["optimizer"] = recipe.optimizer.model_copy(update=rate)
    return recipe.model_copy(update=changes)


def with_campaign_set(work: Work, base: Base, labelled: Sequence[Path]) -> Recipe:
    """The recipe with a set of the frames that the campaign has, once they are enough."""
    settings = work.campaign.campaign_set
    files = [*settings.labels, *labelled]
    if not files or len(base.labels) + len(_read(labelled)) < settings.min_frames:
        return base.recipe
    own = DataSet(
        name=CAMPAIGN_SET,
        files=[str(path) for path in files],
        energy_zero=settings.energy_zero,
        weights=settings.weights,
    )
    content = base.recipe.model_copy(update={"data": [*base.recipe.data, own]})
    return Recipe.model_validate(content.model_dump(mode="json"))


def evaluate_on_test(work: Work, potential: Potential) -> dict[str, Any]:
    """Errors on the test frames of the goal; empty without such frames."""
    goal = work.campaign.goal
    if not goal.test:
        return {}
    frames = _read(goal.test)
    task = Task(
        "evaluate",
        {
            "potential": potential_digest(potential),
            "frames": frames_digest(frames),
            "zero": goal.test_zero,
        },
    )
    shifted = [_in_zero_of_potential(frame, potential, goal.test_zero) for frame in frames]
    return work.once(task, lambda: evaluate(potential, shifted))


def _in_zero_of_potential(frame: Frame, potential: Potential, zero: str | None) -> Frame:
    """The frame with its energy in the zero of the potential, not of a set that it knows."""
    offsets = potential.card.get("training", {}).get("energy_offsets_ev", {}).get(zero)
    if offsets is None or frame.energy is None:
        return frame
    own = np.array([offsets[element] for element in potential.elements])
    shift = float(own[species_of_frame(frame, potential.elements)].sum())
    return replace(frame, energy=frame.energy - shift)
