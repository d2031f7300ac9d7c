"""Results of the structures that a calculator was asked about last.

ASE keeps those of one structure. Where several share a calculator, as the images of a path, each
would be computed again whenever another was asked about in between, be it only for its energy.
"""

from __future__ import annotations

import weakref
from typing import Any, NamedTuple

from ase import Atoms

MOST_STRUCTURES = 32
"""Structures whose results are kept at most."""

MOST_ATOMS = 1_000_000
"""Atoms of all of them together at most, some 100 MB; one structure is kept whatever its size."""


class Computed(NamedTuple):
    """A structure as it was computed, and its results by name."""

    atoms: Atoms
    results: dict[str, Any]


class Remembered:
    """Results by the `Atoms` object that they belong to, as long as this lives."""

    def __init__(self) -> None:
        # by identity, since atoms have no hash; the one used last stands last
        self._entries: dict[int, tuple[weakref.ref[Atoms], Computed]] = {}

    def recall(self, atoms: Atoms) -> Computed | None:
        """What was computed last for this object, which may have changed since."""
        entry = self._entries.pop(id(atoms), None)
        if entry is None or entry[0]() is not atoms:  # another object was at this address
            return None
        self._entries[id(atoms)] = entry
        return entry[1]

    def keep(self, atoms: Atoms, computed: Computed) -> None:
        """Remember results of an object, in place of older ones."""
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

    def forget(self) -> None:
        """Forget everything."""
        self._entries = {}
