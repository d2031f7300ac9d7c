"""Weights of energies, forces and stresses in the loss, and how they change over a training."""

from __future__ import annotations

import math
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, GetJsonSchemaHandler, model_validator

from limlff.config import StrictModel
from limlff.quantities import NonNegative, Positive

_NO_WEIGHT = 1e-12


class ScheduledWeight(StrictModel):
    """A weight that changes over the training; a plain number in YAML stays as it is.

    Attributes:
        start: Value at the beginning.
        end: Value at the end; the same as `start` if not given.
        switch_at: Fraction of the training at which `start` becomes `end` at once; without it the
            weight goes from one to the other exponentially.
    """

    start: NonNegative
    end: NonNegative | None = None
    switch_at: Annotated[float, Field(gt=0, lt=1)] | None = None

    @property
    def final(self) -> float:
        """Value at the end of the training."""
        return self.start if self.end is None else self.end

    @model_validator(mode="after")
    def _no_exponential_from_zero(self) -> ScheduledWeight:
        if self.switch_at is None and self.start != self.final and min(self.start, self.final) == 0:
            raise ValueError("a weight cannot go to or from 0 exponentially; give switch_at")
        return self

    def at(self, progress: float) -> float:
        """Value at a fraction of the training between 0 and 1."""
        if self.switch_at is not None:
            return self.start if progress < self.switch_at else self.final
        if self.start == self.final:
            return self.start
        return self.start * math.exp(progress * math.log(self.final / self.start))


def _number_as_schedule(value: Any) -> Any:
    return value if isinstance(value, dict | ScheduledWeight) else {"start": value}


class _NumberOrSection:
    """What schemas see of a weight."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"anyOf": [{"type": "number", "minimum": 0}, handler(core_schema)]}


Schedule = Annotated[ScheduledWeight, BeforeValidator(_number_as_schedule), _NumberOrSection()]


class LossSettings(StrictModel):
    """Weights of energies, forces and stresses; see `limlff.training.loss` for the formula.

    Attributes:
        energy: Weight of the energies.
        force: Weight of the forces.
        stress: Weight of the stresses.
        huber: Residual, in units of its scale, beyond which the loss grows linearly; null for
            squares.
    """

    energy: Schedule = ScheduledWeight(start=0.1, end=1.0)
    force: Schedule = ScheduledWeight(start=1.0)
    stress: Schedule = ScheduledWeight(start=0.1)
    huber: Positive | None = 3.0

    @model_validator(mode="after")
    def _something_is_trained_on(self) -> LossSettings:
        if max(max(w.start, w.final) for w in (self.energy, self.force, self.stress)) < _NO_WEIGHT:
            raise ValueError("energy, force and stress are all 0; give one of them a weight")
        return self
