"""What binds a single lithium atom to copper, far from others: a potential beside DFT.

    python benchmarks/li_cu_single_atoms.py [POTENTIAL] [--json OUT]

Pairs of frames of `potentials/li-cu/data` that differ by one lithium atom alone, on 3 x 3 surface
cells: the energy of the atom there, from bulk lithium, by DFT and by the potential in the same
cells, with its height above the copper and its extrapolation grade. Those of `gpaw.extxyz` were
trained on by the shipped `li-cu`, those of `later.extxyz` were labelled afterwards.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read

import limlff
from limlff.calculator import Calculator
from limlff.environment import describe_environment
from limlff.potential_file import potential_digest

DATA = Path(__file__).resolve().parents[1] / "potentials/li-cu/data"
FILES = {"gpaw.extxyz": True, "later.extxyz": False}
"""Files with pairs, and whether `li-cu` was trained on them."""


def main() -> None:
    """Compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li-cu")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    calculator = Calculator(limlff.load(arguments.potential))
    crystal = next(a for a in read(DATA / "cells.extxyz", ":") if a.info["config_type"] == "Li")
    rows = [
        {"frame": frame.info["config_type"], "trained_on": trained, **compared(*pair, crystal)}
        for name, trained in FILES.items()
        for pair in pairs(read(DATA / name, ":"), calculator)
        for frame in pair[:1]
    ]
    for row in rows:
        print(
            f"{row['frame']}, {row['height_angstrom']:.2f} Å high: DFT {row['dft_ev']:.3f}, "
            f"potential {row['potential_ev']:.3f} eV, grade {row['grade']:.2f}"
            + ("" if row["trained_on"] else "; not trained on")
        )
    if arguments.json:
        content = {
            "benchmark": "single lithium atoms on copper",
            **describe_environment(),
            "digest": potential_digest(calculator.potential),
            "rows": rows,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def pairs(frames: list[Atoms], calculator: Calculator) -> list[tuple[Atoms, Atoms, Calculator]]:
    """Frames with one lithium atom, and the same without it."""
    bare = {a.info["run"]: a for a in frames if str(a.info["config_type"]).endswith("_bare")}
    return [
        (a, bare[a.info["run"]], calculator)
        for a in frames
        if str(a.info["config_type"]).endswith("_dilute_Li") and a.info.get("run") in bare
    ]


def compared(frame: Atoms, bare: Atoms, calculator: Calculator, crystal: Atoms) -> dict[str, Any]:
    """Energy of the atom from bulk lithium by both (eV)."""

    def by_potential(atoms: Atoms) -> float:
        return calculator.get_potential_energy(atoms.copy())

    cells = (frame, bare, crystal)
    lithium = frame.numbers == 3
    copper = np.sort(frame.positions[~lithium, 2])[-9:]  # the top plane
    dft = [cell.get_potential_energy() for cell in cells]
    own = [by_potential(cell) for cell in cells]
    factors = np.array([1.0, -1.0, -1.0 / len(crystal)])
    grades = calculator.get_property("extrapolation_grade", frame.copy())
    return {
        "height_angstrom": float(frame.positions[lithium, 2][0] - copper.mean()),
        "dft_ev": float(factors @ dft),
        "potential_ev": float(factors @ own),
        "grade": float(grades[lithium][0]),
    }


if __name__ == "__main__":
    main()
