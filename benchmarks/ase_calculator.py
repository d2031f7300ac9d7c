"""The ASE calculator: paths with one calculator, relaxations in both precisions, atoms' stresses.

    python benchmarks/ase_calculator.py [POTENTIAL] [--json OUT]

Processor time of a nudged elastic band whose images share a calculator over that with one for each,
whose results must be the same; steps of relaxations to smaller and smaller forces in float32 and
float64; time of forces and of the stresses of all atoms.
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.mep import NEB
from ase.optimize import FIRE, LBFGS, BFGSLineSearch

from limlff.calculator import Calculator
from limlff.environment import describe_environment
from limlff.potential import Potential
from limlff.potential_file import potential_digest

LIMITS = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)
MOST_STEPS = {LBFGS: 250, FIRE: 250, BFGSLineSearch: 60}  # a line search that fails takes minutes


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li", help="name or path (default: li)")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")  # SciPy's of matrix logarithms in the filter of the cell
    potential = Calculator(arguments.potential).potential
    record: dict[str, Any] = {
        "benchmark": "ase_calculator",
        **describe_environment(),
        "potential": arguments.potential,
        "digest": potential_digest(potential),
        "paths": [shared_over_own(potential, *size) for size in ((3, 30), (5, 30), (8, 12))],
        "stresses": [
            stress_time(potential, cells, dtype)
            for cells in (3, 8)
            for dtype in ("float64", "float32")
        ],
        "relaxations": [
            relaxation(potential, optimizer, dtype)
            for optimizer in MOST_STEPS
            for dtype in ("float64", "float32")
        ],
    }
    if arguments.json:
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def vacancy_path(cells: int, images: int) -> list[Atoms]:
    """An atom of bcc lithium hops into a vacancy beside it."""
    first = bulk("Li", "bcc", a=3.44, cubic=True).repeat(cells)
    first.rattle(0.03, seed=2)
    hole = first.positions[0].copy()
    del first[0]
    last = first.copy()
    last.positions[0] = hole
    path = [first, *(first.copy() for _ in range(images)), last]
    NEB(path, method="improvedtangent").interpolate(mic=True)
    return path


def shared_over_own(potential: Potential, cells: int, steps: int) -> dict[str, Any]:
    """Ratio of processor times of a band of seven images, each the shortest of five in turns."""
    times: dict[bool, list[float]] = {False: [], True: []}
    ends, atoms = [], 0
    for shared in (False, True) * 5:
        path, common = vacancy_path(cells, 7), Calculator(potential)
        for image in path:
            image.calc = common if shared else Calculator(potential)
        band = NEB(path, climb=True, method="improvedtangent", allow_shared_calculator=True)
        dynamics = FIRE(band, logfile=None)
        dynamics.run(fmax=1e-9, steps=2)
        begin = time.process_time()
        dynamics.run(fmax=1e-9, steps=steps)
        times[shared].append(time.process_time() - begin)
        ends.append(np.array([image.positions for image in path]))
        atoms = len(path[0])
    ratio = min(times[True]) / min(times[False])
    equal = all(np.array_equal(end, ends[0]) for end in ends)
    print(f"path of {atoms} atoms: one calculator takes {ratio:.2f} of the time of one for each")
    print(f"  the same results: {equal}")
    return {"atoms": atoms, "ratio": ratio, "own": times[False], "shared": times[True]}


def stress_time(potential: Potential, cells: int, dtype: str) -> dict[str, Any]:
    """Mean time of forces and of stresses of atoms (ms)."""
    calculator = Calculator(potential, dtype)
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(cells)
    atoms.rattle(0.05, seed=1)
    calculator.get_stresses(atoms)
    times = np.zeros((10, 2))
    for row in times:
        atoms.positions[0, 0] += 1e-5
        row[0] = seconds(lambda: calculator.get_forces(atoms))
        row[1] = seconds(lambda: calculator.get_stresses(atoms))
    forces, stresses = 1e3 * np.median(times, axis=0)
    print(f"{len(atoms)} atoms, {dtype}: forces {forces:.1f} ms, stresses {stresses:.1f} ms more")
    return {"atoms": len(atoms), "dtype": dtype, "forces": forces, "stresses": stresses}


def relaxation(potential: Potential, optimizer: type, dtype: str) -> dict[str, Any]:
    """Steps until the largest force on atoms and cell fell below each of the limits."""
    atoms = bulk("Li", "bcc", a=3.4, cubic=True).repeat(2)
    del atoms[0]
    atoms.rattle(0.03, seed=1)
    atoms.calc = Calculator(potential, dtype)
    relaxed, reached = FrechetCellFilter(atoms), {}
    optimization = optimizer(relaxed, logfile=None)

    def note() -> None:
        force = np.linalg.norm(relaxed.get_forces(), axis=1).max()
        for limit in LIMITS:
            if force < limit:
                reached.setdefault(f"{limit:g}", optimization.nsteps)

    optimization.attach(note)
    optimization.run(fmax=LIMITS[-1], steps=MOST_STEPS[optimizer])
    print(f"{optimizer.__name__}, {dtype}: steps to eV/Å {reached}")
    return {"optimizer": optimizer.__name__, "dtype": dtype, "steps": reached}


def seconds(action: Callable[[], Any]) -> float:
    """Wall time of an action (s)."""
    begin = time.perf_counter()
    action()
    return time.perf_counter() - begin


if __name__ == "__main__":
    main()
