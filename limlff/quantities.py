"""Types of numbers in configurations, each with the limits beyond which it makes no sense.

The limits are generous: they keep out what overflows, never ends or fills all memory, and typing
errors in the exponent; whether a run is any good within them is for its guards to say.
"""

from __future__ import annotations

import difflib
from typing import Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, BeforeValidator, Discriminator, Field, Tag

from limlff.errors import shown

LARGEST_LENGTH = 1e6
"""Largest coordinate and cell vector (Å); beyond, double precision loses forces."""

SHORTEST_DISTANCE = 0.5
"""Atoms, and opposite faces of a periodic cell, closer than this are a mistake, not physics (Å)."""


def _no_truth_value(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError(f"must be a number, not {str(value).lower()}")
    return value


def check_symbol(symbol: str) -> str:
    """The symbol, if it is one of an element.

    Raises:
        ValueError: If it is none; says which was meant.
    """
    from ase.data import chemical_symbols  # takes a while to import

    known = chemical_symbols[1:]
    if symbol in known:
        return symbol
    close = difflib.get_close_matches(symbol.capitalize(), known, n=1)
    hint = f"; did you mean '{close[0]}'?" if close else ""
    raise ValueError(f"is {shown(symbol)!r}, which is no element{hint}")


is_number = BeforeValidator(_no_truth_value)
"""Stands after the limits of a number, Annotated[int, Field(ge=2), is_number], for schemas."""

Number = Annotated[float, is_number]
Positive = Annotated[float, Field(gt=0, le=1e12), is_number]
NonNegative = Annotated[float, Field(ge=0, le=1e12), is_number]
Fraction = Annotated[float, Field(ge=0, le=1), is_number]
Count = Annotated[int, Field(ge=1, le=10**9), is_number]
Index = Annotated[int, Field(ge=0, le=10**9), is_number]
Steps = Annotated[int, Field(ge=1, le=10**12), is_number]
"""2 ms of lithium; a counter of 64 bits holds a million times more."""
Step = Annotated[int, Field(ge=0, le=10**12), is_number]
Seed = Annotated[int, Field(ge=0, lt=2**63), is_number]

Timestep = Annotated[float, Field(ge=1e-4, le=100.0), is_number]
"""In fs; the fastest vibrations of lithium take 100 fs."""
RelaxationTime = Annotated[float, Field(ge=1e-2, le=1e9), is_number]
"""In fs."""
Picoseconds = Annotated[float, Field(ge=1e-6, le=1e9), is_number]
PicosecondsOrNone = Annotated[float, Field(ge=0, le=1e9), is_number]
Friction = Annotated[float, Field(ge=1e-9, le=1e6), is_number]
"""In 1/ps."""
AtomsPerNanosecond = Annotated[float, Field(ge=1e-9, le=1e9), is_number]
"""The most is one for each fs."""
CurrentDensity = Annotated[float, Field(ge=1e-6, le=1e15), is_number]
"""In mA/cm²; batteries have 1 to 10, one atom per ps on 50 x 50 Å is 6e8."""
Minutes = Annotated[float, Field(gt=0, le=1e8), is_number]

Temperature = Annotated[float, Field(ge=0, le=1e5), is_number]
"""In K."""
PositiveTemperature = Annotated[float, Field(ge=1e-3, le=1e5), is_number]
Pressure = Annotated[float, Field(ge=-1e4, le=1e4), is_number]
"""In GPa; the centre of the Earth has 360."""
Compressibility = Annotated[float, Field(ge=1e-6, le=1e3), is_number]
"""In 1/GPa."""

Coordinate = Annotated[float, Field(ge=-LARGEST_LENGTH, le=LARGEST_LENGTH), is_number]
"""In Å."""
ShortDistance = Annotated[float, Field(ge=0, le=10.0), is_number]
"""Distance of neighbors (Å): all pairs that are closer are looked for."""
Distance = Annotated[float, Field(ge=1e-3, le=1000.0), is_number]
"""In Å."""
Skin = Annotated[float, Field(ge=1e-3, le=5.0), is_number]
"""In Å; lists with a skin of 5 Å hold seven times the pairs of a potential of 5 Å."""

Symbol = Annotated[str, AfterValidator(check_symbol)]
"""Chemical symbol of an element."""


def _constant_or_ramp(value: Any) -> str:
    return "ramp" if isinstance(value, list | tuple) else "constant"


def _shape(value: Any) -> str:
    return "axes" if isinstance(value, dict | BaseModel) else _constant_or_ramp(value)


TemperatureSchedule = Annotated[
    Annotated[Temperature, Tag("constant")]
    | Annotated[tuple[Temperature, Temperature], Tag("ramp")],
    Discriminator(_constant_or_ramp),
]
"""A constant, or the values at the first and the last step with a straight line between."""

PressureSchedule = Annotated[
    Annotated[Pressure, Tag("constant")] | Annotated[tuple[Pressure, Pressure], Tag("ramp")],
    Discriminator(_constant_or_ramp),
]
"""The same for pressures, which may be negative."""

Axes = TypeVar("Axes")
PressureTarget = Annotated[
    Annotated[Pressure, Tag("constant")]
    | Annotated[tuple[Pressure, Pressure], Tag("ramp")]
    | Annotated[Axes, Tag("axes")],
    Discriminator(_shape),
]
"""The same, or a mapping of one for each Cartesian axis."""
