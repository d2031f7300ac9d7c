"""Molecular dynamics from a configuration to a folder of results."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase import Atoms

from limlff.atomic_file import can_be_replaced, replaced_when_whole
from limlff.errors import InputError
from limlff.folder_lock import locked
from limlff.forks import refuse_forked_process
from limlff.md.config import MDConfig
from limlff.md.event_settings import Deposit
from limlff.md.guards.watch import UncertaintyWatch, find_assessor
from limlff.md.output.names import CONFIG
from limlff.md.output.run_folder import claim_folder
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.md.run.results import MDResult
from limlff.md.run.run import Run
from limlff.md.simulation import events
from limlff.md.simulation.engine import Engine, roomy_capacity
from limlff.md.simulation.forecast import Forecast, make_forecast
from limlff.md.simulation.simulation import Simulation
from limlff.md.system.prepare import (
    Structure,
    build_integrator,
    check_structure,
    first_state,
    read_structure,
)
from limlff.named_potential import load
from limlff.neighbors.host import Capacity
from limlff.paths import user_path
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.yaml_file import dump_yaml

_LOG = logging.getLogger(__name__)


@own_precision()
def run_md(
    config: MDConfig,
    out: Path | str,
    atoms: Atoms | None = None,
    potential: Potential | None = None,
    progress: bool = True,
    *,
    max_runtime_seconds: float | None = None,
    force: bool = False,
    atom_slots: int | None = None,
    capacity: Capacity | None = None,
    until: Callable[[TrajectoryFrame], bool] | None = None,
) -> MDResult:
    """Run molecular dynamics.

    Args:
        config: The run.
        out: Folder for its files; made if missing.
        atoms: Structure in place of the configuration's file.
        potential: Potential in place of the configuration's.
        progress: Whether to show progress.
        max_runtime_seconds: Wall time after which the run is left with a checkpoint (s).
        force: Whether a run in the folder is overwritten.
        atom_slots: Slots for atoms, if there shall be empty ones.
        capacity: First sizes of the neighbor matrix; by default what the structure needs.
        until: Asked with each frame of the trajectory whether the run may end there.

    Returns:
        Files, last configuration and summary.

    Raises:
        InputError: If the configuration, the structure or the folder cannot be used.
        GuardStop: If the run left what can be trusted.
        OutOfTime: If time was up, a signal came or the disk is full; `limlff.md.resume` goes on.
    """
    out = user_path(out)
    refuse_forked_process()
    potential = potential or load(config.potential)
    atoms = atoms if atoms is not None else read_structure(config.structure)
    simulation = build_simulation(config, atoms, potential, atom_slots, capacity)
    with locked(out) as dead:
        note_dead_holder(out, dead)
        claim_folder(out, force)
        write_settings(config, out)
        simulation.rebuild()
        return Run(simulation, out, until).to_the_end(None, progress, max_runtime_seconds)


@own_precision()
def forecast_md(config: MDConfig) -> Forecast:
    """What a run would take, from a few steps of it; nothing is written.

    Raises:
        InputError: If the configuration or the structure cannot be used.
    """
    refuse_forked_process()
    atoms, potential = read_structure(config.structure), load(config.potential)
    simulation = build_simulation(config, atoms, potential, None, None)
    simulation.rebuild()
    return make_forecast(simulation)


@own_precision()
def build_simulation(
    config: MDConfig,
    atoms: Atoms,
    potential: Potential,
    atom_slots: int | None,
    capacity: Capacity | None,
) -> Simulation:
    """A simulation at its first step, before its forces; arguments as those of `run_md`.

    Raises:
        InputError: If the configuration or the structure cannot be used.
    """
    structure = check_structure(atoms, config)
    events.check_events(config, structure, atoms, potential)
    count = slots = len(structure)
    if any(isinstance(event, Deposit) for event in config.events):
        slots = events.atom_slots(count)
    slots = max(atom_slots or 0, slots)
    table = structure.table(potential, slots)
    engine = build_engine(config, structure, potential)
    state = first_state(atoms, structure, table, config, engine.integrator)
    if capacity is None:
        capacity = roomy_capacity(
            atoms.positions, np.asarray(state.cell), structure.periodic, engine.list_radius
        )
        capacity = replace(capacity, ghosts=-(-capacity.ghosts * slots // count))
    return Simulation(
        config=config,
        structure=structure,
        table=table,
        engine=engine,
        state=state,
        capacity=capacity,
        watch=UncertaintyWatch(
            find_assessor(potential, config.dtype, config.guards),
            config.guards,
            np.full(count, -1, np.int64),
        ),
        clock=events.EventClock(config.events),
    )


def build_engine(config: MDConfig, structure: Structure, potential: Potential) -> Engine:
    """Engine of a configuration."""
    integrator = build_integrator(config, structure)
    return Engine(potential, integrator, config.dtype, config.skin_angstrom)


def write_settings(config: MDConfig, out: Path) -> None:
    """Write the configuration as it is run.

    Raises:
        InputError: If it cannot be written, or a pipe or device is there, which may wait for ever.
    """
    if not can_be_replaced(out / CONFIG):
        raise InputError(f"{out / CONFIG}: is a pipe or a device, not a file of the run; remove it")
    settings = dump_yaml(config.model_dump(mode="json"))
    try:
        with replaced_when_whole(out / CONFIG) as temporary:
            temporary.write_text(settings, encoding="utf-8")
    except OSError as error:
        raise InputError(f"{out / CONFIG}: cannot be written: {error.strerror}") from error


def note_dead_holder(out: Path, dead: str | None) -> None:
    """Say that a folder was left locked by a process that is gone."""
    if dead:
        _LOG.warning("%s: was left by %s, which is gone; its lock is taken over", out, dead)
