"""Potential: model, parameters and baseline. It is evaluated by `limlff.prediction`."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from limlff.errors import InputError
from limlff.models.contract import Model, Parameters


@dataclass(frozen=True)
class Potential:
    """A model with its parameters.

    Attributes:
        model: Architecture and settings, hashable.
        parameters: Arrays of the model (float64 at rest).
        baseline: Energy per atom of each element that is added to the model's (eV).
        card: What is known of it: training summary, data, licence; values JSON can hold.
    """

    model: Model
    parameters: Parameters
    baseline: Float[np.ndarray, " elements"]
    card: dict[str, Any] = field(default_factory=dict)

    @property
    def elements(self) -> tuple[str, ...]:
        """Chemical symbols that it knows."""
        return self.model.elements

    @property
    def cutoff(self) -> float:
        """Distance beyond which atoms do not see each other (Å)."""
        return self.model.cutoff

    def species_of(
        self, symbols: list[str], holder: str = "the structure"
    ) -> Int[np.ndarray, " atoms"]:
        """Index of each symbol in `elements`.

        Args:
            symbols: Chemical symbols of atoms.
            holder: Where these are, for the message.

        Raises:
            InputError: If an element is not known to the potential.
        """
        index = {symbol: i for i, symbol in enumerate(self.elements)}
        unknown = sorted(set(symbols) - set(index))
        if unknown:
            raise InputError(
                f"{holder} holds {', '.join(unknown)}, but this potential knows only "
                f"{', '.join(self.elements)}; use a potential trained on {', '.join(unknown)}"
            )
        return np.array([index[symbol] for symbol in symbols], dtype=np.int32)
