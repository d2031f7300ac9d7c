"""From a structure and a configuration to the first state, and to the integrator."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from ase import Atoms
from jaxtyping import Bool, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.errors import InputError
from limlff.md.config import (
    NPT,
    NVE,
    AxisPressure,
    Langevin,
    MDConfig,
    NoseHoover,
    schedule_ends,
)
from limlff.md.ensembles.barostat import STRAIN_MODES, StochasticCellRescaling
from limlff.md.ensembles.integrators import (
    Integrator,
    LangevinBAOAB,
    NoseHooverChain,
    Ramp,
    VelocityVerlet,
    thermal_ramp,
)
from limlff.md.system.frozen import frozen_mask
from limlff.md.system.state import AtomTable, MDState, draw_momenta, initial_state, without_drift
from limlff.md.system.structure_file import read_structure as read_structure
from limlff.neighbors.pairs import find_pairs
from limlff.potential import Potential
from limlff.quantities import LARGEST_LENGTH, SHORTEST_DISTANCE
from limlff.units import FEMTOSECOND, GIGAPASCAL

MASSES = (0.01, 1e6)
"""Lightest and heaviest atom (amu); lighter ones outrun any time step."""

LOWEST_TEMPERATURE = 1e-3
"""Lowest temperature of a thermostat (K); to freeze a structure, relax it instead."""


@dataclass(frozen=True)
class Structure:
    """What of the atoms stays the same during a run.

    Attributes:
        numbers: Atomic numbers.
        masses: Masses (amu).
        mobile: 1 for atoms that move, 0 for frozen ones.
        periodic: Periodicity along each cell vector.
    """

    numbers: Int[np.ndarray, " atoms"]
    masses: Float[np.ndarray, " atoms"]
    mobile: Float[np.ndarray, " atoms"]
    periodic: Bool[np.ndarray, "3"]

    def __len__(self) -> int:
        """Number of atoms."""
        return len(self.numbers)

    @property
    def degrees_of_freedom(self) -> int:
        """Independent momenta: 3N - 3 if the total momentum is kept at zero, else 3N."""
        moving = int(self.mobile.sum())
        return max(0, 3 * moving - (3 if self.keeps_centre else 0))

    @property
    def keeps_centre(self) -> bool:
        """Whether the total momentum is conserved: no atom is frozen."""
        return bool(self.mobile.all())

    def table(self, potential: Potential, slots: int) -> AtomTable:
        """The atoms in padded slots."""
        atoms = len(self)
        species = np.full(slots, -1, np.int32)
        symbols = Atoms(self.numbers).get_chemical_symbols()
        species[:atoms] = potential.species_of(symbols)
        masses, mobile = np.ones((slots, 1)), np.zeros((slots, 1))
        masses[:atoms, 0], mobile[:atoms, 0] = self.masses, self.mobile
        return AtomTable(
            species,  # type: ignore[arg-type]
            masses,  # type: ignore[arg-type]
            mobile,  # type: ignore[arg-type]
            np.float64(self.degrees_of_freedom),  # type: ignore[arg-type]
        )


def check_structure(atoms: Atoms, config: MDConfig) -> Structure:
    """Masses, mobility and periodicity of a structure that can be simulated.

    Raises:
        InputError: If atoms are missing, not finite or too close, if a periodic direction has no
            cell vector, or if the ensemble does not fit the structure.
    """
    name = str(config.structure or "structure")
    if not len(atoms):
        raise InputError(f"{name}: holds no atoms")
    if not (np.isfinite(atoms.positions).all() and np.isfinite(atoms.cell.array).all()):
        raise InputError(f"{name}: positions or cell are not finite numbers; repair the file")
    largest = max(float(np.abs(each).max()) for each in (atoms.positions, atoms.cell.array))
    if largest > LARGEST_LENGTH:
        raise InputError(
            f"{name}: holds a position or cell vector of {largest:.3g} Å; the limit is "
            f"{LARGEST_LENGTH:.0e} Å. Wrap the atoms into the cell, or correct the file"
        )
    lengths = atoms.cell.lengths()
    if np.any(atoms.pbc & (lengths < 1e-6)) or abs(np.linalg.det(atoms.cell.complete())) < 1e-6:
        raise InputError(
            f"{name}: is periodic along {atoms.pbc.tolist()} but its cell vectors have the lengths "
            f"{lengths.tolist()} Å or lie in a plane; give it a proper cell"
        )
    heights = 1.0 / np.linalg.norm(np.linalg.inv(atoms.cell.complete().array), axis=0)
    if np.any(atoms.pbc & (heights < SHORTEST_DISTANCE)):
        raise InputError(
            f"{name}: its cell is only {heights.min():.2g} Å between opposite faces; the limit "
            f"is {SHORTEST_DISTANCE} Å. Correct the cell, or reduce it if it is very skewed"
        )
    _refuse_close_atoms(atoms, name)
    structure = Structure(
        numbers=atoms.numbers.copy(),
        masses=_masses(atoms, name),
        mobile=1.0 - frozen_mask(atoms, config.frozen, name),
        periodic=atoms.pbc.copy(),
    )
    _check_ensemble(structure, config, name)
    return structure


def _masses(atoms: Atoms, name: str) -> Float[np.ndarray, " atoms"]:
    masses = atoms.get_masses()
    low, high = MASSES
    wrong = np.flatnonzero(~((masses >= low) & (masses <= high)))
    if len(wrong):
        index = int(wrong[0])
        raise InputError(
            f"{name}: {atoms.symbols[index]} {index} has a mass of {masses[index]:g} amu; masses "
            f"from {low:g} to {high:g} amu can be moved. Correct it, or leave the masses out"
        )
    return masses


def _refuse_close_atoms(atoms: Atoms, name: str) -> None:
    cell = atoms.cell.complete().array
    pairs = find_pairs(atoms.positions, cell, atoms.pbc, SHORTEST_DISTANCE)
    if not len(pairs.centres):
        return
    i, j = pairs.centres[0], pairs.owners[0]
    vector = atoms.positions[j] + pairs.shifts[0] @ cell - atoms.positions[i]
    symbols = atoms.get_chemical_symbols()
    raise InputError(
        f"{name}: {symbols[i]} {i} and {symbols[j]} {j} are {np.linalg.norm(vector):.2f} Å "
        f"apart; the limit is {SHORTEST_DISTANCE} Å. Remove one of them or enlarge the cell"
    )


def _check_ensemble(structure: Structure, config: MDConfig, name: str) -> None:
    if not structure.mobile.any():
        raise InputError(f"{name}: all {len(structure)} atoms are frozen; free some of them")
    if isinstance(config.ensemble, NVE):
        return
    kind = config.ensemble.kind
    if min(schedule_ends(config.temperature_k)) < LOWEST_TEMPERATURE:
        raise InputError(
            f"temperature_k is {config.temperature_k}; {kind} needs one above 0 K, at least "
            f"{LOWEST_TEMPERATURE:g} K"
        )
    if not structure.degrees_of_freedom:
        raise InputError(f"{name}: one free atom has no relative motion; {kind} needs two or more")
    if isinstance(config.ensemble, NPT):
        if not structure.periodic.all():
            raise InputError(
                f"{name}: is periodic along {structure.periodic.tolist()}; npt needs all three "
                "directions. Use nvt_langevin for slabs and clusters"
            )
        if config.initial_velocities != "file" and config.start_temperature_k <= 0:
            raise InputError(
                "initial_temperature_k is 0; npt rescales velocities, so give it a value"
            )


def first_state(
    atoms: Atoms, structure: Structure, table: AtomTable, config: MDConfig, integrator: Integrator
) -> MDState:
    """State before the first forces: positions as given, velocities drawn or as given.

    The velocity of the centre of mass is removed unless atoms are frozen.

    Raises:
        InputError: If velocities of the file are asked for and there are none.
    """
    slots, count = len(table.species), len(structure)
    positions, momenta = np.zeros((slots, 3)), np.zeros((slots, 3))
    positions[:count] = atoms.positions
    masses, mobile = np.asarray(table.masses), np.asarray(table.mobile)
    key, velocity_key = jax.random.split(jax.random.PRNGKey(config.seed))
    if config.initial_velocities == "file":
        if not atoms.has("momenta") or not np.any(atoms.get_momenta()):
            raise InputError(
                f"{config.structure or 'structure'}: has no velocities, but initial_velocities is "
                "'file'; use maxwell_boltzmann"
            )
        momenta[:count] = atoms.get_momenta()
        if not np.isfinite(momenta).all():
            raise InputError(
                "initial_velocities is 'file', but some velocities of the structure are not finite "
                "numbers; repair it or draw new ones with 'maxwell_boltzmann'"
            )
        momenta *= mobile
    else:
        momenta = draw_momenta(masses, mobile, config.start_temperature_k, velocity_key)
    if structure.keeps_centre:
        momenta = np.asarray(without_drift(momenta, masses, mobile))  # type: ignore[arg-type]
    cell = atoms.cell.complete().array
    return initial_state(positions, momenta, cell, np.asarray(key), integrator.chain_length)


def build_integrator(config: MDConfig, structure: Structure) -> Integrator:
    """Integrator of a configuration, in internal units."""
    ensemble = config.ensemble
    timestep = config.timestep_fs * FEMTOSECOND
    thermal = thermal_ramp(*schedule_ends(config.temperature_k), config.steps)
    if isinstance(ensemble, NVE):
        return VelocityVerlet(timestep)
    if isinstance(ensemble, Langevin):
        friction = ensemble.friction_per_ps / (1000.0 * FEMTOSECOND)
        return LangevinBAOAB(timestep, friction, thermal, structure.keeps_centre)
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
