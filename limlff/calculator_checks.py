"""What the calculator refuses: skins without sense, and atoms that touch."""

from __future__ import annotations

from numbers import Real

import jax
import numpy as np
from ase import Atoms
from jaxtyping import Float

from limlff.errors import InputError, shown
from limlff.neighbors.matrix import NeighborMatrix, closest_neighbors
from limlff.quantities import SHORTEST_DISTANCE

LARGEST_SKIN = 5.0
"""Beyond, lists hold many times the pairs of the potential (Å)."""


def checked_skin(skin: float) -> float:
    """The skin as a float, from any numeric type.

    Raises:
        InputError: If it is no number from 0 to 5 Å.
    """
    is_number = isinstance(skin, Real) and not isinstance(skin, bool | np.bool_)
    if not (is_number and 0 <= skin <= LARGEST_SKIN):
        raise InputError(
            f"skin is {shown(repr(skin))}; it must be a number from 0 to {LARGEST_SKIN:g} Å. "
            "Usual are 0.3 to 1 Å"
        )
    return float(skin)


def stay_apart(
    atoms: Atoms,
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    neighbors: NeighborMatrix,
    skin: float,
) -> bool:
    """Whether no atoms can touch as long as a neighbor list is complete, so that one look suffices.

    Until then no distance differs by more than the skin from what it was when the list was built.

    Args:
        atoms: The structure.
        positions: Its padded positions (Å).
        cell: Cell vectors as rows (Å).
        neighbors: The list.
        skin: How much farther than the cutoff neighbors are listed (Å).

    Raises:
        InputError: If atoms are closer than 0.5 Å.
    """
    closest = closest_neighbors(positions, cell, neighbors)
    distance, first, second = jax.device_get(closest)
    if distance < SHORTEST_DISTANCE:
        partner = "its own image" if first == second else f"{atoms.symbols[second]} {second}"
        raise InputError(
            f"{atoms.symbols[first]} {first} and {partner} are {distance:.2f} Å apart; the "
            f"shortest distance allowed is {SHORTEST_DISTANCE} Å. Remove one or correct the cell"
        )
    return bool(distance >= SHORTEST_DISTANCE + 2 * skin)
