"""The trainings of a campaign: on the sets of its recipe and on all that was labelled."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from limlff.config import parse_config
from limlff.errors import InputError, shown
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.frames.locate import locate_data
from limlff.frames.read import read_source
from limlff.learning.campaign import CAMPAIGN_SET, Campaign
from limlff.learning.task_folder import claim
from limlff.learning.tasks import Cost, Task
from limlff.learning.time_limit import TimeLimit
from limlff.learning.work import Result, Work, measured
from limlff.models.registry import build_model, model_to_settings
from limlff.potential import Potential
from limlff.potential_file import load_potential, potential_digest
from limlff.training.checkpoint import find_checkpoints
from limlff.training.data_settings import DataSet
from limlff.training.folder import POTENTIAL_FILE
from limlff.training.recipe import Recipe
from limlff.training.start import start_file
from limlff.training.train import train


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


PATHS: Any = {"data": {"__all__": {"files"}}, "validation": {"files"}, "start_from": True}
"""Settings of a recipe that are paths: what is in the files counts, not where they are."""


def read_base(campaign: Campaign, recipe: Recipe) -> Base:
    """Find and read what the recipe of a campaign names.

    Raises:
        InputError: If a file is missing or cannot be read, or the recipe has a set of the name that
            the campaign's frames get.
    """
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
        {each.name: read_frames([Path(name) for name in each.files]) for each in sets},
        read_frames([Path(name) for files in held_back.values() for name in files]),
        read_frames(campaign.campaign_set.labels),
    )


def read_frames(files: Sequence[Path]) -> list[Frame]:
    """All frames of some files."""
    return [frame for path in files for frame in read_source(path).frames]


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
    inputs = {
        "recipe": recipe.model_dump(mode="json", exclude=PATHS),
        "data": frames_digest([*base.frames, *read_frames(labelled)]),
        "held back": frames_digest(base.held_back),
        "start": start and potential_digest(load_potential(start)),
        "iteration": len(labelled),
    }

    task, file = Task("train", inputs), folder / POTENTIAL_FILE

    def do() -> tuple[Result, Cost]:
        ends: list[tuple[Result, Cost]] = []
        wish = (folder, task.key, recipe, progress, work.limit)
        work.executors.training(train_in, [wish], lambda *end: ends.append(end))
        return ends[0]

    work.once(task, do, folder, partial(_has_potential, file))
    return load_potential(file), file


def _has_potential(file: Path, result: Result) -> bool:
    """Whether a file is there and holds the potential of a training."""
    with suppress(InputError):
        return potential_digest(load_potential(file)) == result["potential"]
    return False


def train_in(
    folder: Path,
    key: str,
    recipe: Recipe,
    progress: bool,
    limit: TimeLimit,
    tell: Callable[..., None],
) -> None:
    """Train, or go on with a training, wherever trainings run.

    Args:
        folder: Folder of the training.
        key: Key of the task; what another one has left in the folder is removed.
        recipe: The recipe, its files with their whole paths.
        progress: Whether to show progress.
        limit: When it is left with a checkpoint.
        tell: Told the result and the cost at the end.
    """

    def do() -> Result:
        claim(folder, key)
        is_begun = bool(find_checkpoints(folder))
        potential = train(
            recipe,
            folder,
            resume=is_begun,
            force=not is_begun,
            progress=progress,
            max_runtime_seconds=limit.left,
        )
        return {"potential": potential_digest(potential)}

    tell(*measured(do))


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
    if not files or len(base.labels) + len(read_frames(labelled)) < settings.min_frames:
        return base.recipe
    own = DataSet(
        name=CAMPAIGN_SET,
        files=[str(path) for path in files],
        energy_zero=settings.energy_zero,
        weights=settings.weights,
    )
    content = base.recipe.model_copy(update={"data": [*base.recipe.data, own]})
    source = shown(work.campaign.recipe)
    return parse_config(content.model_dump(mode="json"), Recipe, source)
