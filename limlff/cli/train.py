"""`limlff train RECIPE.yaml`: train a potential by a recipe."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limlff.errors import InputError, OutOfTime

POTENTIAL_FILE = "potential.limlff"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("recipe", type=Path, help="recipe (YAML)")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help="change one setting of the recipe, such as optimizer.learning_rate=1e-3",
    )
    parser.add_argument(
        "--out", type=Path, help="folder for the results (default: training-<name of the recipe>)"
    )
    parser.add_argument(
        "--resume", action="store_true", help="go on from the last checkpoint in the folder"
    )
    parser.add_argument(
        "--max-runtime",
        metavar="TIME",
        help="stop with a checkpoint and exit code 4 after so long, such as 90s, 50m or 2h",
    )
    parser.add_argument("--quiet", action="store_true", help="draw no progress bar")


def run(arguments: argparse.Namespace) -> int:
    """Train, write the potential, print its errors."""
    max_seconds = parse_time(arguments.max_runtime) if arguments.max_runtime else None
    folder = arguments.out or Path(f"training-{arguments.recipe.stem}")
    from limlff.config import load_config
    from limlff.training.recipe import Recipe
    from limlff.yaml_file import dump_yaml

    recipe = load_config(arguments.recipe, Recipe, arguments.overrides)

    from limlff.models.registry import build_model
    from limlff.potential_file import save_potential
    from limlff.training.checkpoint import find_checkpoints
    from limlff.training.data import load_training_data
    from limlff.training.fit import Fit
    from limlff.training.progress import describe_speed
    from limlff.uncertainty.fit import add_uncertainty

    if find_checkpoints(folder) and not arguments.resume:
        raise InputError(
            f"{folder}: already holds a training; go on with --resume or choose another --out"
        )
    model = build_model({**recipe.model, "elements": recipe.elements})
    data = load_training_data(recipe, arguments.recipe.parent)
    fit = Fit(recipe, data, model, folder)
    if arguments.resume:
        fit.trainer.resume()
    settings = dump_yaml(recipe.model_dump(mode="json"))
    (folder / "recipe.yaml").write_text(settings, encoding="utf-8")
    stopped: OutOfTime | None = None
    with _stop_signals() as came:
        try:
            fit.run(max_seconds, came, arguments.quiet)
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
    return 0


def parse_time(text: str) -> float:
    """Seconds of a time such as 90s, 50m or 2h; a plain number is in seconds.

    Raises:
        InputError: If it is no time above 0.
    """
    number, unit = (text[:-1], text[-1]) if text[-1:] in _SECONDS else (text, "s")
    try:
        seconds = float(number) * _SECONDS[unit]
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < float("inf"):
        raise InputError(f"--max-runtime {text}: is no time; write for example 90s, 50m or 2h")
    return seconds


class _SignalFlag:
    """Whether SIGINT or SIGTERM has come; a second one ends the program as usual."""

    def __init__(self) -> None:
        self._came = False

    def __call__(self) -> bool:
        return self._came

    def note(self, number: int, _frame: object) -> None:
        """Handler of the signal."""
        self._came = True
        signal.signal(number, signal.SIG_DFL)


@contextmanager
def _stop_signals() -> Iterator[_SignalFlag]:
    """Note SIGINT and SIGTERM in a flag, until the end of the block."""
    flag = _SignalFlag()
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, flag.note) for number in numbers]
    try:
        yield flag
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _print_errors(errors: dict[str, dict[str, dict[str, float | None]]]) -> None:
    columns = {
        "energy_mae_mev_per_atom": "energy MAE (meV/atom)",
        "force_mae_ev_per_angstrom": "force MAE (eV/Å)",
        "stress_mae_gpa": "stress MAE (GPa)",
    }
    print(f"{'':32}{'frames':>8}" + "".join(f"{title:>24}" for title in columns.values()))
    for part, sets in errors.items():
        for name, values in sets.items():
            numbers = ["-" if values[key] is None else f"{values[key]:.4g}" for key in columns]
            row = "".join(f"{number:>24}" for number in numbers)
            print(f"{name + ', ' + part:32}{values['frames']:>8}{row}")
