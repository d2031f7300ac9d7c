"""Exchanged atoms and hops on 2 x 2 surface cells, 13 to 19 atoms, for DFT.

    python exchange.py POTENTIAL exchange.extxyz

*Exchange*: lithium in the top plane of copper, a copper atom on it, none to two lithium atoms more,
after 2 ps of Langevin dynamics. *Hops*: a lithium atom at a random place of the surface, at the
height that POTENTIAL likes there, all atoms shaken. `label.py` labels them.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixedLine
from ase.io import read, write
from ase.optimize import FIRE
from structures import COPPER, FACETS, on_top

import limlff
from limlff.calculator import Calculator

EXCHANGED, HOPS = 24, 14
ORDER = ("cu110", "cu100", "cu110", "cu111")  # (110) twice: copper exchanges there
FIRST_EXCHANGED, FIRST_HOP = 3000, 4000  # numbers of runs
TEMPERATURES = (300, 450, 600)  # K
STEPS = 1000  # of 2 fs
SHAKEN = 0.06  # Å


def slab_of(number: int) -> tuple[str, Atoms]:
    """A slab of one of the facets."""
    facet = ORDER[number % len(ORDER)]
    build, layers = FACETS[facet]
    slab = build("Cu", (2, 2, layers), a=COPPER)
    slab.center(vacuum=8.0, axis=2)
    slab.pbc = True
    return facet, slab


def held(atoms: Atoms) -> FixAtoms:
    """Holds the lowest layer."""
    return FixAtoms(mask=atoms.positions[:, 2] < atoms.positions[:, 2].min() + 0.5)


def exchanged(number: int, potential: limlff.Potential) -> Atoms:
    """The last frame of a run with exchanged atoms."""
    rng = np.random.default_rng(30_000 + number)
    facet, slab = slab_of(number)
    kelvin = TEMPERATURES[number % len(TEMPERATURES)]
    top = np.flatnonzero(slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5)
    within, more = 1 + (number // 4) % 2, (number // 8) % 3
    slab.symbols[rng.choice(top, within, replace=False)] = "Li"
    slab = on_top(slab, "Cu", 1, rng, 1.0)
    slab = on_top(slab, "Li", more, rng, 1.0)
    slab.set_constraint(held(slab))
    settings = {
        "steps": STEPS,
        "temperature_k": kelvin,
        "initial_temperature_k": 2 * kelvin,
        "seed": number,
        "output": {"trajectory_every": STEPS // 2, "extended_xyz": True},
    }
    with tempfile.TemporaryDirectory() as folder:
        limlff.run_md(settings, folder, slab, potential, progress=False, force=True)
        last = read(Path(folder) / "trajectory.extxyz", "-1")
    name = f"{facet}_exchanged_li{within + more}"
    return bare(last, name, FIRST_EXCHANGED + number, sample_temperature_K=kelvin)


def hop(number: int, potential: limlff.Potential) -> Atoms:
    """A lithium atom at a random place of the surface."""
    rng = np.random.default_rng(40_000 + number)
    facet, slab = slab_of(number)
    place = 0.5 * rng.uniform(0, 1, 2) @ slab.cell.array[:2]
    slab += Atoms("Li", [[*place[:2], slab.positions[:, 2].max() + 2.2]])
    slab.set_constraint([held(slab), FixedLine(len(slab) - 1, [0, 0, 1])])
    slab.calc = Calculator(potential)
    FIRE(slab, logfile=None).run(fmax=0.05, steps=100)
    slab.set_constraint()
    slab.positions += rng.normal(0, SHAKEN, slab.positions.shape)
    return bare(slab, f"{facet}_hop_li1", FIRST_HOP + number)


def bare(atoms: Atoms, name: str, run: int, **about: int) -> Atoms:
    """Atoms in the cell, with what they are."""
    frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    frame.wrap()
    frame.info = {"config_type": name, "run": run, **about}
    return frame


def main() -> None:
    """Make all and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential")
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    frames = [exchanged(number, potential) for number in range(EXCHANGED)]
    frames += [hop(number, potential) for number in range(HOPS)]
    write(arguments.out, frames, format="extxyz", columns=["symbols", "positions"])


if __name__ == "__main__":
    main()
