"""Configuration of the fusion study."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.md.event_settings import RateValue
from limlff.md.lateral_settings import Lateral, Uniform
from limlff.quantities import (
    Count,
    Distance,
    Friction,
    Index,
    Number,
    Picoseconds,
    PicosecondsOrNone,
    Positive,
    PositiveTemperature,
    RelaxationTime,
    ShortDistance,
    Steps,
    Timestep,
    is_number,
)
from limlff.structures.dendrite_settings import Angle, Dendrites, Grain, Hemisphere
from limlff.workflows.contract import StudySettings

WARM_LATTICE_CONSTANT = 3.494
"""Lattice constant of `li` at 300 K (Å)."""

SET_DOWN = 3.5
"""Distance at which facing tips are set down (Å): half an angstrom more than that of neighbors,
where they pull at each other by more than the barostat's noise."""

CLEARANCE = 8.0
"""Height that is kept free between the lid and the image of the deepest plane (Å)."""

_SITE = 21.0  # volume of an atom of lithium (Å^3)


class Misorientation(StrictModel):
    """How the second dendrite of a pair is turned against the first one, which goes on with the
    lattice of its slab.

    Attributes:
        angle_degrees: Angle (degrees).
        axis: Axis of the turn in the cell.
    """

    angle_degrees: Angle = 0.0
    axis: tuple[Number, Number, Number] = (1.0, 1.0, 0.0)


class Approach(StrictModel):
    """Facing tips: relaxed out of reach of each other, set down within reach, left to themselves.

    From there on the cell changes its length along z alone, under the pressure given; without any,
    the surfaces alone pull.

    Attributes:
        kind: Name of the drive.
        duration_ps: Time from there on (ps).
        pressure_mpa: Pressure along z (MPa); stacks of cells are under 0.1 to 10.
        barostat_tau_fs: Time in which the length of the cell relaxes (fs).
    """

    kind: Literal["approach"] = "approach"
    duration_ps: Picoseconds = 1000.0
    pressure_mpa: Annotated[float, Field(ge=0, le=1e5), is_number] = 0.0
    barostat_tau_fs: RelaxationTime = 1000.0


class Growth(StrictModel):
    """Dendrites side by side or in a bed: atoms come from above until they have grown together.

    Attributes:
        kind: Name of the drive.
        atoms: Atoms that come, on average if `times` is poisson.
        rate: How fast.
        times: Times between two atoms: equal ("fixed"), or those of independent atoms ("poisson").
        lateral: Where over the surface.
        height_angstrom: Height over the highest atom at which they appear (Å).
        min_distance_angstrom: Distance that is kept to all atoms there (Å).
        temperature_k: Temperature of the gas that they come from (K); that of the run if left out.
        rest_ps: Time after the last atom (ps).
        friction_layers: Planes of the slab above the fixed ones on which friction acts.
        friction_per_ps: Friction there (1/ps).
        tiles: Tiles along x and y on which the local current density is counted.
        windows: Parts of the growth in which it is counted.
    """

    kind: Literal["growth"] = "growth"
    atoms: Count = 2000
    rate: RateValue = RateValue(atoms_per_ns=1000.0)
    times: Literal["fixed", "poisson"] = "fixed"
    lateral: Lateral = Uniform()
    height_angstrom: Distance = 6.0
    min_distance_angstrom: ShortDistance = 2.0
    temperature_k: PositiveTemperature | None = None
    rest_ps: PicosecondsOrNone = 100.0
    friction_layers: Index = 2
    friction_per_ps: Friction = 5.0
    tiles: tuple[Count, Count] = (6, 3)
    windows: Annotated[int, Field(ge=1, le=100), is_number] = 5


Drive = Annotated[Approach | Growth, Field(discriminator="kind")]


class CrystalTimes(StrictModel):
    """A perfect crystal at the temperature, whose density missing atoms are counted against.

    Attributes:
        repeats: Cubic cells along each axis.
        equilibration_ps: Time that is left out of the averages (ps).
        duration_ps: Time of the averages (ps).
    """

    repeats: Annotated[int, Field(ge=3, le=100), is_number] = 8
    equilibration_ps: Picoseconds = 2.0
    duration_ps: Picoseconds = 6.0


class FusionDynamics(StrictModel):
    """How the runs are integrated.

    Attributes:
        timestep_fs: Time step (fs); the fastest vibrations of lithium take 100 fs.
        apart_angstrom: Distance of facing tips while each relaxes by itself (Å).
        relax_ps: Time in which they do, under friction (ps).
        frame_every_ps: Time between frames (ps), all of which are analysed.
        lag_ps: Time over which displacements are measured (ps).
        checkpoint_every: Steps between checkpoints, from which a killed run goes on.
        dtype: Arithmetic of the model.
    """

    timestep_fs: Timestep = 3.0
    apart_angstrom: Distance = 10.0
    relax_ps: Picoseconds = 10.0
    frame_every_ps: Picoseconds = 2.0
    lag_ps: Picoseconds = 4.0
    checkpoint_every: Steps = 10_000
    dtype: Literal["float32", "float64"] = "float32"


class Criteria(StrictModel):
    """When something counts as having happened.

    Attributes:
        touch_radius_angstrom: Radius of the neck from which on dendrites touch (Å): one distance of
            neighbors.
        merged_part: Radius of the neck over that of the dendrites from which on they are one.
        cavity_atoms: Missing atoms from which on a cavity is one; fewer are vacancies.
        for_ps: Time for which it must be there, or be gone (ps).
        near_angstrom: Distance from the neck up to which atoms are near it (Å).
    """

    touch_radius_angstrom: Positive = 3.0
    merged_part: Annotated[float, Field(gt=0, le=2), is_number] = 2 / 3
    cavity_atoms: Positive = 3.0
    for_ps: Picoseconds = 4.0
    near_angstrom: Distance = 6.0


class FusionConfig(StudySettings):
    """Everything that defines a fusion study: a run for each misorientation and seed.

    Attributes:
        study: Name of the study.
        dendrites: The dendrites; their orientations are set by `misorientations`.
        drive: What brings them together.
        misorientations: Runs of each; of a bed every other dendrite is turned.
        repeats: Runs of each misorientation, with different random numbers.
        temperature_k: Temperature (K).
        crystal: The perfect crystal.
        dynamics: Integration.
        criteria: What counts as touching, merged, and a cavity.
    """

    study: Literal["fusion"] = "fusion"
    dendrites: Dendrites = Dendrites(
        lattice_constant=WARM_LATTICE_CONSTANT,
        shape=Hemisphere(radius_angstrom=25.0),
        gap_angstrom=SET_DOWN,
    )
    drive: Drive = Approach()
    misorientations: Annotated[tuple[Misorientation, ...], Field(min_length=1, max_length=20)] = (
        Misorientation(),
    )
    repeats: Annotated[int, Field(ge=1, le=100), is_number] = 1
    temperature_k: Annotated[float, Field(ge=1e-3, le=2e4), is_number] = 300.0
    crystal: CrystalTimes = CrystalTimes()
    dynamics: FusionDynamics = FusionDynamics()
    criteria: Criteria = Criteria()

    @model_validator(mode="before")
    @classmethod
    def _is_warm(cls, content: Any) -> Any:
        """What is not given of the dendrites is as in the study's own defaults."""
        if isinstance(content, dict) and isinstance(content.get("dendrites"), dict):
            own = {"lattice_constant": WARM_LATTICE_CONSTANT, **content["dendrites"]}
            if own.get("arrangement", "facing") == "facing":
                own = {"gap_angstrom": SET_DOWN, **own}
            content = {**content, "dendrites": own}
        return content

    @model_validator(mode="after")
    def _drive_fits(self) -> FusionConfig:
        pair, drive = self.dendrites, self.drive
        facing = pair.arrangement == "facing"
        if pair.arrangement == "single" or (pair.bed == (1, 1) and pair.arrangement == "bed"):
            raise ValueError("dendrites has one dendrite; two at least can fuse")
        if facing != isinstance(drive, Approach):
            raise ValueError(
                f"drive is {drive.kind} and dendrites.arrangement {pair.arrangement}; facing tips "
                "approach, dendrites side by side or in a bed grow"
            )
        if pair.grains != (Grain(),):
            raise ValueError("dendrites.grains is set; orientations follow from misorientations")
        if facing and pair.behind_angstrom:
            raise ValueError(
                f"dendrites.behind_angstrom is {pair.behind_angstrom:g}; a cell that shortens "
                "needs one slab, periodic along z: give 0"
            )
        names = [misorientation_name(each) for each in self.misorientations]
        if len(set(names)) < len(names):
            raise ValueError(f"misorientations holds one of {', '.join(names)} twice")
        return self

    @model_validator(mode="after")
    def _growth_fits(self) -> FusionConfig:
        pair, drive = self.dendrites, self.drive
        if not isinstance(drive, Growth):
            return self
        slab = pair.slab if pair.substrate is None else pair.substrate
        if slab.fixed_layers < 1 or slab.fixed_layers + drive.friction_layers >= slab.layers:
            raise ValueError(
                f"the slab has {slab.layers} layers, of which {slab.fixed_layers} are fixed and "
                f"{drive.friction_layers} have friction (drive.friction_layers); hold one at "
                "least, and let one be free of both"
            )
        if pair.substrate is None:
            area = slab.size[0] * slab.size[1] * pair.lattice_constant**2
            needed = drive.atoms * _SITE / area + drive.height_angstrom + CLEARANCE
            if pair.vacuum_angstrom < needed:
                raise ValueError(
                    f"dendrites.vacuum_angstrom is {pair.vacuum_angstrom:g}; {drive.atoms} atoms "
                    f"and the place where they appear need {needed:.0f} Å"
                )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> FusionConfig:
        dynamics = self.dynamics
        if 1e3 * dynamics.frame_every_ps < dynamics.timestep_fs:
            raise ValueError(
                f"dynamics.frame_every_ps is {dynamics.frame_every_ps:g}, less than one step of "
                f"{dynamics.timestep_fs:g} fs; frames cannot be closer than steps"
            )
        for name, time in (("dynamics.lag_ps", dynamics.lag_ps),
                           ("criteria.for_ps", self.criteria.for_ps)):  # fmt: skip
            if time < dynamics.frame_every_ps:
                raise ValueError(
                    f"{name} is {time:g}, less than dynamics.frame_every_ps, "
                    f"{dynamics.frame_every_ps:g}; it spans one frame at least"
                )
        return self

    def steps(self, time_ps: float) -> int:
        """Whole number of time steps in a time, at least one."""
        return max(1, round(1000.0 * time_ps / self.dynamics.timestep_fs))


def misorientation_name(misorientation: Misorientation) -> str:
    """Name of a misorientation in the names of folders, such as 30-deg-1_1_0."""
    angle = misorientation.angle_degrees
    axis = "_".join(f"{part:g}" for part in misorientation.axis)
    return f"{angle:g}-deg-{axis}" if angle else "0-deg"
