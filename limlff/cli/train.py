"""`limlff train RECIPE.yaml`: train a potential by a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.cli.arguments import (
    add_force,
    add_max_runtime,
    add_quiet,
    add_set,
    parse_duration,
)
from limlff.errors import InputError, OutOfTime
from limlff.numbers_as_text import figure
from limlff.resumable import resumable
from limlff.signals import stop_signals

if TYPE_CHECKING:
    from limlff.training.data import TrainingData
    from limlff.training.fit import Fit
    from limlff.training.recipe import Recipe


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "recipe",
        type=Path,
        metavar="RECIPE.yaml",
        help="recipe; `limlff template train` prints one with all settings",
    )
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the training (default: training-<name of the recipe>)",
    )
    add_set(parser, "optimizer.learning_rate=1e-3")
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in the folder"
    )
    add_force(parser, "a training in the folder")
    add_max_runtime(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Train, write the potential, print its errors."""
    arguments.max_seconds = parse_duration(arguments.max_runtime)
    folder = arguments.out or Path(f"training-{arguments.recipe.stem}")
    from limlff.config import load_config
    from limlff.training.recipe import Recipe

    recipe = load_config(arguments.recipe, Recipe, arguments.overrides)

    from limlff.folder_lock import locked
    from limlff.frames.remarks import tell_remarks
    from limlff.models.registry import build_model
    from limlff.training.data import load_training_data
    from limlff.training.fit import Fit
    from limlff.training.folder import clear_training, remove_old_temporaries

    _check_folder(arguments, folder, recipe)
    model = build_model({**recipe.model, "elements": recipe.elements})
    data = load_training_data(recipe, arguments.recipe.parent)
    tell_remarks(data.remarks)
    with locked(folder):
        _check_folder(arguments, folder, recipe)
        remove_old_temporaries(folder)
        fit = Fit(recipe, data, model, folder)
        if arguments.resume:
            fit.trainer.resume()
        elif arguments.force:
            clear_training(folder)
        _write_recipe(recipe, folder)
        with resumable(folder, "the same command with --resume", "checkpoint-*.npz"):
            _train(fit, data, recipe, arguments, folder)
    return 0


def _check_folder(arguments: argparse.Namespace, folder: Path, recipe: Recipe) -> None:
    """Refuse a folder whose content must not be replaced."""
    from limlff.frames.locate import locate_data
    from limlff.outputs import check_output_folder
    from limlff.training.folder import TRAINING_FOLDER

    if arguments.resume:
        if not folder.is_dir():
            raise InputError(f"{folder}: there is no such folder; start without --resume")
        return
    names = [name for data_set in recipe.data for name in data_set.files]
    names += [name for files in recipe.validation.files.values() for name in files]
    inputs = [locate_data(name, arguments.recipe.parent) for name in names]
    check_output_folder(folder, TRAINING_FOLDER, [arguments.recipe, *inputs], arguments.force)


def _write_recipe(recipe: Recipe, folder: Path) -> None:
    from limlff.atomic_file import write_text_whole
    from limlff.training.folder import RECIPE_FILE
    from limlff.yaml_file import dump_yaml

    write_text_whole(folder / RECIPE_FILE, dump_yaml(recipe.model_dump(mode="json")))


def _train(
    fit: Fit, data: TrainingData, recipe: Recipe, arguments: argparse.Namespace, folder: Path
) -> None:
    """Train, then write the best potential, also if a signal or the time limit ends the training.

    Raises:
        OutOfTime: If so.
    """
    from limlff.potential_file import save_potential
    from limlff.training.folder import POTENTIAL_FILE
    from limlff.training.progress import describe_speed
    from limlff.training.uncertainty.fit import add_uncertainty

    stopped: OutOfTime | None = None
    with stop_signals() as came:
        try:
            fit.run(arguments.max_seconds, lambda: bool(came()), arguments.quiet)
        except OutOfTime as reason:
            stopped = reason
    if fit.has_result:
        potential = fit.potential()
        if stopped is None:  # there is no time left otherwise
            potential = add_uncertainty(potential, data, recipe)
        save_potential(potential, folder / POTENTIAL_FILE)
        print(f"{folder / POTENTIAL_FILE}: epoch {fit.trainer.progress.best_epoch}")
        _print_errors(potential.card["errors"])
        if fit.trainer.progress.steps:  # least squares alone make none
            print(describe_speed(fit.trainer.progress))
    if stopped is not None:
        raise stopped


def _print_errors(errors: dict[str, dict[str, dict[str, float | None]]]) -> None:
    columns = {
        "energy_mae_mev_per_atom": "energy MAE (meV/atom)",
        "force_mae_ev_per_angstrom": "force MAE (eV/Å)",
        "stress_mae_gpa": "stress MAE (GPa)",
    }
    print(f"{'':32}{'frames':>8}" + "".join(f"{title:>24}" for title in columns.values()))
    for part, sets in errors.items():
        for name, values in sets.items():
            numbers = [figure(values[key], ".4g") for key in columns]
            row = "".join(f"{number:>24}" for number in numbers)
            print(f"{name + ', ' + part:32}{values['frames']:>8}{row}")
