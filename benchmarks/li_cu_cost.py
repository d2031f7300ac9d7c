"""What a step of `li-cu` costs: beside `li`, and beside its teacher, in one run.

    python benchmarks/li_cu_cost.py POTENTIAL [--teacher nequix-omat-1.nqx] [--json OUT]

Steps of molecular dynamics are those of `limlff bench`: a crystal of lithium with both potentials,
by turns, and one of copper. The teacher, Nequix, has no molecular dynamics of its own: it is timed
as an ASE calculator, as the potential is beside it, on a slab of Cu(110) with lithium, with atoms
moved before each call. `pip install nequix` for `--teacher`.
"""

from __future__ import annotations

import argparse
import json
import statistics
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import fcc110
from ase.calculators.calculator import BaseCalculator

import limlff
from limlff.calculator import Calculator
from limlff.environment import describe_environment
from limlff.md.speed import measure_speed
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.structures.lattice import block_of_about

SECONDS = 8.0
TURNS = 3


def main() -> None:
    """Measure, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential")
    parser.add_argument("--teacher", type=Path)
    parser.add_argument("--atoms", type=int, default=4000)
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    student = limlff.load(arguments.potential)
    results: dict[str, Any] = {"steps": steps(student, arguments.atoms)}
    if arguments.teacher:
        results["calls"] = calls(student, teacher(arguments.teacher))
    print(json.dumps(results, indent=1))
    if arguments.json:
        content = {
            "benchmark": "li-cu cost",
            **describe_environment(),
            "potential": Path(arguments.potential).name,
            "digest": potential_digest(student),
            **results,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def steps(student: Potential, count: int) -> dict[str, float]:
    """Microseconds per atom and step of molecular dynamics, the medians of some turns."""
    cases = {
        "li-cu, Li": (student, "Li"),
        "li, Li": (limlff.load("li"), "Li"),
        "li-cu, Cu": (student, "Cu"),
    }
    found: dict[str, list[float]] = {name: [] for name in cases}
    for _ in range(TURNS):
        for name, (potential, element) in cases.items():
            atoms = block_of_about(element, count)
            speed = measure_speed(potential, atoms, "float32", SECONDS)
            found[name].append(speed.microseconds_per_atom_step)
    medians = {name: round(statistics.median(times), 2) for name, times in found.items()}
    return {**medians, "li-cu / li": round(medians["li-cu, Li"] / medians["li, Li"], 2)}


def teacher(path: Path) -> BaseCalculator:
    """The teacher as a calculator of ASE, without kernels for other devices."""
    from nequix.calculator import NequixCalculator

    return NequixCalculator(
        model_path=str(path), backend="jax", use_kernel=False, capacity_multiplier=1.3
    )


def calls(student: Potential, other: BaseCalculator) -> dict[str, float]:
    """Microseconds per atom of energy and forces of both, by turns."""
    atoms = slab()
    calculators = {"li-cu": Calculator(student), "teacher": other}
    found: dict[str, list[float]] = {name: [] for name in calculators}
    for calculator in calculators.values():
        atoms.calc = calculator
        atoms.get_forces()  # compiles
    rng = np.random.default_rng(0)
    for _ in range(TURNS):
        for name, calculator in calculators.items():
            atoms.calc = calculator
            found[name].append(microseconds(atoms, rng))
    medians = {name: round(statistics.median(times), 1) for name, times in found.items()}
    ratio = round(medians["teacher"] / medians["li-cu"], 1)
    return {"atoms": len(atoms), **medians, "teacher / li-cu": ratio}


def microseconds(atoms: Atoms, rng: np.random.Generator) -> float:
    """Time of a call per atom, over some seconds."""
    count, spent = 0, 0.0
    while spent < SECONDS / TURNS or count < 3:
        atoms.positions += rng.normal(scale=1e-3, size=atoms.positions.shape)
        begin = time.perf_counter()
        atoms.get_forces()
        spent += time.perf_counter() - begin
        count += 1
    return 1e6 * spent / count / len(atoms)


def slab() -> Atoms:
    """Cu(110) with a third of a layer of lithium in its troughs."""
    copper = fcc110("Cu", (4, 6, 6), a=3.63, vacuum=8.0, periodic=True)
    top = copper.positions[:, 2].max()
    troughs = copper.positions[copper.positions[:, 2] > top - 0.1][::3]
    offset = 0.5 * (copper.cell[0] / 4 + copper.cell[1] / 6)
    lithium = Atoms("Li" * len(troughs), troughs + offset + [0, 0, 1.6])
    return copper + lithium


if __name__ == "__main__":
    main()
