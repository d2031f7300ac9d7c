"""Labels by a universal potential of frames that are there already.

    python teach.py nequix-omat-1.nqx dilute.extxyz labelled.extxyz

Needs `pip install nequix`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.io import iread, write
from sample import Teacher


def labelled(frame: Atoms, teacher: Teacher) -> Atoms:
    """The frame with the teacher's energy, forces and stress."""
    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    atoms.calc = teacher
    found = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    found.arrays["forces"] = np.round(atoms.get_forces(), 5)
    found.info = {
        **frame.info,
        "energy": round(atoms.get_potential_energy(), 6),
        "stress": atoms.get_stress(voigt=False),
    }
    return found


def main() -> None:
    """Label and write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("frames", type=Path)
    parser.add_argument("out", type=Path)
    arguments = parser.parse_args()
    teacher = Teacher(model_path=str(arguments.model), backend="jax", use_kernel=False)
    arguments.out.unlink(missing_ok=True)
    for frame in iread(arguments.frames, ":"):
        write(arguments.out, labelled(frame, teacher), append=True)


if __name__ == "__main__":
    main()
