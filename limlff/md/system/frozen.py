"""Which atoms a run holds: those that the settings name, and those that the structure fixes."""

from __future__ import annotations

import logging

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms, FixCartesian, FixScaled
from jaxtyping import Bool, Float

from limlff.errors import InputError, shown
from limlff.md.config import Frozen
from limlff.md.system.selection import select_atoms

_LOG = logging.getLogger(__name__)

_WAYS_OUT = (
    "hold whole atoms with 'frozen', or let all of them move with frozen: {from_structure: false}"
)


def frozen_mask(atoms: Atoms, frozen: Frozen, name: str) -> Float[np.ndarray, " atoms"]:
    """1 for atoms that are held, 0 for those that move.

    Args:
        atoms: The structure, with its constraints.
        frozen: What the settings name.
        name: The structure's name in messages.

    Raises:
        InputError: If a setting matches no atom, or a constraint of the structure cannot be kept.
    """
    mask = _named(atoms, frozen, name)
    if frozen.from_structure:
        held = _held_by_structure(atoms, name)
        if held.any():
            _LOG.warning(
                "%s: holds %d of %d atoms fixed; they stay where they are",
                name,
                held.sum(),
                len(atoms),
            )
        mask |= held
    return mask.astype(float)


def _named(atoms: Atoms, frozen: Frozen, name: str) -> Bool[np.ndarray, " atoms"]:
    mask = select_atoms(atoms, frozen.indices, frozen.below_z_angstrom, "frozen", name)
    symbols = np.array(atoms.get_chemical_symbols())
    for element in frozen.elements:
        if element not in symbols:
            raise InputError(
                f"{name}: frozen.elements names {element}, but the atoms are "
                f"{', '.join(sorted(set(symbols)))}; correct it or leave it out"
            )
        mask[symbols == element] = True
    return mask


def _held_by_structure(atoms: Atoms, name: str) -> Bool[np.ndarray, " atoms"]:
    """Atoms that ASE's constraints hold in all three directions."""
    held = np.zeros(len(atoms), bool)
    for constraint in atoms.constraints:
        if not isinstance(constraint, FixAtoms | FixCartesian | FixScaled):
            raise InputError(
                f"{name}: has the constraint {shown(type(constraint).__name__)}, which molecular "
                f"dynamics does not keep; {_WAYS_OUT}"
            )
        directions = np.asarray(getattr(constraint, "mask", True))
        index = np.atleast_1d(constraint.index)
        if not len(index) or not directions.any():
            continue
        if not directions.all():
            raise InputError(
                f"{name}: atom {index[0]} is held fixed in some directions and not in others, "
                f"which molecular dynamics does not keep; {_WAYS_OUT}"
            )
        if index.min() < -len(atoms) or index.max() >= len(atoms):
            raise InputError(f"{name}: holds an atom fixed that it does not have; correct the file")
        held[index] = True
    return held
