"""Settings of ensembles: the equations of motion of a run."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from limlff.config import StrictModel
from limlff.quantities import (
    Compressibility,
    Coordinate,
    Friction,
    Index,
    PressureSchedule,
    PressureTarget,
    RelaxationTime,
    is_number,
)

Axis = Literal["x", "y", "z"]


class NVE(StrictModel):
    """Constant energy: velocity Verlet.

    Attributes:
        kind: Name of the equations of motion.
    """

    kind: Literal["nve"] = "nve"


class FrictionOn(StrictModel):
    """Atoms that friction and noise act on; those that any of the settings names at the start.

    Atoms that are deposited later are not among them.

    Attributes:
        indices: Indices in the structure, from 0.
        below_z_angstrom: All atoms with a lower z at the start (Å).
    """

    indices: tuple[Index, ...] = ()
    below_z_angstrom: Coordinate | None = Field(default=None, examples=[20.0])


class Langevin(StrictModel):
    """Canonical, atoms coupled to a bath: BAOAB splitting.

    Attributes:
        kind: Name of the equations of motion.
        friction_per_ps: Inverse time in which a velocity is forgotten (1/ps).
        friction_on: Atoms that are coupled to the bath, if not all; the others follow Newton's
            equations and exchange heat with the bath through them.
    """

    kind: Literal["nvt_langevin"] = "nvt_langevin"
    friction_per_ps: Friction = 2.0
    friction_on: FrictionOn | None = None


class NoseHoover(StrictModel):
    """Canonical and deterministic: a Nose-Hoover chain on the kinetic energy.

    Attributes:
        kind: Name of the equations of motion.
        tau_fs: Period of the thermostat (fs).
        chain_length: Thermostats in the chain.
    """

    kind: Literal["nvt_nose_hoover"] = "nvt_nose_hoover"
    tau_fs: RelaxationTime = 100.0
    chain_length: Annotated[int, Field(ge=2, le=20), is_number] = 3


class AxisPressure(StrictModel):
    """A pressure for each Cartesian axis, positive in compression (GPa).

    Attributes:
        x: Pressure along x, a number or [first, last] (GPa).
        y: The same along y.
        z: The same along z.
    """

    x: PressureSchedule = 0.0
    y: PressureSchedule = 0.0
    z: PressureSchedule = 0.0


class NPT(StrictModel):
    """Isothermal-isobaric: stochastic cell rescaling and stochastic velocity rescaling.

    Attributes:
        kind: Name of the equations of motion.
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
    pressure_gpa: PressureTarget[AxisPressure] = 0.0
    tau_fs: RelaxationTime = 1000.0
    compressibility_per_gpa: Compressibility = 0.08
    thermostat_tau_fs: RelaxationTime = 100.0

    @model_validator(mode="after")
    def _axis_belongs_to_uniaxial(self) -> NPT:
        if (self.coupling == "uniaxial") != (self.axis is not None):
            raise ValueError(
                "'axis' (x, y or z) must be given with coupling 'uniaxial', only there"
            )
        if self.coupling == "isotropic" and isinstance(self.pressure_gpa, AxisPressure):
            raise ValueError("a pressure per axis needs coupling 'axes' or 'uniaxial'")
        if self.axis is not None and isinstance(self.pressure_gpa, AxisPressure):
            pressures = {name: value for name, value in self.pressure_gpa if name != self.axis}
            idle = [name for name, value in pressures.items() if any(schedule_ends(value))]
            if idle:
                raise ValueError(
                    f"pressure_gpa.{idle[0]} has no effect, because only {self.axis} changes its "
                    f"length; leave it out, or take coupling 'axes'"
                )
        return self


Ensemble = Annotated[NVE | Langevin | NoseHoover | NPT, Field(discriminator="kind")]


def schedule_ends(schedule: float | tuple[float, float]) -> tuple[float, float]:
    """First and last value of a constant or a ramp."""
    return schedule if isinstance(schedule, tuple) else (schedule, schedule)
