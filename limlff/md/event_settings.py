"""Settings of events: atoms that are added and removed during a run, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.quantities import (
    Coordinate,
    Count,
    Distance,
    PositiveTemperature,
    ShortDistance,
    Step,
    Steps,
)


class Schedule(StrictModel):
    """When an event happens: at exact steps, after what is written for that step.

    Attributes:
        every: Steps between two of its kind.
        first: First step; `every` if left out.
        last: Last step; the end of the run if left out.
    """

    every: Steps = Field(examples=[1000])
    first: Step | None = None
    last: Step | None = None

    @model_validator(mode="after")
    def _happens(self) -> Schedule:
        first = self.every if self.first is None else self.first
        if self.last is not None and self.last < first:
            raise ValueError(f"never happens: last is {self.last}, but the first is at {first}")
        return self

    def step_of(self, count: int) -> int | None:
        """Step of the event after `count` of them; None if there is none any more."""
        step = (self.every if self.first is None else self.first) + count * self.every
        return None if self.last is not None and step > self.last else step


class Deposit(Schedule):
    """One atom is added above the highest one, on its way down.

    Its place is uniform over the plane of the first two cell vectors. Its velocity is that of an
    atom that leaves a gas through an opening: lateral components from the Maxwell distribution,
    the one along -z weighted with the flux, p(v) ~ v exp(-m v^2 / 2kT).

    Attributes:
        kind: Name of the event.
        element: Chemical symbol.
        height_angstrom: Height over the highest atom (Å).
        min_distance_angstrom: Distance that is kept to all atoms and their images (Å).
        temperature_k: Temperature of the gas (K); the target of the step if left out.
    """

    kind: Literal["deposit"] = "deposit"
    element: str = Field(examples=["Li"])
    height_angstrom: Distance = 6.0
    min_distance_angstrom: ShortDistance = 2.0
    temperature_k: PositiveTemperature | None = None


class Remove(Schedule):
    """Atoms are taken out: all above a height, or some of an element at random. Never frozen ones.

    Attributes:
        kind: Name of the event.
        above_z_angstrom: Height (Å); unwrapped positions count.
        element: Chemical symbol.
        count: How many of the element; all of them if there are fewer.
    """

    kind: Literal["remove"] = "remove"
    above_z_angstrom: Coordinate | None = Field(default=None, examples=[60.0])
    element: str | None = None
    count: Count = 1

    @model_validator(mode="after")
    def _one_criterion(self) -> Remove:
        if (self.above_z_angstrom is None) == (self.element is None):
            raise ValueError("give either 'above_z_angstrom' or 'element'")
        return self


Event = Annotated[Deposit | Remove, Field(discriminator="kind")]
