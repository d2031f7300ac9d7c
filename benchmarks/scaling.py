"""Cost and memory per atom from 500 to 250,000 atoms, each size in a process of its own.

python benchmarks/scaling.py li --json scaling.json --figure scaling.png
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from limlff.environment import describe_environment

SIZES = (500, 1000, 4000, 16000, 64000, 250000)


def measure(potential: str, atoms: int, seconds: float) -> dict[str, Any]:
    """`limlff bench` at one size."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "speed.json"
        command = ["bench", potential, "--atoms", str(atoms), "--seconds", str(seconds)]
        program = [sys.executable, "-m", "limlff.cli.main", *command, "--json", str(out)]
        subprocess.run(program, check=True, stdout=subprocess.DEVNULL)
        result: dict[str, Any] = json.loads(out.read_text())
        return result


def draw(rows: list[dict[str, Any]], path: Path) -> None:
    """Time per atom against the number of atoms."""
    import matplotlib

    matplotlib.use("agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(5, 3.5), layout="constrained")
    sizes = [row["atoms"] for row in rows]
    for key, label in (("step", "whole step"), ("force", "forces alone")):
        axes.plot(sizes, [row[f"microseconds_per_atom_{key}"] for row in rows], "o-", label=label)
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.set_xlabel("Atoms")
    axes.set_ylabel("µs per atom")
    axes.legend(frameon=False)
    axes.spines[["top", "right"]].set_visible(False)
    figure.savefig(path, dpi=150)


def main() -> None:
    """Measure all sizes, print a table, write JSON and figure."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("potential")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--json", type=Path)
    parser.add_argument("--figure", type=Path)
    arguments = parser.parse_args()
    for path in filter(None, (arguments.json, arguments.figure)):
        path.parent.mkdir(parents=True, exist_ok=True)
    rows = []
    print("   atoms   µs/atom/step   µs/atom forces   peak MB   kB/atom")
    for size in arguments.sizes:
        row = measure(arguments.potential, size, arguments.seconds)
        rows.append(row)
        print(
            f"{row['atoms']:8d} {row['microseconds_per_atom_step']:14.2f} "
            f"{row['microseconds_per_atom_force']:16.2f} {row['peak_memory_mb']:9.0f} "
            f"{row['memory_kb_per_atom']:9.2f}",
            flush=True,
        )
    if arguments.json:
        text = json.dumps({"sizes": rows, **describe_environment()}, indent=2)
        arguments.json.write_text(text + "\n", encoding="utf-8")
    if arguments.figure:
        draw(rows, arguments.figure)


if __name__ == "__main__":
    main()
