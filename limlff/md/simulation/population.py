"""The atoms between two steps, while events act on them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.md.system.structure import Structure


class EventImpossible(Exception):
    """An event cannot happen in this state; the message says why and what to do."""


@dataclass(frozen=True)
class Population:
    """Atoms and their state while events act on them, not padded.

    Attributes:
        structure: What the atoms are.
        positions: Unwrapped positions (Å).
        momenta: Momenta.
        cell: Cell vectors as rows (Å).
        kept: Indices, before the events, of the atoms that are left of those of that time; they
            come first.
    """

    structure: Structure
    positions: Float[np.ndarray, "atoms 3"]
    momenta: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    kept: Int[np.ndarray, " kept"]

    def without(self, leaving: Bool[np.ndarray, " atoms"]) -> Population:
        """The population that is left when some atoms leave."""
        staying, old = ~leaving, self.structure
        structure = Structure(
            numbers=old.numbers[staying],
            masses=old.masses[staying],
            mobile=old.mobile[staying],
            coupled=old.coupled[staying],
            periodic=old.periodic,
        )
        return Population(
            structure,
            self.positions[staying],
            self.momenta[staying],
            self.cell,
            self.kept[staying[: len(self.kept)]],
        )
