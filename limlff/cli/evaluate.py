"""`limlff evaluate POTENTIAL FRAMES...`: errors of a potential on labelled frames."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from limlff.cli.arguments import add_dtype, add_force, add_potential, file_of_potential
from limlff.errors import InputError
from limlff.numbers_as_text import figure
from limlff.outputs import check_output_file

_LABELS = {
    "energy": "energy_mae_mev_per_atom",
    "force": "force_mae_ev_per_angstrom",
    "stress": "stress_mae_gpa",
}
"""What is plotted, and the error that is None where no frame has it."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_potential(parser)
    parser.add_argument(
        "frames", nargs="+", type=Path, metavar="FRAMES", help="files of labelled frames"
    )
    parser.add_argument(
        "--zero",
        metavar="SET",
        help="training set of the potential whose zero of energy the frames have",
    )
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the errors to this file")
    parser.add_argument(
        "--plots", type=Path, metavar="DIR", help="draw parity plots into this folder"
    )
    parser.add_argument(
        "--uncertainty",
        action="store_true",
        help="also compare spreads and extrapolation grades with the true errors",
    )
    add_dtype(parser, default="float64")
    add_force(parser, "what --json and --plots write")


def run(arguments: argparse.Namespace) -> int:
    """Evaluate, print a table, write JSON and plots."""
    _check_outputs(arguments)
    from limlff.atomic_file import write_text_whole
    from limlff.training.evaluate import evaluate

    errors = evaluate(
        arguments.potential,
        arguments.frames,
        zero=arguments.zero,
        uncertainty=arguments.uncertainty,
        plots=arguments.plots,
        dtype=arguments.dtype,
    )
    _print_errors(errors)
    if arguments.uncertainty:
        _print_reliability(errors["uncertainty"])
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        write_text_whole(arguments.json, json.dumps(errors, indent=1) + "\n")
    if arguments.plots:
        for label, mean_error in _LABELS.items():
            if errors[mean_error] is not None:
                print(arguments.plots / f"parity-{label}.png")
    return 0


def _check_outputs(arguments: argparse.Namespace) -> None:
    """Refuse before the work what must not be replaced."""
    inputs = [*arguments.frames, *file_of_potential(arguments.potential)]
    files = [arguments.json] if arguments.json else []
    if arguments.plots:
        if arguments.plots.exists() and not arguments.plots.is_dir():
            raise InputError(f"{arguments.plots}: is a file; name a folder with --plots")
        files += [arguments.plots / f"parity-{label}.png" for label in _LABELS]
    for file in files:
        check_output_file(file, inputs, arguments.force, make_folders=True)


def _print_errors(errors: dict[str, Any]) -> None:
    titles = {
        "frames": "frames",
        "atoms": "atoms",
        "energy_mae_mev_per_atom": "E MAE (meV/atom)",
        "energy_rmse_mev_per_atom": "E RMSE (meV/atom)",
        "force_mae_ev_per_angstrom": "F MAE (eV/Å)",
        "force_rmse_ev_per_angstrom": "F RMSE (eV/Å)",
        "stress_mae_gpa": "S MAE (GPa)",
    }
    print(f"{'':20}" + "".join(f"{title:>19}" for title in titles.values()))
    for name, values in {"all": errors, **errors["groups"]}.items():
        cells = [
            str(values[key]) if key in ("frames", "atoms") else figure(values[key], ".5g")
            for key in titles
        ]
        print(f"{name or 'no group':20}" + "".join(f"{cell:>19}" for cell in cells))


def _print_reliability(values: dict[str, Any]) -> None:
    print()
    for label in ("energy", "force"):
        if values[label]["coverage"] is None:
            continue
        shares = ", ".join(
            f"{share:.3f} within {level}" for level, share in values[label]["coverage"].items()
        )
        print(f"{label} errors inside their nominal interval: {shares}")
        for kind in ("spread", "grade"):
            rank = values[label].get(f"spearman_{kind}")
            if rank is not None:
                print(f"{label} errors against {kind}: rank correlation {rank:.2f}")
    median, largest = (
        "infinite" if values[f"{kind}_grade"] is None else f"{values[f'{kind}_grade']:.2f}"
        for kind in ("median", "largest")
    )
    print(
        f"extrapolation grade: median {median}, largest {largest}, above 1 for "
        f"{100 * values['share_above_1']:.2g} % of atoms"
    )
