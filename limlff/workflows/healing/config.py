"""Configuration of the healing study."""

from __future__ import annotations

import math
from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.quantities import (
    Count,
    Distance,
    Fraction,
    Picoseconds,
    PicosecondsOrNone,
    Positive,
    Pressure,
    RelaxationTime,
    Symbol,
    Timestep,
    is_number,
)
from limlff.structures.lattice import LITHIUM_LATTICE_CONSTANT
from limlff.workflows.contract import StudySettings

MOST_STEPS = 10**10
"""Steps of a run of a study."""

MOST_SITES = 20_000_000
"""Lattice sites of a study; a run of so many atoms needs about 100 GB."""


class Reference(StrictModel):
    """Perfect crystal at each pressure: the hole is cut into its last frame, and its density and
    order are what the run is compared with.

    Attributes:
        equilibration_ps: Time that is left out of the averages (ps).
        duration_ps: Time of the averages (ps).
    """

    equilibration_ps: Picoseconds = 2.0
    duration_ps: Picoseconds = 6.0


class Cavity(StrictModel):
    """The hole.

    Attributes:
        missing_atoms: Atoms taken out.
        shape: "sphere" or "cuboid".
        centre: Its centre in fractions of the cell.
    """

    missing_atoms: Count = 30
    shape: Literal["sphere", "cuboid"] = "sphere"
    centre: tuple[Fraction, Fraction, Fraction] = (0.5, 0.5, 0.5)


class Dynamics(StrictModel):
    """How the runs are integrated.

    Attributes:
        duration_ps: Longest time of a run (ps).
        timestep_fs: Time step (fs).
        frame_every_ps: Time between frames (ps), all of which are analysed.
        coupling: Whether the cell changes size only ("isotropic") or each axis by itself ("axes").
        barostat_tau_fs: Time in which the volume relaxes (fs).
        dtype: Arithmetic of the model.
    """

    duration_ps: Picoseconds = 60.0
    timestep_fs: Timestep = 2.0
    frame_every_ps: Picoseconds = 0.5
    coupling: Literal["isotropic", "axes"] = "axes"
    barostat_tau_fs: RelaxationTime = 500.0
    dtype: Literal["float32", "float64"] = "float32"


class Closed(StrictModel):
    """When a hole counts as closed, and how long the run goes on from there.

    Attributes:
        missing_below: Missing atoms of the largest hole below which it is closed.
        for_ps: Time for which it must stay so (ps).
        go_on_ps: Time that a run goes on afterwards, to see the crystal order itself again (ps).
    """

    missing_below: Positive = 3.0
    for_ps: Picoseconds = 3.0
    go_on_ps: PicosecondsOrNone = 10.0


def run_name(pressure_gpa: float) -> str:
    """Name of the run at a pressure, which is part of the names of its folders."""
    return f"{pressure_gpa:g}-GPa"


class HealingConfig(StudySettings):
    """Everything that defines a healing study.

    Attributes:
        study: Name of the study.
        element: Chemical symbol of a bcc metal that the potential knows.
        lattice_constant: First guess (Å); the perfect crystal finds its own at each pressure.
        repeats: Cubic cells along x, y, z.
        hole: The hole.
        temperature_k: Temperature (K).
        pressures_gpa: A run for each pressure, positive in compression (GPa).
        reference: The perfect crystal before the hole is cut.
        dynamics: Integration.
        closed: When a run may end.
        near_angstrom: Atoms up to this distance from the surface of the initial hole are near it,
            those beyond twice this distance are far from it (Å).
        mobility_lag_ps: Time over which displacements are measured (ps).
    """

    study: Literal["healing"] = "healing"
    element: Symbol = "Li"
    lattice_constant: Annotated[float, Field(ge=1, le=20), is_number] = LITHIUM_LATTICE_CONSTANT
    repeats: tuple[Count, Count, Count] = (8, 8, 8)
    hole: Cavity = Cavity()
    temperature_k: Annotated[float, Field(ge=1e-3, le=2e4), is_number] = 300.0
    pressures_gpa: Annotated[tuple[Pressure, ...], Field(min_length=1, max_length=6)] = (0.0, 1.0)
    reference: Reference = Reference()
    dynamics: Dynamics = Dynamics()
    closed: Closed = Closed()
    near_angstrom: Distance = 4.0
    mobility_lag_ps: Picoseconds = 2.0

    @model_validator(mode="after")
    def _sizes_fit(self) -> HealingConfig:
        every = self.dynamics.frame_every_ps
        if self.mobility_lag_ps < every or self.mobility_lag_ps > 0.5 * self.dynamics.duration_ps:
            raise ValueError(
                f"mobility_lag_ps is {self.mobility_lag_ps}; it must lie between frame_every_ps "
                f"({every}) and half of duration_ps ({self.dynamics.duration_ps / 2})"
            )
        names = [run_name(pressure) for pressure in self.pressures_gpa]
        if len(set(names)) < len(names):
            raise ValueError(
                f"pressures_gpa {self.pressures_gpa} holds a pressure twice; runs are told apart "
                "by six digits of it"
            )
        if every < 0.001 * self.dynamics.timestep_fs:
            raise ValueError(
                f"dynamics.frame_every_ps is {every}, less than one step of "
                f"{self.dynamics.timestep_fs} fs; frames cannot be closer than steps"
            )
        longest = max(
            self.dynamics.duration_ps, self.reference.equilibration_ps + self.reference.duration_ps
        )
        if self.steps(longest) > MOST_STEPS:
            raise ValueError(
                f"{longest:g} ps in steps of {self.dynamics.timestep_fs:g} fs are "
                f"{self.steps(longest):.1e} steps; the limit is {MOST_STEPS:.0e}. Run shorter, or "
                "use a longer timestep_fs"
            )
        sites = 2 * math.prod(self.repeats)
        if sites > MOST_SITES:
            raise ValueError(
                f"repeats {list(self.repeats)} make {sites} lattice sites; the limit is "
                f"{MOST_SITES}. Repeat fewer cells"
            )
        if self.hole.missing_atoms >= sites:
            raise ValueError(
                f"hole.missing_atoms is {self.hole.missing_atoms}, but repeats "
                f"{list(self.repeats)} make only {sites} lattice sites"
            )
        return self

    def steps(self, time_ps: float) -> int:
        """Whole number of time steps in a time, at least one."""
        return max(1, round(1000.0 * time_ps / self.dynamics.timestep_fs))
