"""Accuracy against cost: every architecture trained on mlearn-Li within the same time.

    python benchmarks/architectures.py --minutes 20 --out architectures.json

Each is trained in a process of its own for so many minutes by the clock (least squares take what
they take), evaluated on the published test split, and timed in molecular dynamics' use: energy and
forces of 1,024 atoms with a neighbor list, in float32. Writes a table as JSON, and beside it the
same as a picture. mlearn-Li is looked for in the folder LIMLFF_DATA.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

from limlff.environment import describe_environment
from limlff.frames.locate import locate_data

TRAIN, TEST = "mlearn-Li/train.extxyz", "mlearn-Li/test.extxyz"
MOST_EPOCHS = 100_000  # the time ends a training, the learning rate follows the epochs it can reach

RECIPES: dict[str, dict[str, Any]] = {
    "moment": {"model": {"architecture": "moment"}, "epochs_per_minute": 40},
    "moment, linear": {
        "model": {"architecture": "moment", "hidden": [], "channels": 32},
        "least_squares": "only",
    },
    "mtp, level 12, linear": {
        "model": {"architecture": "mtp", "level": 12},
        "least_squares": "only",
    },
    "mtp, level 12": {
        "model": {"architecture": "mtp", "level": 12},
        "least_squares": "first",
        "epochs_per_minute": 15,
    },
    "deepmd": {
        "model": {
            "architecture": "deepmd",
            "sel": [60],
            "smooth_from": 1.0,
            "cutoff": 5.0,
            "embedding": [12, 24, 48],
            "axis": 8,
            "fitting": [64, 64],
        },
        "epochs_per_minute": 8,
    },
    "mace": {
        "model": {"architecture": "mace", "channels": 8, "max_degree": 2},
        "epochs_per_minute": 2,
    },
}
"""Settings of each architecture; the epochs are what two cores manage in a minute."""


def recipe_of(name: str, minutes: float) -> dict[str, Any]:
    """Recipe of an architecture for a training of so many minutes."""
    settings = dict(RECIPES[name])
    epochs = max(1, round(settings.pop("epochs_per_minute", 1) * minutes))
    settings["model"] = {"cutoff": 5.0, **settings["model"]}
    return {
        "elements": ["Li"],
        "data": [{"name": "mlearn-Li", "files": [str(locate_data(TRAIN, Path.cwd()))]}],
        "epochs": min(epochs, MOST_EPOCHS),
        **settings,
    }


def measure(name: str, minutes: float) -> dict[str, Any]:
    """Train, evaluate and time one architecture."""
    import yaml

    with tempfile.TemporaryDirectory() as folder:
        recipe, out = Path(folder) / "recipe.yaml", Path(folder) / "out"
        recipe.write_text(yaml.safe_dump(recipe_of(name, minutes)))
        start = time.perf_counter()
        command = [sys.executable, "-m", "limlff.cli.main", "train", str(recipe), "--out", str(out)]
        limit = ["--max-runtime", f"{minutes:g}m", "--quiet"]
        code = subprocess.run([*command, *limit], check=False).returncode
        seconds = time.perf_counter() - start
        if code not in (0, 4):
            raise SystemExit(f"{name}: training ended with code {code}")
        return {"training_seconds": seconds, **assess(out / "potential.limlff")}


def assess(file: Path) -> dict[str, Any]:
    """Size, errors on the test frames, and time per atom of a potential."""
    from limlff.calculator import load
    from limlff.frames.read import read_frames
    from limlff.potential_file import flatten_parameters
    from limlff.training.metrics import frame_errors, predict_frames

    potential = load(file)
    frames = read_frames(locate_data(TEST, Path.cwd()))
    errors = frame_errors(frames, predict_frames(potential, frames))
    arrays = flatten_parameters(potential.parameters)
    return {
        "parameters": sum(a.size for path, a in arrays.items() if "statistics" not in path),
        "energy_mae_mev_per_atom": errors["energy_mae_mev_per_atom"],
        "force_mae_ev_per_angstrom": errors["force_mae_ev_per_angstrom"],
        "stress_mae_gpa": errors["stress_mae_gpa"],
        **time_of(potential),
    }


def time_of(potential: Any, cells: int = 8, repeats: int = 9) -> dict[str, float]:
    """Least time of an evaluation per atom (µs), by the clock and of all cores together."""
    import jax
    from ase.build import bulk

    from limlff.neighbors.host import build_neighbors

    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(cells)
    atoms.rattle(0.1, seed=0)
    neighbors, _ = build_neighbors(
        atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff + 0.5
    )
    species = potential.species_of(list(atoms.symbols))
    evaluate = jax.jit(partial(potential.predict, dtype="float32"))
    clocks: dict[str, list[float]] = {"clock": [], "process": []}
    for _ in range(repeats + 1):
        start = time.perf_counter(), time.process_time()
        jax.block_until_ready(evaluate(species, atoms.positions, atoms.cell.array, neighbors))
        clocks["clock"].append(time.perf_counter() - start[0])
        clocks["process"].append(time.process_time() - start[1])
    least = {name: 1e6 * min(values[1:]) / len(atoms) for name, values in clocks.items()}
    return {
        "microseconds_per_atom": least["clock"],
        "processor_microseconds_per_atom": least["process"],
    }


def draw(results: dict[str, dict[str, float]], path: Path) -> None:
    """Force error against time per atom; the front of what nothing beats in both is joined."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(figsize=(6, 4), constrained_layout=True)
    points = {
        name: (r["microseconds_per_atom"], 1e3 * r["force_mae_ev_per_angstrom"])
        for name, r in results.items()
    }
    for name, (cost, error) in points.items():
        axes.plot(cost, error, "o")
        axes.annotate(name, (cost, error), textcoords="offset points", xytext=(5, 4))
    front = [
        point
        for point in sorted(points.values())
        if not any(o[0] <= point[0] and o[1] <= point[1] and o != point for o in points.values())
    ]
    axes.plot(*zip(*front, strict=True), "--", color="gray", zorder=0)
    axes.set(xscale="log", yscale="log", xlabel="time per atom and step (µs)")
    axes.set(ylabel="force MAE on the test split (meV/Å)", title="mlearn-Li")
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure the architectures asked for and write the results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])  # type: ignore[union-attr]
    parser.add_argument("--minutes", type=float, default=20.0, help="time of each training")
    parser.add_argument("--only", nargs="+", choices=list(RECIPES), default=list(RECIPES))
    parser.add_argument("--out", type=Path, default=Path("architectures.json"))
    arguments = parser.parse_args()
    results: dict[str, Any] = {}
    for name in arguments.only:
        results[name] = measure(name, arguments.minutes)
        print(name, json.dumps(results[name]), flush=True)
        report = {
            "minutes": arguments.minutes,
            "results": results,
            "environment": describe_environment(),
        }
        arguments.out.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
        draw(results, arguments.out.with_suffix(".png"))


if __name__ == "__main__":
    main()
