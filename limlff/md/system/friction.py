"""Which atoms the friction of a Langevin thermostat acts on."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from jaxtyping import Float

from limlff.errors import InputError
from limlff.md.config import Ensemble, Langevin
from limlff.md.system.selection import select_atoms

_SETTING = "ensemble.friction_on"


def friction_mask(
    atoms: Atoms, ensemble: Ensemble, mobile: Float[np.ndarray, " atoms"], name: str
) -> Float[np.ndarray, " atoms"]:
    """1 for atoms that are coupled to the bath, 0 for the others; all 1 if the settings name none.

    Args:
        atoms: The structure.
        ensemble: The equations of motion.
        mobile: 1 for atoms that move.
        name: The structure's name in messages.

    Raises:
        InputError: If a setting matches no atom, or none that moves.
    """
    if couples_new_atoms(ensemble):
        return np.ones(len(atoms))
    assert isinstance(ensemble, Langevin) and ensemble.friction_on is not None
    named = ensemble.friction_on
    mask = select_atoms(atoms, named.indices, named.below_z_angstrom, _SETTING, name)
    if not np.any(mask & (mobile > 0)):
        raise InputError(
            f"{name}: {_SETTING} names {int(mask.sum())} atoms, of which none moves; name some "
            "above the frozen ones, or leave it out"
        )
    return mask.astype(float)


def couples_new_atoms(ensemble: Ensemble) -> bool:
    """Whether atoms that arrive during a run are coupled to its bath: if all are."""
    return not isinstance(ensemble, Langevin) or ensemble.friction_on is None
