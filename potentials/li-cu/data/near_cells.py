"""Shaken copies of the cells by which properties are compared with DFT, for DFT.

    python near_cells.py near.extxyz

From `cells.extxyz`: copper slabs with a lithium atom in the top plane and a copper atom in one of
the hollows, slabs with one atom on or in them, and ordered alloys, these strained too. `label.py`
labels them.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import read, write

FIRST = 5000  # number of the first run
SHAKEN = (0.05, 0.09)  # Å
STRAIN = 0.03
COPIES = {
    "Li in Cu(110)": 2,
    "Li on Cu(110) hollow": 1,
    "Cu(110)": 1,
    "Li in Cu(111)": 2,
    "Li in Cu(100)": 1,
    "Cu15Li": 3,
    "Li15Cu": 2,
    "CuLi B2": 4,
    "CuLi L1_0": 4,
    "Cu3Li L1_2": 3,
    "CuLi3 L1_2": 3,
}
EXCHANGED = 8


def main() -> None:
    """Make all and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    cells = read(Path(__file__).parent / "cells.extxyz", ":")
    by_name = {atoms.info["config_type"]: atoms for atoms in cells}
    rng = np.random.default_rng(FIRST)
    frames = [exchanged(by_name, number) for number in range(EXCHANGED)]
    for name, count in COPIES.items():
        frames += [named(by_name[name], short_name(name)) for _ in range(count)]
    shaken = [shake(frame, number, rng) for number, frame in enumerate(frames)]
    write(arguments.out, shaken, format="extxyz", columns=["symbols", "positions"])


def exchanged(cells: dict[str, Atoms], number: int) -> Atoms:
    """Lithium in the top plane of Cu(110), the copper atom in one of the four hollows."""
    atoms = cells["Li in Cu(110), Cu on it"].copy()
    place = np.array([number % 2, number // 2 % 2]) / 2
    atoms.positions[-1] += place @ atoms.cell.array[:2]
    return named(atoms, "cu110_exchanged_li1")


def short_name(name: str) -> str:
    """Kind of a frame: `cu110_...` of slabs, `bulk_...` of crystals."""
    if "(" not in name:
        return f"alloy_{name.replace(' ', '_')}"
    facet = name[name.index("(") + 1 : name.index(")")]
    what = {"Li in": "substituted", "Li on": "hollow"}.get(name[:5], "bare")
    return f"cu{facet}_{what}"


def named(atoms: Atoms, name: str) -> Atoms:
    """A bare copy of that name."""
    bare = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    bare.info["config_type"] = name
    return bare


def shake(atoms: Atoms, number: int, rng: np.random.Generator) -> Atoms:
    """Displaced atoms, and crystals strained."""
    frame = atoms.copy()
    if atoms.info["config_type"].startswith("alloy"):
        strain = rng.uniform(-STRAIN, STRAIN) * np.eye(3) + 0.3 * STRAIN * rng.normal(size=(3, 3))
        frame.set_cell(frame.cell.array @ (np.eye(3) + 0.5 * (strain + strain.T)), True)
    frame.positions += rng.normal(0, SHAKEN[number % 2], frame.positions.shape)
    frame.wrap()
    frame.info["run"] = FIRST + number
    return frame


if __name__ == "__main__":
    main()
