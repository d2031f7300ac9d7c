"""Single atoms, pairs and triples of lithium or copper on copper, far from their images.

    python dilute.py POTENTIAL dilute.extxyz [--runs 72]

Slabs of 3 x 3 and 4 x 4 surface cells: unlike those of 2 x 2 cells, an atom on them is out of reach
of its images, which is how each atom of a deposition begins. Frames are of short Langevin dynamics
by POTENTIAL; in one of five an atom is lifted off the surface by up to 4 Å, as one that arrives.
`teach.py` labels all of them by a universal potential, `label.py` those of `--small`, with at most
37 atoms, by DFT.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from ase.io import read, write
from structures import COPPER, FACETS, on_top

import limlff

KINDS = ("Li", "Li", "Li2", "Li3", "Cu", "exchanged")
TEMPERATURES = (300, 450, 600)  # K
STEPS, EVERY = 1500, 300  # of 2 fs
FIRST_RUN = 2000  # others have the numbers of sample.py and structures.py
LIFTED, HIGHEST = 5, 4.0  # each fifth frame; Å


def start(number: int, rng: np.random.Generator) -> Atoms:
    """The structure that a run begins with."""
    facet = list(FACETS)[number % len(FACETS)]
    kind = KINDS[number // len(FACETS) % len(KINDS)]
    build, layers = FACETS[facet]
    size = 3 if number % 2 else 4
    slab = build("Cu", (size, size, layers), a=COPPER)
    slab.center(vacuum=8.0, axis=2)
    slab.pbc = True
    top = np.flatnonzero(slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5)
    if kind == "exchanged":
        slab.symbols[rng.choice(top)] = "Li"
        slab = on_top(slab, "Cu", 1, rng, 1.0)
    elif kind == "Cu":
        slab = on_top(slab, "Cu", 1, rng, 1.0)
    else:
        slab = on_top(slab, "Li", int(kind[2:] or 1), rng, 0.6)
    slab.set_constraint(FixAtoms(mask=slab.positions[:, 2] < slab.positions[:, 2].min() + 0.5))
    slab.info = {"config_type": f"{facet}_dilute_{kind}", "run": FIRST_RUN + number}
    return slab


def frames_of(number: int, potential: limlff.Potential) -> list[Atoms]:
    """Frames of one run, without labels."""
    rng = np.random.default_rng(20_000 + number)
    atoms = start(number, rng)
    kelvin = TEMPERATURES[number // (len(FACETS) * len(KINDS)) % len(TEMPERATURES)]
    settings = {
        "steps": STEPS,
        "temperature_k": kelvin,
        "initial_temperature_k": 2 * kelvin,
        "seed": number,
        "output": {"trajectory_every": EVERY, "extended_xyz": True},
    }
    with tempfile.TemporaryDirectory() as folder:
        limlff.run_md(settings, folder, atoms, potential, progress=False, force=True)
        found = read(Path(folder) / "trajectory.extxyz", "1:")
    frames = []
    for index, each in enumerate(found):
        frame = Atoms(each.numbers, each.positions, cell=each.cell, pbc=True)
        if (number + index) % LIFTED == 0:
            frame.positions[-1, 2] += rng.uniform(0.3, HIGHEST)
        frame.wrap()
        frame.info = {**atoms.info, "sample_temperature_K": kelvin, "step": (index + 1) * EVERY}
        frames.append(frame)
    return frames


def main() -> None:
    """Sample and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential")
    parser.add_argument("out", type=Path)
    parser.add_argument("--runs", type=int, default=72)
    parser.add_argument("--small", type=Path, metavar="OUT", help="few frames, for DFT")
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    frames = [frame for number in range(arguments.runs) for frame in frames_of(number, potential)]
    write(arguments.out, frames, format="extxyz", columns=["symbols", "positions"])
    if arguments.small:
        small = [each for each in frames if len(each) <= 40 and each.info["step"] == STEPS]
        write(arguments.small, small, format="extxyz", columns=["symbols", "positions"])


if __name__ == "__main__":
    main()
