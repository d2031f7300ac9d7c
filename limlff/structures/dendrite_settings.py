"""Settings of dendrites on a slab, for studies, and the atoms that they make."""

from __future__ import annotations

from typing import Annotated, Literal

import numpy as np
from ase import Atoms
from pydantic import BeforeValidator, Field, field_validator, model_validator

from limlff.config import StrictModel
from limlff.quantities import (
    Count,
    Distance,
    Index,
    NonNegative,
    Number,
    ShortDistance,
    Symbol,
    is_number,
)
from limlff.structures import dendrite as dendrites
from limlff.structures.grain import bcc_slab, orientation
from limlff.structures.lattice import LITHIUM_LATTICE_CONSTANT
from limlff.structures.settings import LatticeConstant, Slab, as_text, build_slab
from limlff.structures.shapes import HemisphereShape, MushroomShape, NeedleShape, Shape

Angle = Annotated[float, Field(ge=-360, le=360), is_number]
Facet = Annotated[Literal["100", "110", "111"], BeforeValidator(as_text)]


class Hemisphere(StrictModel):
    """Half a sphere.

    Attributes:
        kind: Name of the shape.
        radius_angstrom: Its radius (Å).
    """

    kind: Literal["hemisphere"] = "hemisphere"
    radius_angstrom: Distance = 25.0

    def shape(self) -> Shape:
        """The body."""
        return HemisphereShape(self.radius_angstrom)


class Needle(StrictModel):
    """A cylinder with a round tip.

    Attributes:
        kind: Name of the shape.
        radius_angstrom: Radius of the cylinder and of the tip (Å).
        height_angstrom: Height with the tip (Å).
    """

    kind: Literal["needle"] = "needle"
    radius_angstrom: Distance = 12.0
    height_angstrom: Distance = 40.0

    @model_validator(mode="after")
    def _is_longer_than_its_tip(self) -> Needle:
        if self.height_angstrom < self.radius_angstrom:
            raise ValueError(
                f"height_angstrom is {self.height_angstrom:g}, less than the radius of the tip, "
                f"{self.radius_angstrom:g}; make it higher, or take a hemisphere"
            )
        return self

    def shape(self) -> Shape:
        """The body."""
        return NeedleShape(self.radius_angstrom, self.height_angstrom)


class Mushroom(StrictModel):
    """A stem with half a sphere on it that overhangs.

    Attributes:
        kind: Name of the shape.
        stem_radius_angstrom: Radius of the stem (Å).
        stem_height_angstrom: Its height (Å).
        cap_radius_angstrom: Radius of the half sphere (Å).
    """

    kind: Literal["mushroom"] = "mushroom"
    stem_radius_angstrom: Distance = 10.0
    stem_height_angstrom: Distance = 15.0
    cap_radius_angstrom: Distance = 20.0

    def shape(self) -> Shape:
        """The body."""
        return MushroomShape(
            self.stem_radius_angstrom, self.stem_height_angstrom, self.cap_radius_angstrom
        )


DendriteShape = Annotated[Hemisphere | Needle | Mushroom, Field(discriminator="kind")]


class Grain(StrictModel):
    """How a crystal is turned: a facet normal to z, and then a turn about an axis.

    Attributes:
        facet: Facet that is normal to z, "100", "110" or "111".
        angle_degrees: Angle of the turn (degrees).
        axis: Its axis in the cell, of any length.
    """

    facet: Facet = "100"
    angle_degrees: Angle = 0.0
    axis: tuple[Number, Number, Number] = (0.0, 0.0, 1.0)

    @field_validator("axis")
    @classmethod
    def _has_a_direction(cls, axis: tuple[float, float, float]) -> tuple[float, float, float]:
        if not any(axis):
            raise ValueError("is [0, 0, 0]; give a direction, such as [0, 0, 1]")
        return axis

    def rotation(self) -> np.ndarray:
        """Rotation from the crystal to the cell."""
        return orientation(self.facet, self.angle_degrees, self.axis)


class BccSlab(StrictModel):
    """A slab of the metal of the dendrites in an orthogonal cell.

    Attributes:
        facet: Orientation of the surface, "100", "110" or "111".
        size: Rectangular cells along x and y: a by a on (100), a by a√2 on (110), a√2 by a√6 on
            (111).
        layers: Planes of atoms.
        fixed_layers: Deepest planes that are held.
    """

    facet: Facet = "100"
    size: tuple[Count, Count] = (20, 20)
    layers: Count = 8
    fixed_layers: Index = 0


class Dendrites(StrictModel):
    """Dendrites on a slab.

    Attributes:
        element: Chemical symbol of a bcc metal, that of the dendrites.
        lattice_constant: Edge of its cubic cell (Å).
        slab: A slab of the same metal.
        substrate: A slab of an fcc metal in its place.
        shape: Shape of every dendrite.
        arrangement: One dendrite ("single"), two along x ("side_by_side"), a grid of several
            ("bed"), or two with facing tips ("facing"), one on each side of a slab periodic along
            z.
        bed: Dendrites along x and y of a bed.
        gap_angstrom: Of facing tips the shortest distance between atoms of both (Å), of dendrites
            side by side that of their bodies (Å).
        grains: Orientations of the dendrites, in turn; a bed has them as a chessboard has colours.
        vacuum_angstrom: Empty height above the highest tip (Å); facing tips have none.
        behind_angstrom: Empty height between the halves of the slab of facing tips (Å), which
            makes them two slabs.
        min_distance_angstrom: Distance that grains keep to each other (Å).
    """

    element: Symbol = "Li"
    lattice_constant: LatticeConstant = LITHIUM_LATTICE_CONSTANT
    slab: BccSlab = BccSlab()
    substrate: Slab | None = None
    shape: DendriteShape = Hemisphere()
    arrangement: Literal["single", "side_by_side", "bed", "facing"] = "facing"
    bed: tuple[Count, Count] = (2, 2)
    gap_angstrom: Annotated[float, Field(ge=0, le=1000), is_number] = 3.5
    grains: Annotated[tuple[Grain, ...], Field(min_length=1, max_length=100)] = (Grain(),)
    vacuum_angstrom: Distance = 30.0
    behind_angstrom: NonNegative = 0.0
    min_distance_angstrom: ShortDistance = dendrites.MIN_DISTANCE

    @model_validator(mode="after")
    def _facing_tips_move(self) -> Dendrites:
        fixed = self.slab.fixed_layers if self.substrate is None else self.substrate.fixed_layers
        if self.arrangement == "facing" and fixed:
            raise ValueError(
                f"fixed_layers is {fixed}, but facing tips approach each other by a cell that "
                "shortens; give fixed_layers 0"
            )
        if self.arrangement == "facing" and not self.gap_angstrom:
            raise ValueError("gap_angstrom is 0; atoms of facing tips need a distance, such as 3")
        return self


def build_dendrites(settings: Dendrites) -> Atoms:
    """The atoms that settings describe.

    Raises:
        InputError: If there are none such, as when a dendrite would meet its own image.
    """
    metal = dendrites.Metal(
        settings.element, settings.lattice_constant, settings.min_distance_angstrom
    )
    shape = settings.shape.shape()
    if settings.substrate is not None:
        slab = build_slab(settings.substrate)
        slab.cell[2, 2] = np.ptp(slab.positions[:, 2]) + shape.height + settings.vacuum_angstrom
    else:
        own = settings.slab
        slab = bcc_slab(
            settings.element,
            own.facet,
            own.size,
            own.layers,
            settings.lattice_constant,
            shape.height + settings.vacuum_angstrom,
            own.fixed_layers,
        )
    standing = [
        dendrites.Dendrite(shape, settings.grains[turn % len(settings.grains)].rotation(), place)
        for place, turn in _places(settings, shape, slab)
    ]
    if settings.arrangement != "facing":
        return dendrites.add_dendrites(slab, standing, metal)
    first, second = standing
    hanging = dendrites.Dendrite(shape, second.rotation, second.place, hangs=True)
    gap, behind = settings.gap_angstrom, settings.behind_angstrom
    return dendrites.face_each_other(slab, (first, hanging), metal, gap, behind)


def _places(
    settings: Dendrites, shape: Shape, slab: Atoms
) -> list[tuple[tuple[float, float], int]]:
    """Place of each dendrite along x and y (Å), and which of the orientations it has."""
    x, y, _ = (float(length) for length in slab.cell.lengths())
    if settings.arrangement == "side_by_side":
        apart = 0.5 * (2 * shape.width + settings.gap_angstrom)
        return [((0.5 * x - apart, 0.5 * y), 0), ((0.5 * x + apart, 0.5 * y), 1)]
    if settings.arrangement == "bed":
        columns, rows = settings.bed
        return [
            (((i + 0.5) * x / columns, (j + 0.5) * y / rows), i + j)
            for j in range(rows)
            for i in range(columns)
        ]
    count = 2 if settings.arrangement == "facing" else 1
    return [((0.5 * x, 0.5 * y), number) for number in range(count)]
