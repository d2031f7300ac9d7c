"""A guard's verdict on a state."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float

from limlff.md.config import MDConfig
from limlff.md.system.state import MDState
from limlff.md.system.structure import Structure


@dataclass(frozen=True)
class Violation:
    """Why a state cannot be accepted.

    Attributes:
        guard: The setting whose limit is violated, such as `max_grade` of `guards`; without a
            setting `finite`, `neighbor_search` or `event`.
        sentence: What, its value, the limit, and what to do.
        atoms: Indices of the atoms that it is about, the worst first.
        value: The worst value, in the unit of the setting; None if it is no number.
        limit: What the value is compared with, in the same unit.
    """

    guard: str
    sentence: str
    atoms: tuple[int, ...] = ()
    value: float | None = None
    limit: float | None = None


@dataclass(frozen=True)
class Snapshot:
    """A state that the loop has reached, and what is needed to judge it.

    Attributes:
        state: The state (NumPy arrays).
        structure: Its atoms.
        config: The run.
        conserved: Conserved quantity (eV).
        conserved_before: The same of the last accepted state (eV); nan if there is none.
    """

    state: MDState
    structure: Structure
    config: MDConfig
    conserved: float
    conserved_before: float

    @cached_property
    def velocities(self) -> Float[np.ndarray, "atoms 3"]:
        """Velocities (Å / internal unit of time)."""
        momenta = np.asarray(self.state.momenta)[: len(self.structure)]
        return momenta / self.structure.masses[:, None]

    def name(self, atom: int) -> str:
        """Element and index."""
        return f"{chemical_symbols[self.structure.numbers[atom]]} {atom}"
