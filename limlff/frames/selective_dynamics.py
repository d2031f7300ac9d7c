"""Selective dynamics of a POSCAR: which atoms are fixed, and in which directions.

VASP reads the flags as Fortran does, where F, f, .FALSE. and false are the same. ASE's reader knows
only F, and takes all others for atoms that move.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixScaled
from jaxtyping import Bool

from limlff.errors import InputError, shown
from limlff.frames.opening import open_text

_FLAG = re.compile(r"\.?([tf])\w*\.?", re.IGNORECASE)
_HEAD = 6
"""Lines before the counts of atoms, or before selective dynamics where symbols are left out."""


def fix_atoms_as_poscar(atoms: Atoms, path: Path) -> None:
    """Set the constraints that a POSCAR asks for.

    Args:
        atoms: The structure as ASE read it, in the order of the file.
        path: The file, not compressed.

    Raises:
        InputError: If a flag is neither true nor false.
    """
    fixed = _fixed_directions(path, len(atoms))
    if fixed is None:
        return
    whole = fixed.all(axis=1)
    partly = np.flatnonzero(fixed.any(axis=1) & ~whole)
    constraints: list[FixAtoms | FixScaled] = [
        FixScaled(int(index), mask=fixed[index]) for index in partly
    ]
    if whole.any():
        constraints.append(FixAtoms(np.flatnonzero(whole)))
    atoms.set_constraint(constraints)


def _fixed_directions(path: Path, count: int) -> Bool[np.ndarray, "atoms 3"] | None:
    """Directions in which atoms are fixed; None without selective dynamics."""
    with open_text(path) as file:
        lines = file.read().splitlines()
    begin = next(
        (n for n in (_HEAD, _HEAD + 1) if lines[n : n + 1] and lines[n].lstrip()[:1] in ("s", "S")),
        None,
    )
    if begin is None:
        return None
    flags = [line.split()[3:6] for line in lines[begin + 2 : begin + 2 + count]]
    fixed = np.zeros((count, 3), bool)
    for atom, words in enumerate(flags):
        for axis, word in enumerate(words):
            found = _FLAG.fullmatch(word)
            if found is None:
                raise InputError(
                    f"{shown(path.name)}: atom {atom} has the flag {shown(word, 20)} of selective "
                    "dynamics; write T or F"
                )
            fixed[atom, axis] = found[1].lower() == "f"
    return fixed
