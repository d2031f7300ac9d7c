"""Settings of where over a surface atoms arrive."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.quantities import Distance, Fraction

Extent = tuple[Fraction, Fraction]
PlanePoint = tuple[Fraction, Fraction]
"""Fractional coordinates along the first two cell vectors."""


class Uniform(StrictModel):
    """Everywhere alike over the plane of the first two cell vectors.

    Attributes:
        kind: Name of the distribution.
    """

    kind: Literal["uniform"] = "uniform"


class Rectangle(StrictModel):
    """A parallelogram with the sides of the cell.

    Attributes:
        first: Its lower and upper end along the first cell vector, in fractions of it.
        second: The same along the second one.
    """

    first: Extent = (0.25, 0.75)
    second: Extent = (0.25, 0.75)

    @model_validator(mode="after")
    def _has_an_area(self) -> Rectangle:
        for name in ("first", "second"):
            low, high = getattr(self, name)
            if high - low < 1e-6:
                raise ValueError(f"{name} goes from {low} to {high}; give the lower end first")
        return self


class Disc(StrictModel):
    """A round opening; what reaches over an edge of the cell comes in at the opposite one.

    Attributes:
        centre: Fractional coordinates of its centre in the plane.
        radius_angstrom: Radius (Å); at most half the distance of opposite edges of the cell.
    """

    centre: PlanePoint = (0.5, 0.5)
    radius_angstrom: Distance = 8.0


class Masked(StrictModel):
    """Everywhere alike within the opening of a mask, nowhere else: a rectangle or a disc.

    Attributes:
        kind: Name of the distribution.
        rectangle: Opening with the sides of the cell.
        disc: Round opening.
    """

    kind: Literal["masked"] = "masked"
    rectangle: Rectangle | None = None
    disc: Disc | None = None

    @model_validator(mode="after")
    def _one_opening(self) -> Masked:
        if (self.rectangle is None) == (self.disc is None):
            raise ValueError("give either 'rectangle' or 'disc'")
        return self


class Clustered(StrictModel):
    """Around a point, with a normal distribution that goes on over the edges of the cell.

    Attributes:
        kind: Name of the distribution.
        centre: Fractional coordinates of the point in the plane.
        width_angstrom: Standard deviation along each direction (Å).
    """

    kind: Literal["clustered"] = "clustered"
    centre: PlanePoint = (0.5, 0.5)
    width_angstrom: Distance = 5.0


Lateral = Annotated[Uniform | Masked | Clustered, Field(discriminator="kind")]
