"""Structures, potentials and runs that tests of LAMMPS share."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import jax
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.io import write
from rank_cases import Case

from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.units import FEMTOSECOND

BAR = 1.6021765e6
"""LAMMPS' bars in one eV/Å^3."""
PICOSECOND = 1000 * FEMTOSECOND
MASS = PICOSECOND**-2 / 1.0364269e-4
"""By this much masses have to be heavier for LAMMPS to move as fast, whose constant is rounded."""

LI_CU = MomentModel(("Li", "Cu"), cutoff=4.0, radial=4, channels=4, max_degree=2, hidden=(4,))


def moment(scale: float = 1.0) -> Potential:
    """A moment model of two elements, untrained, with energies of free atoms."""
    parameters = jax.tree.map(np.asarray, LI_CU.initialize(jax.random.key(1)))
    return Potential(LI_CU, parameters, scale * np.array([-1.9, -3.7]))


def crystal(repeats: tuple[int, int, int], seed: int, copper_every: int = 5) -> Atoms:
    """A distorted crystal of lithium with some copper."""
    atoms = bulk("Li", "bcc", a=3.4, cubic=True).repeat(repeats)
    atoms.symbols[::copper_every] = "Cu"
    atoms.rattle(0.1, seed=seed)
    return atoms


def sheared() -> Atoms:
    """Periodic in a cell without right angles, its first vector along x as LAMMPS has it."""
    atoms = crystal((4, 3, 3), 1)
    shear = np.array([[1, 0, 0], [0.1, 1, 0], [0.05, 0.2, 1]])
    atoms.set_cell(atoms.cell.array @ shear, scale_atoms=True)
    return atoms


def slab() -> Atoms:
    """A slab in vacuum, open along z."""
    atoms = crystal((3, 3, 3), 2)
    atoms.center(8, axis=2)
    atoms.pbc = (True, True, False)
    return atoms


def cluster() -> Atoms:
    """A piece in vacuum on all sides."""
    atoms = crystal((3, 3, 3), 3)
    atoms.center(6)
    atoms.pbc = False
    return atoms


def tiny() -> Atoms:
    """Two atoms that see many images of themselves."""
    return crystal((1, 1, 1), 4, 2)


def write_data(path: Path, atoms: Atoms, elements: tuple[str, ...] = ("Li", "Cu")) -> list[str]:
    """Write a data file; returns the commands that read it.

    Velocities are those of the atoms, masses such that LAMMPS moves as limlff does.
    """
    exact = atoms.copy()
    velocities = exact.get_velocities() * PICOSECOND
    write(path, exact, format="lammps-data", specorder=elements, masses=True, atom_style="atomic")
    text = path.read_text().split("Atoms")[0].rstrip()
    kinds = [elements.index(symbol) + 1 for symbol in atoms.symbols]
    rows = [
        f"{i} {kind} {x:.17g} {y:.17g} {z:.17g}"
        for i, (kind, (x, y, z)) in enumerate(zip(kinds, atoms.positions, strict=True), 1)
    ]
    moves = [f"{i} {x:.17g} {y:.17g} {z:.17g}" for i, (x, y, z) in enumerate(velocities, 1)]
    parts = [text, "Atoms # atomic", "\n".join(rows), "Velocities", "\n".join(moves)]
    path.write_text("\n\n".join(parts) + "\n")
    boundary = " ".join("p" if periodic else "f" for periodic in atoms.pbc)
    masses = [f"mass {i} {mass:.17g}" for i, mass in enumerate(masses_of(elements), 1)]
    return [
        "atom_style atomic",
        f"boundary {boundary}",
        "box tilt large",
        f"read_data {path}",
        *masses,
    ]


def masses_of(elements: tuple[str, ...]) -> np.ndarray:
    """Masses with which LAMMPS moves as limlff does (amu)."""
    return Atoms(elements).get_masses() * MASS


def environment() -> dict[str, str]:
    """That of processes of this checkout, with one thread each."""
    root = Path(__file__).resolve().parents[2]
    path = os.pathsep.join([str(root), os.environ.get("PYTHONPATH", "")])
    return {**os.environ, "PYTHONPATH": path, "LIMLFF_THREADS": "1", "OMP_NUM_THREADS": "1"}


def on_ranks(folder: Path, cases: dict[str, Case], ranks: int) -> dict[str, dict[str, np.ndarray]]:
    """Results of some cases by their names."""
    import json

    content = {name: asdict(case) for name, case in cases.items()}
    (folder / "cases.json").write_text(json.dumps(content))
    script = Path(__file__).with_name("rank_cases.py")
    command = [sys.executable, str(script), str(folder)]
    if ranks > 1:
        command = [str(Path(sys.executable).with_name("mpiexec")), "-n", str(ranks), *command]
    subprocess.run(command, check=True, env=environment(), timeout=300)
    with np.load(folder / f"results-{ranks}.npz") as stored:
        return {
            name: {key.split("/")[1]: stored[key] for key in stored if key.startswith(f"{name}/")}
            for name in cases
        }
