"""Strained crystals of lithium, for what small differences of energies decide.

    python crystals.py strained.extxyz
    python label.py strained.extxyz crystals.extxyz --spacing 0.07

Elastic constants of lithium are differences of 1 GPa between numbers of 15, and its fcc and bcc
phases differ by a meV/atom: frames of hot cells do not tell. The crystal at several volumes, with
tetragonal strain at constant volume (C11 - C12), with shear (C44), and on the way between bcc and
fcc (Bain path). Cells of 2 atoms with k-points of a fifth of the distance of the other frames,
hence a set of its own with its own zero of energy: at 0.15 1/Å energies against strain still jump
by 0.4 meV/atom. Copper, whose constants are ten times as large, does not need it.
"""

from __future__ import annotations

import sys

import numpy as np
from ase import Atoms
from ase.io import write

CONSTANT = 3.438  # of bcc lithium, PBE (Å)
FCC = float(np.sqrt(2))  # ratio of the axes of the body-centred cell; 1 is bcc
VOLUMES = (-0.05, -0.03, -0.015, 0.0, 0.015, 0.03, 0.05)  # linear strains
TETRAGONAL = (-0.04, -0.02, -0.01, 0.01, 0.02, 0.04)
SHEARS = (0.01, 0.02, 0.04)
BAIN = (0.85, 0.93, 1.1, 1.2, 1.3, 1.48)


def cell_of(ratio: float, scale: float = 1.0) -> Atoms:
    """Body-centred tetragonal cell of two atoms with the volume of the crystal at rest.

    Args:
        ratio: Ratio of the axes.
        scale: Factor on all lengths.
    """
    side = scale * CONSTANT * ratio ** (-1 / 3)
    middle = [side / 2, side / 2, ratio * side / 2]
    return Atoms("Li2", [[0, 0, 0], middle], cell=[side, side, ratio * side], pbc=True)


def sheared(first: int, second: int, shear: float) -> Atoms:
    """The crystal with a shear in the plane of two axes."""
    deformation = np.eye(3)
    deformation[first, second] = deformation[second, first] = shear
    atoms = cell_of(1.0)
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    return atoms


def crystals() -> list[Atoms]:
    """All cells."""
    found = [("volume", cell_of(1.0, 1 + strain)) for strain in VOLUMES]
    found += [("fcc", cell_of(FCC, 1 + strain)) for strain in VOLUMES[1:-1]]
    for scale in (1.0, 1.015):
        found += [("tetragonal", cell_of((1 + e) ** 1.5, scale)) for e in TETRAGONAL]
    found += [("shear", sheared(*axes, shear)) for shear in SHEARS for axes in ((0, 1), (0, 2))]
    found += [("bain", cell_of(ratio)) for ratio in BAIN]
    for kind, atoms in found:
        atoms.info["config_type"] = f"crystal_Li_{kind}"
    return [atoms for _, atoms in found]


if __name__ == "__main__":
    write(sys.argv[1], crystals(), format="extxyz")
