"""Atoms that settings name at the start of a run, by index or by height."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from ase import Atoms
from jaxtyping import Bool

from limlff.errors import InputError


def select_atoms(
    atoms: Atoms, indices: Sequence[int], below_z: float | None, setting: str, name: str
) -> Bool[np.ndarray, " atoms"]:
    """Atoms with one of some indices, or below a height.

    Args:
        atoms: The structure.
        indices: Indices, from 0.
        below_z: Height (Å); None selects none by it.
        setting: Dotted name of the section that names them, for messages.
        name: The structure's name in messages.

    Raises:
        InputError: If an index does not exist, or no atom is below the height.
    """
    mask = np.zeros(len(atoms), bool)
    outside = [index for index in indices if index >= len(atoms)]
    if outside:
        raise InputError(
            f"{name}: {setting} index {outside[0]} does not exist; the last one is {len(atoms) - 1}"
        )
    mask[list(indices)] = True
    if below_z is not None:
        below = atoms.positions[:, 2] < below_z
        if not below.any():
            raise InputError(
                f"{name}: {setting}.below_z_angstrom is {below_z:g} Å, but the lowest "
                f"atom is at {atoms.positions[:, 2].min():.2f} Å; it names no atom"
            )
        mask |= below
    return mask
