"""The highest uncertainty of a run: when, and of which atom, its surroundings were strangest."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float, Int

from limlff.md.guards.stop import finite_or_none

_KINDS = ("grade", "force_spread_ev_per_angstrom")
"""What the rows of the arrays are of."""


@dataclass(frozen=True)
class HighestUncertainty:
    """The highest grade and the highest force spread of all assessments with one potential.

    Attributes:
        since: Step of the first assessment; -1 before there is one.
        values: Highest grade, highest force spread (eV/Å); infinite where it was no finite number.
        places: Of each the step, the index that the atom had at that step, and its atomic number.
    """

    since: int = -1
    values: Float[np.ndarray, "2"] = field(default_factory=lambda: np.zeros(2))
    places: Int[np.ndarray, "2 3"] = field(default_factory=lambda: np.zeros((2, 3), np.int64))

    def with_assessment(
        self,
        step: int,
        grade: Float[np.ndarray, " real"],
        spread: Float[np.ndarray, " real"],
        numbers: Int[np.ndarray, " real"],
    ) -> HighestUncertainty:
        """The same with one assessment more; of equal values the first stays.

        Args:
            step: Step of the state.
            grade: Extrapolation grade of each atom.
            spread: Spread of the force on it (eV/Å).
            numbers: Atomic numbers.
        """
        values, places = self.values.copy(), self.places.copy()
        for row, found in enumerate((grade, spread)):
            known = np.where(np.isfinite(found), found, np.inf)
            atom = int(np.argmax(known))
            if self.since < 0 or known[atom] > values[row]:
                values[row], places[row] = known[atom], (step, atom, numbers[atom])
        return HighestUncertainty(step if self.since < 0 else self.since, values, places)

    def as_json(self) -> dict[str, Any]:
        """Entries of the summary; none before the first assessment, null for an infinite value."""
        if self.since < 0:
            return {}
        rows = zip(_KINDS, self.values.tolist(), self.places.tolist(), strict=True)
        highest = {
            kind: {
                "value": finite_or_none(value),
                "step": step,
                "atom": atom,
                "element": chemical_symbols[number],
            }
            for kind, value, (step, atom, number) in rows
        }
        return {"highest_uncertainty": {"assessed_since_step": self.since, **highest}}
