"""From checkpoints to simulations and back; a new run begins with a checkpoint of its structure."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import jax
import numpy as np
from ase import Atoms
from jaxtyping import Float, UInt32

from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.ensembles.build import build_integrator
from limlff.md.event_settings import Deposit
from limlff.md.guards.highest import HighestUncertainty
from limlff.md.guards.watch import Assessor, UncertaintyWatch, find_assessor
from limlff.md.output.checkpoint import Checkpoint, forces_digest
from limlff.md.simulation.arrivals import EventClock, timetables
from limlff.md.simulation.check_events import check_events
from limlff.md.simulation.engine import Engine, roomy_capacity
from limlff.md.simulation.events import padded_size
from limlff.md.simulation.simulation import Simulation
from limlff.md.system.check_structure import check_structure
from limlff.md.system.lid import lid_height
from limlff.md.system.state import MDState, draw_momenta, initial_state, without_drift
from limlff.md.system.structure import Structure
from limlff.neighbors.host import Capacity
from limlff.potential import Potential
from limlff.prediction import predictor_for


def first_checkpoint(
    config: MDConfig,
    atoms: Atoms,
    potential: Potential,
    size: int = 0,
    capacity: Capacity | None = None,
) -> Checkpoint:
    """The checkpoint that a new run begins with; its forces are not known yet.

    Args:
        config: The run.
        atoms: The structure.
        potential: The potential.
        size: Number of atoms with padding; more if the run deposits some.
        capacity: First sizes of the neighbor matrix; by default what the structure needs.

    Raises:
        InputError: If the configuration or the structure cannot be used.
    """
    structure = check_structure(atoms, config)
    potential.species_of(list(atoms.symbols), str(config.structure or "the structure"))
    check_events(config, structure, atoms, potential)
    count = len(structure)
    grows = any(isinstance(event, Deposit) for event in config.events)
    size = max(size, padded_size(count) if grows else count)
    state = first_state(atoms, structure, config, size)
    cell = np.asarray(state.cell)
    if capacity is None:
        radius = potential.cutoff + config.skin_angstrom
        capacity = roomy_capacity(atoms.positions, cell, structure.periodic, radius)
        capacity = replace(capacity, ghosts=-(-capacity.ghosts * size // count))
    return Checkpoint(
        state=state,
        numbers=structure.numbers,
        masses=structure.masses,
        mobile=structure.mobile,
        coupled=structure.coupled,
        periodic=structure.periodic,
        list_positions=np.asarray(state.positions),
        list_cell=cell,
        capacity=capacity,
        written={},
        event_counts=np.zeros(len(config.events), np.int64),
        above_since=np.full(count, -1, np.int64),
        **_highest_of(HighestUncertainty()),
        conserved=float("nan"),
        config=config.model_dump_json(),
        potential=forces_digest(potential),
    )


def first_state(atoms: Atoms, structure: Structure, config: MDConfig, size: int) -> MDState:
    """State before the first forces: positions as given, velocities drawn or as given.

    The velocity of the centre of mass is removed unless atoms are frozen.

    Args:
        atoms: Positions (Å), cell (Å) and, if the configuration asks for them, velocities.
        structure: What was found to be simulated of them.
        config: The run.
        size: Number of atoms with padding.

    Raises:
        InputError: If velocities of the file are asked for and there are none, or if a lid is asked
            for where it makes no sense.
    """
    key, velocity_key = jax.random.split(jax.random.PRNGKey(config.seed))
    positions = np.zeros((size, 3))
    positions[: len(structure)] = atoms.positions
    momenta = _first_momenta(atoms, structure, config, size, velocity_key)
    cell = atoms.cell.complete().array
    state = initial_state(positions, momenta, cell, np.asarray(key), config.chain_length)
    lid = np.float64(lid_height(atoms, structure, config))
    return replace(state, lid_height=lid)  # type: ignore[arg-type]


def _first_momenta(
    atoms: Atoms, structure: Structure, config: MDConfig, size: int, key: UInt32[jax.Array, "2"]
) -> Float[np.ndarray, "atoms 3"]:
    masses, mobile = structure.padded(size)
    if config.initial_velocities == "file":
        momenta = np.zeros((size, 3))
        momenta[: len(structure)] = _momenta_of_file(atoms, config)
        momenta *= mobile
    else:
        momenta = draw_momenta(masses, mobile, config.start_temperature_k, key)
    if structure.keeps_centre:
        momenta = np.asarray(without_drift(momenta, masses, mobile))  # type: ignore[arg-type]
    return momenta


def _momenta_of_file(atoms: Atoms, config: MDConfig) -> Float[np.ndarray, "real 3"]:
    if not atoms.has("momenta") or not np.any(atoms.get_momenta()):
        raise InputError(
            f"{config.structure or 'structure'}: has no velocities, but initial_velocities is "
            "'file'; use maxwell_boltzmann"
        )
    momenta = atoms.get_momenta()
    if not np.isfinite(momenta).all():
        raise InputError(
            "initial_velocities is 'file', but some velocities of the structure are not finite "
            "numbers; repair it or draw new ones with 'maxwell_boltzmann'"
        )
    return np.asarray(momenta)


def start_simulation(checkpoint: Checkpoint, config: MDConfig, potential: Potential) -> Simulation:
    """The simulation that goes on from a checkpoint, bit for bit if nothing has changed.

    Args:
        checkpoint: Where it goes on from.
        config: Its settings from now on; those of the checkpoint, or what `check_changes` allows.
        potential: Its potential from now on. With another one, or other equations of motion, the
            forces are evaluated anew.

    Raises:
        InputError: If the potential does not know an element, or not its uncertainty.
    """
    before = MDConfig.model_validate_json(checkpoint.config)
    digest = forces_digest(potential)
    same_potential = digest == checkpoint.potential
    same_motion = (config.ensemble, config.dtype) == (before.ensemble, before.dtype)
    structure = Structure(
        checkpoint.numbers,
        checkpoint.masses,
        checkpoint.mobile,
        checkpoint.coupled,
        checkpoint.periodic,
    )
    state = checkpoint.state
    if not (same_potential and same_motion):
        state = _without_forces(state, config.chain_length)
    predictor = predictor_for(potential, config.dtype)
    simulation = Simulation(
        config=config,
        structure=structure,
        table=structure.table(potential, len(state.positions)),
        engine=Engine(predictor, build_integrator(config, structure), config.skin_angstrom),
        state=state,
        capacity=checkpoint.capacity,
        watch=_watch_of(
            checkpoint, same_potential, find_assessor(predictor, config.guards), config
        ),
        clock=EventClock(
            timetables(config, float(state.reference_area)), checkpoint.event_counts.tolist()
        ),
        digest=digest,
        conserved=checkpoint.conserved,
    )
    if same_potential and same_motion and config.skin_angstrom == before.skin_angstrom:
        simulation.rebuild(checkpoint.list_positions, checkpoint.list_cell)
    else:
        simulation.rebuild()
    return simulation


def _watch_of(
    checkpoint: Checkpoint, same_potential: bool, assessor: Assessor | None, config: MDConfig
) -> UncertaintyWatch:
    """The watch of a checkpoint; what another potential was uncertain of is forgotten."""
    if not same_potential:
        below = np.full(len(checkpoint.numbers), -1, np.int64)
        return UncertaintyWatch(assessor, config.guards, below)
    highest = HighestUncertainty(
        int(checkpoint.assessed_since), checkpoint.highest_values, checkpoint.highest_places
    )
    return UncertaintyWatch(assessor, config.guards, checkpoint.above_since, highest)


def _highest_of(highest: HighestUncertainty) -> dict[str, Any]:
    """The highest uncertainty as arrays of a checkpoint."""
    return {
        "assessed_since": np.array(highest.since, np.int64),
        "highest_values": highest.values,
        "highest_places": highest.places,
    }


def _without_forces(state: MDState, chain_length: int) -> MDState:
    """A state whose forces are to be evaluated anew; a chain of another length starts at rest."""
    if chain_length != len(state.chain_positions):
        chain = np.zeros(chain_length)
        state = replace(state, chain_positions=chain, chain_momenta=chain)  # type: ignore[arg-type]
    return replace(state, forces_known=np.bool_(False))  # type: ignore[arg-type]


def checkpoint_of(simulation: Simulation) -> Checkpoint:
    """The last accepted state of a simulation as a checkpoint, which shares its arrays."""
    structure, neighbors = simulation.structure, simulation.neighbors
    return Checkpoint(
        state=simulation.state,
        numbers=structure.numbers,
        masses=structure.masses,
        mobile=structure.mobile,
        coupled=structure.coupled,
        periodic=structure.periodic,
        list_positions=np.asarray(neighbors.positions),
        list_cell=np.asarray(neighbors.cell),
        capacity=simulation.capacity,
        written={},
        event_counts=np.array(simulation.clock.counts, np.int64),
        above_since=simulation.watch.above_since,
        **_highest_of(simulation.watch.highest),
        conserved=simulation.conserved,
        config=simulation.config.model_dump_json(),
        potential=simulation.digest,
    )
