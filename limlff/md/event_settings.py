"""Settings of events: atoms that are added and removed during a run, and when."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.md.lateral_settings import Lateral, Uniform
from limlff.quantities import (
    AtomsPerNanosecond,
    Coordinate,
    Count,
    CurrentDensity,
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


class RateValue(StrictModel):
    """How often single atoms come or go, in exactly one of three ways.

    Attributes:
        every: Steps between two atoms, on average if their arrivals are a Poisson process.
        atoms_per_ns: Atoms per nanosecond.
        current_density_ma_per_cm2: Current density, of one electron per atom through the area of
            the first two cell vectors at the start (mA/cm²).
    """

    every: Steps | None = Field(default=None, examples=[1000])
    atoms_per_ns: AtomsPerNanosecond | None = None
    current_density_ma_per_cm2: CurrentDensity | None = None

    @model_validator(mode="after")
    def _one_unit(self) -> RateValue:
        names = tuple(RateValue.model_fields)
        given = [name for name in names if getattr(self, name) is not None]
        if len(given) != 1:
            raise ValueError(
                f"give exactly one of {', '.join(names)}; given: {', '.join(given) or 'none'}"
            )
        return self


class Rate(RateValue):
    """How often single atoms come or go, after what is written for that step.

    The rate is given in exactly one of three ways.

    Attributes:
        arrivals: Equal times between two atoms (`fixed`), or exponentially distributed ones, as of
            independent atoms (`poisson`); rounded to steps.
        first: Step of the first atom, one interval from the start if left out; of `poisson` the
            step from which on atoms are waited for, 0 if left out.
        last: Last step; the end of the run if left out.
    """

    arrivals: Literal["fixed", "poisson"] = "fixed"
    first: Step | None = None
    last: Step | None = None

    @model_validator(mode="after")
    def _comes(self) -> Rate:
        first = self.first
        if first is None and self.arrivals == "fixed":
            first = self.every
        if first is not None and self.last is not None and self.last < first:
            raise ValueError(f"never happens: last is {self.last}, but the first is at {first}")
        return self


class Deposit(Rate):
    """One atom is added above the surface, on its way down.

    Its velocity is that of an atom that leaves a gas through an opening: lateral components from
    the Maxwell distribution, the one along -z weighted with the flux, p(v) ~ v exp(-m v^2 / 2kT).

    Attributes:
        kind: Name of the event.
        element: Chemical symbol.
        height_angstrom: Height over the highest atom that has three neighbors within 4.5 Å, as an
            atom in flight has not (Å).
        min_distance_angstrom: Distance that is kept to all atoms and their images (Å).
        temperature_k: Temperature of the gas (K); the target of the step if left out.
        lateral: Where over the surface.
    """

    kind: Literal["deposit"] = "deposit"
    element: str = Field(examples=["Li"])
    height_angstrom: Distance = 6.0
    min_distance_angstrom: ShortDistance = 2.0
    temperature_k: PositiveTemperature | None = None
    lateral: Lateral = Uniform()


class Strip(Rate):
    """One atom of an element is taken from the top, never a frozen one.

    Once there is none any more, or only two atoms would be left that move, nothing happens and the
    run goes on.

    `least_bound` takes the atom with the fewest neighbors of any element within a distance, and the
    highest of those with equally few: an atom in flight before an adatom, that before an edge.

    Attributes:
        kind: Name of the event.
        element: Chemical symbol.
        choice: The `highest` atom, or the `least_bound` one.
        neighbor_distance_angstrom: Distance up to which neighbors count for `least_bound` (Å); the
            default lies between the second and third shell of bcc lithium.
    """

    kind: Literal["strip"] = "strip"
    element: str = Field(examples=["Li"])
    choice: Literal["highest", "least_bound"] = "highest"
    neighbor_distance_angstrom: ShortDistance = 4.2


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


Event = Annotated[Deposit | Strip | Remove, Field(discriminator="kind")]
