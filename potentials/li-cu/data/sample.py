"""Frames of lithium on copper and of both metals, sampled and labelled by a universal potential.

    python sample.py nequix-omat-1.nqx OUT --part 0 --parts 8 --seconds 300

Each run is a short Langevin dynamics by the teacher from a structure of a kind that plating meets:
layers, islands, exchanged atoms, copper adatoms, vacancies, steps, alloys, holes, liquids, strained
metals. It gives frames with the teacher's energy, forces and stress (`teacher-*.extxyz`) and, from
cells small enough for DFT, structures without labels (`candidates-*.extxyz`), which `label.py`
labels. Runs are numbered; a number always means the same structure, and parts share them out.
Needs `pip install nequix`.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import jraph
import numpy as np
from ase import Atoms, units
from ase.io import write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution
from nequix.calculator import NequixCalculator
from structures import start

SIZES = ((32, 2816), (128, 9216))  # padded atoms and pairs: two compiled programs
TIMESTEP, EVERY, FIRST = 2.0, 25, 75  # fs, steps between frames, steps before the first


class Teacher(NequixCalculator):
    """Nequix with padded graphs of fixed sizes, so that it is compiled once for each."""

    def _pad_graph_jax(self, graph: jraph.GraphsTuple, numbers_changed: bool = False) -> object:
        for atoms, pairs in SIZES:
            if graph.n_node[0] < atoms and graph.n_edge[0] <= pairs:
                return jraph.pad_with_graphs(graph, n_node=atoms, n_edge=pairs, n_graph=2)
        raise ValueError(f"{graph.n_node[0]} atoms with {graph.n_edge[0]} pairs: too large")


def frames_of(number: int, teacher: Teacher, frames: int) -> list[Atoms]:
    """Frames of a run, with the teacher's labels; fewer if the run leaves what makes sense."""
    name, atoms, temperature, _ = start(number)
    atoms.calc = teacher
    rng = np.random.default_rng(10_000 + number)
    MaxwellBoltzmannDistribution(atoms, temperature_K=temperature, rng=rng)
    dynamics = Langevin(
        atoms,
        TIMESTEP * units.fs,
        temperature_K=temperature,
        friction=0.02 / units.fs,
        rng=rng,
        fixcm=False,
    )
    found: list[Atoms] = []
    dynamics.run(FIRST)
    for step in range(frames):
        forces = atoms.get_forces(apply_constraint=False)
        if not np.isfinite(forces).all() or np.abs(forces).max() > 15:
            break
        frame = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
        frame.arrays["forces"] = np.round(forces, 5)
        frame.info |= {
            "config_type": name,
            "run": number,
            "sample_temperature_K": temperature,
            "step": FIRST + step * EVERY,
            "energy": round(atoms.get_potential_energy(), 6),
            "stress": atoms.get_stress(voigt=False, apply_constraint=False),
        }
        found.append(frame)
        dynamics.run(EVERY)
    return found


def main() -> None:
    """Sample until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--part", type=int, default=0)
    parser.add_argument("--parts", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=300.0)
    parser.add_argument("--frames", type=int, default=8, help="of each run")
    arguments = parser.parse_args()
    end = time.perf_counter() + arguments.seconds
    teacher = Teacher(model_path=str(arguments.model), backend="jax", use_kernel=False)
    number = arguments.part
    while time.perf_counter() < end:
        found = frames_of(number, teacher, arguments.frames)
        write(arguments.out / f"teacher-{arguments.part}.extxyz", found, append=True)
        if start(number)[3] and found:
            last = found[-1].copy()
            last.info = {k: last.info[k] for k in ("config_type", "run", "sample_temperature_K")}
            del last.arrays["forces"]
            write(arguments.out / f"candidates-{arguments.part}.extxyz", last, append=True)
        print(f"{time.perf_counter():.0f} run {number}: {len(found)} frames", flush=True)
        number += arguments.parts


if __name__ == "__main__":
    main()
