"""Configuration of the deposition study."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator, model_validator

from limlff.config import PotentialName, StrictModel
from limlff.md.event_settings import RateValue
from limlff.md.lateral_settings import Lateral, Uniform
from limlff.quantities import (
    Count,
    Distance,
    Friction,
    Picoseconds,
    PicosecondsOrNone,
    PositiveTemperature,
    ShortDistance,
    Steps,
    Symbol,
    Timestep,
    is_number,
)
from limlff.structures.settings import Slab
from limlff.workflows.contract import StudySettings

LAYER_HEIGHT = 3.0
"""Height that is kept free for each layer (Å); planes of Li(110) are 2.4 Å apart."""

CLEARANCE = 8.0
"""Height that is kept free between the lid and the image of the deepest plane (Å)."""


class Arrival(StrictModel):
    """How atoms arrive.

    Attributes:
        times: Exponentially distributed times between two atoms, as of independent atoms
            ("poisson"), or equal ones ("fixed").
        lateral: Where over the surface.
        height_angstrom: Height over the highest atom at which they appear (Å).
        min_distance_angstrom: Distance that is kept to all atoms there (Å).
        temperature_k: Temperature of the gas that they come from (K); that of the run if left out.
    """

    times: Literal["poisson", "fixed"] = "poisson"
    lateral: Lateral = Uniform()
    height_angstrom: Distance = 6.0
    min_distance_angstrom: ShortDistance = 2.0
    temperature_k: PositiveTemperature | None = None


class Stripping(StrictModel):
    """Atoms taken from the top after plating, one by one.

    Attributes:
        rate: How fast; as they came if left out.
        share: Part of the plated atoms that are taken, to the nearest frame.
        choice: The one with the fewest neighbors ("least_bound"), or the highest one ("highest").
    """

    rate: RateValue | None = None
    share: Annotated[float, Field(gt=0, le=1), is_number] = 0.9
    choice: Literal["least_bound", "highest"] = "least_bound"


class PlatingDynamics(StrictModel):
    """How the runs are integrated.

    The fixed layers of the slab are held; friction acts on the layers above them alone, so that the
    growing film is free of it.

    Attributes:
        timestep_fs: Time step (fs); the fastest vibrations of lithium take 100 fs.
        friction_layers: Planes of the slab above the fixed ones on which friction acts.
        friction_per_ps: Friction there (1/ps).
        relax_ps: Time of the bare slab before the first atom (ps).
        frames_per_layer: Frames for each layer that is plated, all of which are analysed.
        settle_ps: Time after the last atom in which the film cools down (ps).
        rest_ps: Time after that, without arrivals, over which the film is measured (ps).
        rest_frame_ps: Time between frames in it (ps).
        lag_ps: Time over which displacements are measured in it (ps).
        checkpoint_every: Steps between checkpoints, from which a killed run goes on.
        dtype: Arithmetic of the model.
    """

    timestep_fs: Timestep = 3.0
    friction_layers: Count = 2
    friction_per_ps: Friction = 5.0
    relax_ps: PicosecondsOrNone = 2.0
    frames_per_layer: Count = 40
    settle_ps: PicosecondsOrNone = 10.0
    rest_ps: Picoseconds = 20.0
    rest_frame_ps: Picoseconds = 0.5
    lag_ps: Picoseconds = 5.0
    checkpoint_every: Steps = 10_000
    dtype: Literal["float32", "float64"] = "float32"


class DepositionConfig(StudySettings):
    """Everything that defines a deposition study: a run for each slab, rate and seed.

    Attributes:
        study: Name of the study.
        slabs: What is plated on.
        film: Chemical symbol of what is plated; layers, planes and claims are those of lithium.
        layers: Amount plated, to the nearest frame, in layers of the (110) plane of lithium.
        rates: How fast, each in one of three units.
        repeats: Runs of each slab and rate, with different random numbers.
        temperature_k: Temperature (K).
        arrival: How atoms arrive.
        dynamics: Integration.
        stripping: Whether and how the film is taken away again; null for not at all.
    """

    study: Literal["deposition"] = "deposition"
    potential: PotentialName = "li-cu"
    slabs: Annotated[tuple[Slab, ...], Field(min_length=1, max_length=6)] = (
        Slab(vacuum_angstrom=40.0),
    )
    film: Symbol = "Li"
    layers: Annotated[float, Field(gt=0, le=1000), is_number] = 3.0
    rates: Annotated[tuple[RateValue, ...], Field(min_length=1, max_length=4)] = (
        RateValue(atoms_per_ns=1000.0),
    )
    repeats: Annotated[int, Field(ge=1, le=100), is_number] = 1
    temperature_k: Annotated[float, Field(ge=1e-3, le=2e4), is_number] = 300.0
    arrival: Arrival = Arrival()
    dynamics: PlatingDynamics = PlatingDynamics()
    stripping: Stripping | None = None

    @model_validator(mode="after")
    def _runs_are_different(self) -> DepositionConfig:
        for what, names in (
            ("slabs", [slab_name(slab) for slab in self.slabs]),
            ("rates", [rate_name(rate) for rate in self.rates]),
        ):
            twice = sorted({name for name in names if names.count(name) > 1})
            if twice:
                raise ValueError(
                    f"{what} holds {twice[0]} twice; runs are told apart by facet, feature and "
                    "size, and by four digits of the rate: change one, or use repeats"
                )
        return self

    @field_validator("film")
    @classmethod
    def _film_is_lithium(cls, film: str) -> str:
        if film != "Li":
            raise ValueError(
                f"film is {film}; the study counts layers and knows planes of lithium alone. Plate "
                "other elements with the event 'deposit' of limlff md"
            )
        return film

    @model_validator(mode="after")
    def _film_fits(self) -> DepositionConfig:
        needed = LAYER_HEIGHT * self.layers + self.arrival.height_angstrom + CLEARANCE
        for slab in self.slabs:
            if slab.element == self.film:
                raise ValueError(f"film is {self.film}, as is a slab; they are told by element")
            if slab.vacuum_angstrom < needed:
                raise ValueError(
                    f"slab {slab_name(slab)} has vacuum_angstrom {slab.vacuum_angstrom:g}; "
                    f"{self.layers:g} layers and the atoms that arrive need {needed:g} Å"
                )
            if slab.fixed_layers < 1:
                raise ValueError(
                    f"slab {slab_name(slab)} has fixed_layers 0; hold one layer at least, or the "
                    "slab is pushed away by what arrives"
                )
            if slab.fixed_layers + self.dynamics.friction_layers >= slab.layers:
                raise ValueError(
                    f"slab {slab_name(slab)} has {slab.layers} layers, of which "
                    f"{slab.fixed_layers} are fixed and {self.dynamics.friction_layers} have "
                    "friction (dynamics.friction_layers); one layer at least must be free of both"
                )
        return self

    @model_validator(mode="after")
    def _times_fit(self) -> DepositionConfig:
        dynamics = self.dynamics
        longest, shortest = dynamics.rest_ps, dynamics.rest_frame_ps
        if not shortest <= dynamics.lag_ps <= 0.5 * longest:
            raise ValueError(
                f"dynamics.lag_ps is {dynamics.lag_ps:g}; it must lie between rest_frame_ps "
                f"({shortest:g}) and half of rest_ps ({longest / 2:g})"
            )
        if 1e3 * shortest < dynamics.timestep_fs:
            raise ValueError(
                f"dynamics.rest_frame_ps is {shortest:g}, less than one step of "
                f"{dynamics.timestep_fs:g} fs; frames cannot be closer than steps"
            )
        return self

    def steps(self, time_ps: float) -> int:
        """Whole number of time steps in a time, at least one."""
        return max(1, round(1000.0 * time_ps / self.dynamics.timestep_fs))


def slab_name(slab: Slab) -> str:
    """Name of a slab in the names of folders, such as Cu110-8x8 or Cu100-8x8-missing-rows."""
    features = {
        f"-step{slab.step}": slab.step,
        f"-island{slab.island}": slab.island,
        "-missing-rows": slab.missing_rows,
        f"-vacancies{slab.vacancies}": slab.vacancies,
    }
    feature = "".join(name for name, there in features.items() if there)
    return f"{slab.element}{slab.facet}-{slab.size[0]}x{slab.size[1]}{feature}"


def rate_name(rate: RateValue) -> str:
    """Name of a rate in the names of folders."""
    if rate.every is not None:
        return f"every-{rate.every}-steps"
    if rate.atoms_per_ns is not None:
        return f"{rate.atoms_per_ns:.4g}-per-ns"
    return f"{rate.current_density_ma_per_cm2:.4g}-mA"
