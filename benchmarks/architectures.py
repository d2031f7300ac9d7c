"""Accuracy against cost: every architecture trained on mlearn-Li within the same time.

    taskset -c 0 python benchmarks/architectures.py --minutes 12

Two epochs are timed first; then the training proper makes as many as fit into the budget, so that
its learning rate ends its schedule there. Compilation and least squares come on top. Potentials are
evaluated on the published test split and run molecular dynamics of 1,024 atoms at 300 K. Times are
those of the processor, so that a core may be shared. Results are merged into a JSON file and drawn
beside it, potentials and learning curves kept in a folder beside it; `--only` and `--stage` measure
a part anew. mlearn-Li is looked for in the folder LIMLFF_DATA.
"""

from __future__ import annotations

import argparse
import json
import time
from contextlib import suppress
from copy import deepcopy
from pathlib import Path
from typing import Any

from _architecture_dynamics import conservation_of, speed_of, starting_crystal
from ase import Atoms

from limlff.environment import describe_environment
from limlff.frames.locate import locate_data
from limlff.potential import Potential

TRAIN, TEST = "mlearn-Li/train.extxyz", "mlearn-Li/test.extxyz"
MARGIN = 0.95  # of the budget that is planned with
LINEAR = {"least_squares": "only"}

ARCHITECTURES: dict[str, dict[str, Any]] = {
    "moment": {
        "model": {"architecture": "moment", "cutoff": 6.0, "radial": 10},
        "optimizer": {"learning_rate": 5e-3},
    },
    "moment, linear": {
        "model": {"architecture": "moment", "cutoff": 6.0, "hidden": [], "channels": 32},
        **LINEAR,
    },
    "mtp": {
        "model": {"architecture": "mtp", "cutoff": 5.0, "level": 16, "radial": 8},
        "least_squares": "first",
        "optimizer": {"learning_rate": 5e-3},
    },
    "deepmd": {
        "model": {
            "architecture": "deepmd",
            "cutoff": 6.0,
            "smooth_from": 1.0,
            "sel": [70],
            "embedding": [10, 20, 40],
            "axis": 8,
            "fitting": [48, 48],
        },
        "optimizer": {"learning_rate": 5e-3},
    },
    "mace": {
        "model": {"architecture": "mace", "cutoff": 5.0, "channels": 8, "max_degree": 2},
        "optimizer": {"learning_rate": 5e-3},
    },
}
"""What differs between the recipes; small settings, which learn most in minutes."""

COMMON: dict[str, Any] = {
    "elements": ["Li"],
    "loss": {"energy": {"start": 0.1, "end": 10.0}, "force": 1.0, "stress": 0.2, "huber": 10.0},
    "validation": {"fraction": 0.05, "every_epochs": 5},
    "batch_atoms": 128,
    "shapes": 1,
    "uncertainty": None,
}


def recipe_of(name: str, epochs: int = 1, dtype: str = "float32") -> dict[str, Any]:
    """Recipe of an architecture."""
    # The shear stress of the two-atom cells disagrees with their energies by up to 0.2 GPa.
    weights = {"Elastic": {"shear_stress": 0.0}, "Surface": {"energy": 3.0}}
    file = str(locate_data(TRAIN, Path.cwd()))
    data = {"name": "mlearn-Li", "files": [file], "groups": weights}
    recipe = {**COMMON, **ARCHITECTURES[name], "data": [data], "epochs": epochs, "dtype": dtype}
    return deepcopy(recipe)


def train(name: str, minutes: float, folder: Path) -> tuple[Potential, dict[str, float]]:
    """Train one architecture; the potential, and epochs, times (s) and speed of the training."""
    from limlff.training.data import load_training_data
    from limlff.training.loop import Trainer
    from limlff.training.preparation import prepare_training
    from limlff.training.recipe import Recipe
    from limlff.training.result import finish_potential

    def trainer_of(epochs: int, out: Path) -> Trainer:
        recipe = Recipe.model_validate(recipe_of(name, epochs))
        return Trainer(prepare_training(recipe, load_training_data(recipe, Path.cwd())), out)

    start = time.process_time()
    trainer = trainer_of(3, folder / "rehearsal")
    if ARCHITECTURES[name].get("least_squares") == "only":
        spent = time.process_time() - start
        return finish_potential(trainer), {
            "epochs": 0,
            "training_seconds": 0.0,
            "preparation_seconds": spent,
        }
    preparation, epoch = rehearse(trainer, start)
    epochs = max(1, int(MARGIN * 60 * minutes / epoch))
    trainer = trainer_of(epochs, folder / "training")
    begun = time.process_time()
    trainer.run(progress=False)
    spent = time.process_time() - begun
    potential = finish_potential(trainer)
    atoms = potential.card["errors"]["train"]["mlearn-Li"]["atoms"]
    return potential, {
        "epochs": epochs,
        "training_seconds": spent,
        "preparation_seconds": preparation,
        "atoms_per_second": epochs * atoms / spent,
    }


def rehearse(trainer: Any, start: float) -> tuple[float, float]:
    """Processor times of what comes before the first epoch, and of an epoch with validation (s)."""
    from limlff.errors import OutOfTime

    marks: dict[int, float] = {}

    def step_is_made() -> bool:
        marks.setdefault(trainer.progress.epoch, time.process_time())
        return len(marks) == 3

    with suppress(OutOfTime):
        trainer.run(stop=step_is_made, progress=False)
    epoch = marks[2] - marks[1]
    return marks[1] - start - epoch, epoch


def errors_of(potential: Potential) -> dict[str, Any]:
    """Size, and errors on the test frames."""
    from limlff.frames.read import read_frames
    from limlff.models.arrays import flatten_parameters
    from limlff.training.frame_predictions import predict_frames
    from limlff.training.metrics import frame_errors

    frames = read_frames(locate_data(TEST, Path.cwd()))
    errors = frame_errors(frames, predict_frames(potential, frames))
    arrays = flatten_parameters(potential.parameters)
    names = ("energy_mae_mev_per_atom", "force_mae_ev_per_angstrom", "stress_mae_gpa")
    return {
        "cutoff_angstrom": potential.cutoff,
        "parameters": sum(a.size for path, a in arrays.items() if "statistics" not in path),
        **{name: errors[name] for name in names},
    }


def dynamics_of(potential: Potential, start: Atoms) -> dict[str, Any]:
    """Speed and conservation of energy; of DeepPot-SE also the speed with tables."""
    from limlff.exchange.deepmd_tables import tabulate
    from limlff.models.deepmd import DeepPotSE

    speed = speed_of(potential, start)
    result = {**speed, **conservation_of(potential, start, speed)}
    if type(potential.model) is DeepPotSE:
        tabulated, error = tabulate(potential)
        tables = {"largest_error_of_embedding": error, **speed_of(tabulated, start)}
        result["with_tables"] = {**tables, **errors_of(tabulated)}
    return result


def draw(results: dict[str, dict[str, float]], path: Path) -> None:
    """Force error against time per atom; the front of what nothing beats in both is joined."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
    points = {
        name: (r["microseconds_per_atom_step"], 1e3 * r["force_mae_ev_per_angstrom"])
        for name, r in results.items()
    }
    for name, (cost, error) in points.items():
        axes.plot(cost, error, "o")
        axes.annotate(name, (cost, error), textcoords="offset points", xytext=(6, 5))
    front = [
        point
        for point in sorted(points.values())
        if not any(o[0] <= point[0] and o[1] <= point[1] and o != point for o in points.values())
    ]
    axes.plot(*zip(*front, strict=True), "--", color="gray", zorder=0)
    axes.set(xscale="log", xlabel="time per atom and step on one core (µs)")
    axes.set(ylabel="force MAE on the test split (meV/Å)", title="mlearn-Li")
    axes.margins(0.2)
    axes.set_ylim(bottom=0)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Train the architectures asked for, let them run, and merge the results into what is there."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--minutes", type=float, default=12.0, help="budget of each training")
    parser.add_argument(
        "--only", nargs="+", choices=list(ARCHITECTURES), default=list(ARCHITECTURES)
    )
    parser.add_argument("--stage", choices=("training", "dynamics", "both"), default="both")
    parser.add_argument("--out", type=Path, default=Path("architectures.json"))
    arguments = parser.parse_args()
    from limlff.potential_file import load_potential, save_potential

    files = {
        name: arguments.out.with_suffix("") / name.replace(", ", "-") / "potential.limlff"
        for name in arguments.only
    }
    if arguments.stage != "dynamics":
        for name, file in files.items():
            potential, training = train(name, arguments.minutes, file.parent)
            save_potential(potential, file)
            result = {"minutes": arguments.minutes, **training, **errors_of(potential)}
            merge(arguments.out, name, {"recipe": ARCHITECTURES[name], **result})
    if arguments.stage != "training":
        start = starting_crystal()
        for name, file in files.items():
            merge(arguments.out, name, dynamics_of(load_potential(file), start))


def merge(path: Path, name: str, result: dict[str, Any]) -> None:
    """Add results of an architecture to the file, and draw all that is in it."""
    report: dict[str, Any] = {"results": {}}
    if path.is_file():
        report = json.loads(path.read_text(encoding="utf-8"))
    report["environment"] = describe_environment()
    report["results"].setdefault(name, {}).update(result)
    path.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(name, json.dumps(result), flush=True)
    complete = {n: r for n, r in report["results"].items() if "microseconds_per_atom_step" in r}
    if complete:
        draw(complete, path.with_suffix(".png"))


if __name__ == "__main__":
    main()
