"""The integrator that a configuration asks for."""

from __future__ import annotations

from limlff.md.config import NPT, NVE, AxisPressure, Langevin, MDConfig, NoseHoover, schedule_ends
from limlff.md.ensembles.barostat import STRAIN_MODES, StochasticCellRescaling
from limlff.md.ensembles.integrators import (
    Integrator,
    LangevinBAOAB,
    NoseHooverChain,
    Ramp,
    VelocityVerlet,
    thermal_ramp,
)
from limlff.md.ensembles.lid import UnderLid
from limlff.md.system.structure import Structure
from limlff.units import FEMTOSECOND, GIGAPASCAL


def build_integrator(config: MDConfig, structure: Structure) -> Integrator:
    """Integrator of a configuration, in internal units."""
    motion = _build_motion(config, structure)
    return motion if config.lid is None else UnderLid(motion)


def _build_motion(config: MDConfig, structure: Structure) -> Integrator:
    ensemble = config.ensemble
    timestep = config.timestep_fs * FEMTOSECOND
    thermal = thermal_ramp(*schedule_ends(config.temperature_k), config.steps)
    if isinstance(ensemble, NVE):
        return VelocityVerlet(timestep)
    if isinstance(ensemble, Langevin):
        friction = ensemble.friction_per_ps / (1000.0 * FEMTOSECOND)
        selective = ensemble.friction_on is not None
        return LangevinBAOAB(timestep, friction, thermal, structure.keeps_centre, selective)
    if isinstance(ensemble, NoseHoover):
        return NoseHooverChain(
            timestep=timestep,
            tau=ensemble.tau_fs * FEMTOSECOND,
            thermal_energy=thermal,
            chain_length=ensemble.chain_length,
        )
    return _build_barostat(ensemble, timestep, thermal, config.steps)


def _build_barostat(
    ensemble: NPT, timestep: float, thermal: Ramp, steps: int
) -> StochasticCellRescaling:
    pressure = ensemble.pressure_gpa
    per_axis = (
        pressure
        if isinstance(pressure, AxisPressure)
        else AxisPressure(x=pressure, y=pressure, z=pressure)
    )
    ramps = [
        Ramp(GIGAPASCAL * first, GIGAPASCAL * last, steps)
        for first, last in map(schedule_ends, (per_axis.x, per_axis.y, per_axis.z))
    ]
    coupling = f"uniaxial {ensemble.axis}" if ensemble.axis else ensemble.coupling
    return StochasticCellRescaling(
        timestep=timestep,
        thermal_energy=thermal,
        pressures=(ramps[0], ramps[1], ramps[2]),
        modes=STRAIN_MODES[coupling],
        tau=ensemble.tau_fs * FEMTOSECOND,
        compressibility=ensemble.compressibility_per_gpa / GIGAPASCAL,
        thermostat_tau=ensemble.thermostat_tau_fs * FEMTOSECOND,
    )
