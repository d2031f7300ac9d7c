"""Structures to test on: last frames of short runs from structures that `split.py` holds back.

    python held_back.py POTENTIAL held.extxyz
    python label.py held.extxyz labelled.extxyz

POTENTIAL moves the atoms: 0.8 ps of Langevin dynamics at the temperature that `structures.py`
draws for the structure, at most 600 K. Taken is the first structure of each kind that is not in
`test.extxyz` yet, from number 480 on, from where on the campaign has explored nothing.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import thermalize_momenta
from split import is_held_back
from structures import start

from limlff.calculator import Calculator

FIRST, END, STEP = 480, 1500, 3
"""Numbers of structures; every third is small."""
MOST_ATOMS, HOTTEST = 20, 600.0


def kind_of(name: str) -> str:
    """A structure's name without how much lithium it holds."""
    return re.sub(r"_li\d+|_x[\d.]+", "", name)


def structures(known: set[str]) -> Iterator[tuple[int, str, Atoms, float]]:
    """Number, name, structure and temperature (K) of the first of each kind that is not known."""
    for number in range(FIRST, END, STEP):
        name, atoms, temperature, _ = start(number)
        is_new = kind_of(name) not in known and len(atoms) <= MOST_ATOMS
        if is_new and is_held_back({"run": number}):
            known.add(kind_of(name))
            yield number, name, atoms, min(temperature, HOTTEST)


def moved(atoms: Atoms, temperature: float, seed: int) -> Atoms:
    """The last frame of a run; atoms that are fixed stay where they are."""
    rng = np.random.default_rng(seed)
    thermalize_momenta(atoms, temperature_K=temperature, rng=rng)
    Langevin(atoms, 2 * units.fs, temperature_K=temperature, friction=0.01 / units.fs, rng=rng).run(
        400
    )
    return Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)


def main() -> None:
    """Run, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    tested = read(Path(__file__).parent / "test.extxyz", ":")
    calculator = Calculator(arguments.potential, "float64")
    frames = []
    for number, name, atoms, temperature in structures(
        {kind_of(a.info["config_type"]) for a in tested}
    ):
        atoms.calc = calculator
        frame = moved(atoms, temperature, number)
        frame.info = {"config_type": name, "sample_temperature_K": temperature, "run": number}
        frames.append(frame)
        print(number, name, len(frame))
    write(arguments.out, frames, format="extxyz")


if __name__ == "__main__":
    main()
