"""Results of the structures that a calculator computed last.

ASE keeps the results of one structure. Where several share a calculator, such as the images of a
path, each would be computed again whenever another one was computed in between.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from ase import Atoms

MOST_STRUCTURES = 32
"""Largest number of structures whose results are kept."""

MOST_ATOMS = 1_000_000
"""Largest number of their atoms in total, some 100 MB; one structure is kept whatever its size."""


class Computed(NamedTuple):
    """Copy of a structure at the time of the calculation, and its results by name."""

    atoms: Atoms
    results: dict[str, Any]


class ResultCache:
    """Results for each `Atoms` object, kept no longer than the object itself."""

    def __init__(self) -> None:
        # by identity, since atoms have no hash; the one used last stands last
        self._entries: dict[int, tuple[weakref.ref[Atoms], Computed]] = {}

    def get(self, atoms: Atoms) -> Computed | None:
        """Last results of this object, which may have changed since; None if there are none."""
        entry = self._entries.pop(id(atoms), None)
        if entry is None or entry[0]() is not atoms:  # another object was at this address
            return None
        self._entries[id(atoms)] = entry
        return entry[1]

    def store(self, atoms: Atoms, computed: Computed) -> None:
        """Store results of an object, in place of older ones."""
        self._entries.pop(id(atoms), None)
        living = {key: entry for key, entry in self._entries.items() if entry[0]() is not None}
        living[id(atoms)] = (weakref.ref(atoms), computed)
        count = sum(len(known.atoms) for _, known in living.values())
        for key, (_, known) in list(living.items())[:-1]:
            if len(living) <= MOST_STRUCTURES and count <= MOST_ATOMS:
                break
            count -= len(known.atoms)
            del living[key]
        self._entries = living

    def clear(self) -> None:
        """Remove all results."""
        self._entries = {}
