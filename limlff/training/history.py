"""Learning curves: one entry per epoch, as JSON and as a figure."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from limlff.atomic_file import replaced_when_whole
from limlff.training.error_sums import errors_from_sums
from limlff.training.progress import Progress
from limlff.training.recipe import Recipe
from limlff.training.step import controls_at

HISTORY_FILE = "history.json"
CURVES_FILE = "learning-curves.png"

_PANELS = {
    "energy_mae_mev_per_atom": "energy MAE (meV/atom)",
    "force_mae_ev_per_angstrom": "force MAE (eV/Å)",
    "stress_mae_gpa": "stress MAE (GPa)",
}


def epoch_entry(progress: Progress, recipe: Recipe) -> dict[str, Any]:
    """What is kept of an epoch all steps of which are made, but for its validation."""
    epoch = progress.epoch + 1
    _, *weights = (float(value) for value in controls_at(recipe, progress.epoch))
    return {
        "epoch": epoch,
        "learning_rate": recipe.optimizer.rate_at(epoch, recipe.epochs),
        "weights": dict(zip(("energy", "force", "stress"), weights, strict=True)),
        "seconds": progress.seconds,
        "train": errors_from_sums(progress.sums),
    }


def write_history(folder: Path, history: list[dict[str, Any]], summary: dict[str, Any]) -> None:
    """Write `history.json`: a summary of the training and one entry per epoch.

    Args:
        folder: Folder of the training.
        history: Per epoch its number, learning rate, loss weights, seconds, and the errors on
            training frames (along the epoch, with the parameters of the moment) and on
            validation frames (at its end, with the averaged parameters).
        summary: Speed, best epoch and the like.
    """
    with replaced_when_whole(folder / HISTORY_FILE) as temporary:
        temporary.write_text(json.dumps({**summary, "epochs": history}, indent=1), encoding="utf-8")


def describe_speed(folder: Path) -> str:
    """How fast a training was, in a line."""
    summary = json.loads((folder / HISTORY_FILE).read_text(encoding="utf-8"))
    return (
        f"{summary['steps']} steps, {summary['atoms_per_second']:.0f} atoms times epochs per "
        f"second; {summary['compiled_shapes']} shapes compiled in "
        f"{summary['compile_seconds']:.0f} s"
    )


def plot_history(folder: Path, history: list[dict[str, Any]]) -> Path:
    """Draw training and validation errors against the epoch on logarithmic axes."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 3.4), layout="constrained")
    FigureCanvasAgg(figure)
    for axes, (key, title) in zip(figure.subplots(1, 3), _PANELS.items(), strict=True):
        for part, style in (("train", "-"), ("validation", "o-")):
            points = [
                (entry["epoch"], entry[part][key])
                for entry in history
                if entry.get(part) and entry[part][key]  # no label, or zero: not on a log axis
            ]
            if points:
                axes.plot(*zip(*points, strict=True), style, label=part, markersize=2.5, lw=1)
                axes.set_xscale("log")
                axes.set_yscale("log")
        axes.set_xlabel("epoch")
        axes.set_ylabel(title)
        axes.grid(alpha=0.3, which="both")
        if axes.lines:
            axes.legend(frameon=False)
    target = folder / CURVES_FILE
    with replaced_when_whole(target) as temporary:
        figure.savefig(temporary, dpi=150)
    return target
