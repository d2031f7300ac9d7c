"""Which atoms events take out.

What is least bound is decided by counting neighbors and not by the energies that a potential gives
to atoms: it is trained on their sum alone and shares it among atoms as it likes, between elements
in particular. How many neighbors an atom has tells adatoms, edges, terraces and the inside apart.
"""

from __future__ import annotations

import numpy as np
from ase.data import atomic_numbers
from jaxtyping import Bool, Int

from limlff.md.event_settings import Remove, Strip
from limlff.md.simulation.population import EventImpossible, Population
from limlff.neighbors.pairs import find_pairs

_FEWEST_MOVING = 2
"""Atoms that move and are left by every event."""


def remove(event: Remove, atoms: Population, rng: np.random.Generator) -> Population:
    """The population without the atoms above a height, or without some of an element.

    Raises:
        EventImpossible: If fewer than two that move would be left.
    """
    moving = atoms.structure.mobile > 0
    if event.element is None:
        leaving = moving & (atoms.positions[:, 2] > event.above_z_angstrom)
    else:
        chosen = rng.permutation(_moving_of(event.element, atoms))[: event.count]
        leaving = _mask(chosen, len(moving))
    if leaving.any() and (moving & ~leaving).sum() < _FEWEST_MOVING:
        raise EventImpossible(
            f"removing {int(leaving.sum())} atoms would leave fewer than two that move; let the "
            "event end earlier with 'last'"
        )
    return atoms.without(leaving)


def strip(event: Strip, atoms: Population) -> Population:
    """The population without the highest or the least bound atom of an element, if there is one.

    Raises:
        InputError: If the atoms lie so that their neighbors cannot be counted.
    """
    candidates = _moving_of(event.element, atoms)
    moving = int((atoms.structure.mobile > 0).sum())
    if not len(candidates) or moving <= _FEWEST_MOVING:
        return atoms
    heights = atoms.positions[candidates, 2]
    if event.choice == "highest":
        leaving = candidates[np.argmax(heights)]
    else:
        neighbors = _neighbor_counts(atoms, event.neighbor_distance_angstrom)[candidates]
        leaving = candidates[np.lexsort((-heights, neighbors))[0]]
    return atoms.without(_mask(leaving, len(atoms.structure)))


def _moving_of(element: str, atoms: Population) -> Int[np.ndarray, " found"]:
    """Indices of the atoms of an element that move."""
    structure = atoms.structure
    return np.flatnonzero((structure.mobile > 0) & (structure.numbers == atomic_numbers[element]))


def _neighbor_counts(atoms: Population, distance: float) -> Int[np.ndarray, " atoms"]:
    pairs = find_pairs(atoms.positions, atoms.cell, atoms.structure.periodic, distance)
    return np.bincount(pairs.centres, minlength=len(atoms.structure))


def _mask(indices: np.ndarray | np.integer, count: int) -> Bool[np.ndarray, " atoms"]:
    mask = np.zeros(count, bool)
    mask[indices] = True
    return mask
