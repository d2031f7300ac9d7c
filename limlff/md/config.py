"""Configuration of a molecular dynamics run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    model_validator,
)

from limlff.config import StrictModel

Axis = Literal["x", "y", "z"]

TemperatureSchedule = NonNegativeFloat | tuple[NonNegativeFloat, NonNegativeFloat]
"""A constant, or the values at the first and the last step with a straight line between."""

PressureSchedule = float | tuple[float, float]
"""The same for pressures, which may be negative."""


class NVE(StrictModel):
    """Constant energy: velocity Verlet."""

    kind: Literal["nve"] = "nve"


class Langevin(StrictModel):
    """Canonical, every atom coupled to a bath: BAOAB splitting.

    Attributes:
        friction_per_ps: Inverse time in which a velocity is forgotten (1/ps).
    """

    kind: Literal["nvt_langevin"] = "nvt_langevin"
    friction_per_ps: PositiveFloat = 2.0


class NoseHoover(StrictModel):
    """Canonical and deterministic: a Nose-Hoover chain on the kinetic energy.

    Attributes:
        tau_fs: Period of the thermostat (fs).
        chain_length: Thermostats in the chain.
    """

    kind: Literal["nvt_nose_hoover"] = "nvt_nose_hoover"
    tau_fs: PositiveFloat = 100.0
    chain_length: Annotated[int, Field(ge=2, le=20)] = 3


class AxisPressure(StrictModel):
    """A pressure for each Cartesian axis, positive in compression (GPa)."""

    x: PressureSchedule = 0.0
    y: PressureSchedule = 0.0
    z: PressureSchedule = 0.0


class NPT(StrictModel):
    """Isothermal-isobaric: stochastic cell rescaling and stochastic velocity rescaling.

    Attributes:
        coupling: `isotropic` (one scale for all axes), `axes` (one for each Cartesian axis),
            `uniaxial` (one Cartesian axis, the others keep their length).
        axis: The axis of `uniaxial`.
        pressure_gpa: Target, positive in compression: a number, [first, last], or one per axis.
        tau_fs: Relaxation time of the volume (fs), if the compressibility is right.
        compressibility_per_gpa: Rough isothermal compressibility (1/GPa; Li 0.08, Cu 0.007); it
            sets the speed of the barostat together with `tau_fs`, not its averages.
        thermostat_tau_fs: Relaxation time of the kinetic energy (fs).
    """

    kind: Literal["npt"] = "npt"
    coupling: Literal["isotropic", "axes", "uniaxial"] = "isotropic"
    axis: Axis | None = None
    pressure_gpa: PressureSchedule | AxisPressure = 0.0
    tau_fs: PositiveFloat = 1000.0
    compressibility_per_gpa: PositiveFloat = 0.08
    thermostat_tau_fs: PositiveFloat = 100.0

    @model_validator(mode="after")
    def _axis_belongs_to_uniaxial(self) -> NPT:
        if (self.coupling == "uniaxial") != (self.axis is not None):
            raise ValueError(
                "'axis' (x, y or z) must be given with coupling 'uniaxial', only there"
            )
        if self.coupling == "isotropic" and isinstance(self.pressure_gpa, AxisPressure):
            raise ValueError("a pressure per axis needs coupling 'axes' or 'uniaxial'")
        return self


Ensemble = Annotated[NVE | Langevin | NoseHoover | NPT, Field(discriminator="kind")]


class Frozen(StrictModel):
    """Atoms that are held; those that any of the settings names.

    They keep their fractional coordinates: at constant volume they do not move, under a barostat
    they follow the cell.

    Attributes:
        indices: Indices in the structure, from 0.
        below_z_angstrom: All atoms with a lower z at the start (Å).
        elements: All atoms of these elements.
    """

    indices: tuple[int, ...] = ()
    below_z_angstrom: float | None = None
    elements: tuple[str, ...] = ()


class Output(StrictModel):
    """What is written, and how often (steps).

    Attributes:
        thermo_every: Rows of the thermo table.
        trajectory_every: Frames of the trajectory.
        checkpoint_every: Checkpoints.
        velocities: Whether frames hold velocities.
        extended_xyz: Whether the frames are also written as extended XYZ.
    """

    thermo_every: PositiveInt = 50
    trajectory_every: PositiveInt = 500
    checkpoint_every: PositiveInt = 5000
    velocities: bool = False
    extended_xyz: bool = False


class Guards(StrictModel):
    """Limits beyond which a run is stopped, with a checkpoint of the last state within them.

    They are looked at whenever the compiled loop returns, at least every `chunk_steps` steps and
    before anything is written. 0 for `min_distance_angstrom` and null for the last two switch a
    guard off.

    Attributes:
        max_temperature_k: Largest temperature (K).
        max_force_ev_per_angstrom: Largest force on a moving atom (eV/Å).
        max_displacement_angstrom: Largest way of an atom in one step (Å).
        min_distance_angstrom: Smallest distance of two atoms (Å); if left out, half the sum of
            their covalent radii.
        max_energy_jump_ev_per_atom: Largest change of the conserved quantity between two looks
            (eV/atom).
        max_neighbors: Most neighbors of an atom within cutoff and skin; more mean a collapse.
        max_force_spread_ev_per_angstrom: Largest spread of a force within the potential's ensemble
            (eV/Å).
        max_grade: Largest extrapolation grade of an atom; 1 is the edge of the training data.
        uncertain_for_steps: Steps for which one atom must be above one of the last two limits.
        uncertainty_every: Steps between two assessments of the uncertainty.
    """

    max_temperature_k: PositiveFloat = 10_000.0
    max_force_ev_per_angstrom: PositiveFloat = 100.0
    max_displacement_angstrom: PositiveFloat = 0.5
    min_distance_angstrom: NonNegativeFloat | None = None
    max_energy_jump_ev_per_atom: PositiveFloat = 0.2
    max_neighbors: PositiveInt = 500
    max_force_spread_ev_per_angstrom: PositiveFloat | None = None
    max_grade: PositiveFloat | None = None
    uncertain_for_steps: NonNegativeInt = 200
    uncertainty_every: PositiveInt = 100


class Schedule(StrictModel):
    """When an event happens: at exact steps, after what is written for that step.

    Attributes:
        every: Steps between two of its kind.
        first: First step; `every` if left out.
        last: Last step; the end of the run if left out.
    """

    every: PositiveInt
    first: NonNegativeInt | None = None
    last: NonNegativeInt | None = None

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
    element: str
    height_angstrom: PositiveFloat = 6.0
    min_distance_angstrom: PositiveFloat = 2.0
    temperature_k: PositiveFloat | None = None


class Remove(Schedule):
    """Atoms are taken out: all above a height, or some of an element at random. Never frozen ones.

    Attributes:
        kind: Name of the event.
        above_z_angstrom: Height (Å); unwrapped positions count.
        element: Chemical symbol.
        count: How many of the element; all of them if there are fewer.
    """

    kind: Literal["remove"] = "remove"
    above_z_angstrom: float | None = None
    element: str | None = None
    count: PositiveInt = 1

    @model_validator(mode="after")
    def _one_criterion(self) -> Remove:
        if (self.above_z_angstrom is None) == (self.element is None):
            raise ValueError("give either 'above_z_angstrom' or 'element'")
        return self


Event = Annotated[Deposit | Remove, Field(discriminator="kind")]


class MDConfig(StrictModel):
    """Everything that defines a run.

    Attributes:
        potential: Name of a shipped potential or path of a potential file.
        structure: Structure file, of any format ASE reads; left out if atoms are given in Python.
        seed: Seed of all random numbers.
        steps: Length of the run (steps).
        timestep_fs: Time step (fs).
        temperature_k: Target temperature, or [first, last] (K); in NVE only the initial one.
        ensemble: Equations of motion.
        initial_velocities: Drawn from the Maxwell-Boltzmann distribution, or those of the file.
        initial_temperature_k: Temperature of the draw if it is not the target's first value (K).
        frozen: Atoms that are held.
        output: What is written.
        guards: Limits of a sane run.
        events: Atoms that are added and removed on the way, in this order within a step.
        precision: Arithmetic of the model; integration is always float64.
        skin_angstrom: Added to the cutoff in neighbor lists, which last longer for it (Å).
        chunk_steps: Most steps between two looks at the state from outside the compiled loop.
    """

    potential: str = "li"
    structure: Path | None = None
    seed: Annotated[int, Field(ge=0, lt=2**63)] = 0
    steps: PositiveInt
    timestep_fs: PositiveFloat = 2.0
    temperature_k: TemperatureSchedule = 300.0
    ensemble: Ensemble = Langevin()
    initial_velocities: Literal["maxwell_boltzmann", "file"] = "maxwell_boltzmann"
    initial_temperature_k: NonNegativeFloat | None = None
    frozen: Frozen = Frozen()
    output: Output = Output()
    guards: Guards = Guards()
    events: tuple[Event, ...] = ()
    precision: Literal["float32", "float64"] = "float32"
    skin_angstrom: PositiveFloat = 0.8
    chunk_steps: PositiveInt = 100

    @property
    def start_temperature_k(self) -> float:
        """Temperature at which velocities are drawn (K)."""
        if self.initial_temperature_k is not None:
            return self.initial_temperature_k
        return schedule_ends(self.temperature_k)[0]

    def relative_to(self, folder: Path) -> MDConfig:
        """The same run with its relative paths taken from a folder, that of the YAML file.

        A potential stays as it is if no such file is there: it is then the name of a shipped one.
        """
        changes: dict[str, str | Path] = {}
        if self.structure is not None:
            changes["structure"] = (folder / self.structure).resolve()
        if (folder / self.potential).exists():
            changes["potential"] = str((folder / self.potential).resolve())
        return self.model_copy(update=changes)


def schedule_ends(schedule: float | tuple[float, float]) -> tuple[float, float]:
    """First and last value of a constant or a ramp."""
    return schedule if isinstance(schedule, tuple) else (schedule, schedule)
