"""A training as a whole: from a recipe to a folder with a potential in it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from limlff.atomic_file import write_text_whole
from limlff.config import config_of
from limlff.errors import InputError, OutOfTime
from limlff.folder_lock import locked
from limlff.frames.locate import locate_data
from limlff.frames.remarks import tell_remarks
from limlff.outputs import check_output_folder
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.potential_file import save_potential
from limlff.precision import own_precision
from limlff.resumable import checked_runtime, resumable
from limlff.signals import stop_signals
from limlff.training.data import TrainingData, load_training_data
from limlff.training.folder import (
    CHECKPOINTS,
    POTENTIAL_FILE,
    RECIPE_FILE,
    TRAINING_FOLDER,
    clear_training,
    remove_old_temporaries,
)
from limlff.training.loop import Trainer
from limlff.training.preparation import Preparation, prepare_training
from limlff.training.recipe import Recipe
from limlff.training.result import finish_potential
from limlff.training.start import start_file
from limlff.training.uncertainty.fit import add_uncertainty
from limlff.yaml_file import dump_yaml


class TrainingStopped(OutOfTime):
    """A training that was left early, by a signal or its time limit; it can be resumed.

    Attributes:
        potential: The best so far, without uncertainty, which lies in the folder too; None if there
            is none yet.
    """

    def __init__(self, message: str, potential: Potential | None) -> None:
        super().__init__(message)
        self.potential = potential


@own_precision()
def train(
    recipe: Recipe | dict[str, Any] | str | Path,
    out: str | Path,
    overrides: Sequence[str] = (),
    *,
    resume: bool = False,
    force: bool = False,
    progress: bool = True,
    max_runtime_seconds: float | None = None,
) -> Potential:
    """Train a potential by a recipe, as `limlff train` does.

    Reads and checks the frames, solves least squares if the recipe asks for it, goes through the
    epochs, fits the uncertainty, and writes potential, learning curves and checkpoints. Ctrl-C and
    other signals that ask to stop end it after the step under way, with a checkpoint.

    Args:
        recipe: Path of a YAML file, or its content. Files that it names are looked for beside the
            YAML file, otherwise in the working folder, and in the folder LIMLFF_DATA.
        out: Folder of the training; made if missing.
        overrides: Changes of single settings, as "optimizer.learning_rate=1e-3".
        resume: Go on from the last checkpoint in the folder, to the same bits as without a stop.
        force: Replace a training in the folder.
        progress: Whether to show progress.
        max_runtime_seconds: Wall time after which the training is left with a checkpoint (s).

    Returns:
        The potential with the best score on the frames held back, or the last one where there are
        none; the one in `potential.limlff`. Its `card` holds errors, data and recipe.

    Raises:
        InputError: If recipe or data cannot be used, or the folder must not be written to.
        GuardStop: If the loss is no longer finite.
        TrainingStopped: If it was left early.
        OutOfTime: If the disk failed or a signal came at another moment; it can be resumed too.
    """
    max_seconds = checked_runtime(max_runtime_seconds)
    file = user_path(recipe) if isinstance(recipe, str | Path) else None
    settings = config_of(recipe, Recipe, overrides)
    folder, base = user_path(out), Path() if file is None else file.parent
    start = start_file(settings, base)
    inputs = [each for each in (file, start) if each] + _files_of_frames(settings, base)
    _check_folder(folder, inputs, resume, force)
    data = load_training_data(settings, base)
    _tell_of(data, progress)
    with locked(folder):
        _check_folder(folder, inputs, resume, force)  # now that nobody else writes there
        trainer = _begin(folder, prepare_training(settings, data, start), resume, force)
        with resumable(folder, "the same command with --resume", CHECKPOINTS):
            return _train_and_write(trainer, folder, progress, max_seconds)


def _tell_of(data: TrainingData, progress: bool) -> None:
    """Say what a user should know of the frames, and how many they are."""
    tell_remarks(data.remarks)
    _say(progress, f"training on {len(data.train)} frames, {len(data.validation)} held back")


def _say(shown: bool, text: str) -> None:
    """What takes a while without another word."""
    if shown:
        print(text, flush=True)


def _files_of_frames(recipe: Recipe, base: Path) -> list[Path]:
    names = [name for data_set in recipe.data for name in data_set.files]
    names += [name for files in recipe.validation.files.values() for name in files]
    return [locate_data(name, base) for name in names]


def _check_folder(folder: Path, inputs: list[Path], resume: bool, force: bool) -> None:
    """Refuse a folder whose content must not be replaced."""
    if not resume:
        check_output_folder(folder, TRAINING_FOLDER, inputs, force)
    elif not folder.is_dir():
        raise InputError(f"{folder}: there is no such folder; start without --resume")


def _begin(folder: Path, prepared: Preparation, resume: bool, force: bool) -> Trainer:
    """The training at its beginning or at its last checkpoint, and the folder ready for it."""
    remove_old_temporaries(folder)
    trainer = Trainer(prepared, folder)
    if resume:
        trainer.resume()
    elif force:
        clear_training(folder)
    write_text_whole(folder / RECIPE_FILE, dump_yaml(prepared.recipe.model_dump(mode="json")))
    return trainer


def _train_and_write(
    trainer: Trainer, folder: Path, progress: bool, max_seconds: float | None
) -> Potential:
    """Train, then write the best potential, also if a signal or the time limit ends the training.

    Raises:
        TrainingStopped: If so.
    """
    stopped: OutOfTime | None = None
    with stop_signals() as came:
        try:
            trainer.run(max_seconds, lambda: bool(came()), progress)
        except OutOfTime as reason:
            stopped = reason
    if not trainer.has_result:
        assert stopped is not None
        raise TrainingStopped(str(stopped), None) from None
    potential = finish_potential(trainer)
    if stopped is None:  # there is no time left otherwise
        prepared = trainer.prepared
        _say(progress and prepared.recipe.uncertainty is not None, "making the uncertainty")
        potential = add_uncertainty(potential, prepared.data, prepared.recipe)
    save_potential(potential, folder / POTENTIAL_FILE)
    if stopped is not None:
        raise TrainingStopped(str(stopped), potential) from None
    return potential
