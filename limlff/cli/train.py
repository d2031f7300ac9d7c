"""`limlff train RECIPE.yaml`: train a potential by a recipe."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.card import NOT_FITTED
from limlff.cli.arguments import (
    add_force,
    add_max_runtime,
    add_quiet,
    add_set,
    parse_duration,
)
from limlff.numbers_as_text import figure

if TYPE_CHECKING:
    from limlff.potential import Potential


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
    limit = parse_duration(arguments.max_runtime)
    folder = arguments.out or Path(f"training-{arguments.recipe.stem}")
    from limlff.training.train import TrainingStopped, train

    try:
        potential = train(
            arguments.recipe,
            folder,
            arguments.overrides,
            resume=arguments.resume,
            force=arguments.force,
            progress=not arguments.quiet,
            max_runtime_seconds=limit,
        )
    except TrainingStopped as stopped:
        if stopped.potential is not None:
            _print_result(stopped.potential, folder)
        raise
    _print_result(potential, folder)
    return 0


def _print_result(potential: Potential, folder: Path) -> None:
    from limlff.training.folder import POTENTIAL_FILE
    from limlff.training.history import describe_speed

    training = potential.card["training"]
    print(f"{folder / POTENTIAL_FILE}: epoch {training['best_epoch']}")
    _print_errors(potential.card["errors"])
    if training["steps"]:  # least squares alone make none
        print(describe_speed(folder))


def _print_errors(errors: dict[str, dict[str, dict[str, Any]]]) -> None:
    columns = {
        "energy_mae_mev_per_atom": "energy MAE (meV/atom)",
        "force_mae_ev_per_angstrom": "force MAE (eV/Å)",
        "stress_mae_gpa": "stress MAE (GPa)",
    }
    print(f"{'':32}{'frames':>8}" + "".join(f"{title:>24}" for title in columns.values()))
    for part, sets in errors.items():
        for name, values in sets.items():
            numbers = [
                NOT_FITTED if values[key] == NOT_FITTED else figure(values[key], ".4g")
                for key in columns
            ]
            row = "".join(f"{number:>24}" for number in numbers)
            print(f"{name + ', ' + part:32}{values['frames']:>8}{row}")
