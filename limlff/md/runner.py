"""Molecular dynamics from a configuration, or from a checkpoint, to a folder of results."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import yaml
from ase import Atoms

from limlff.calculator import load
from limlff.errors import InputError
from limlff.md import output as files
from limlff.md.checkpoint import potential_digest, read_checkpoint
from limlff.md.config import MDConfig
from limlff.md.engine import Engine, roomy_capacity
from limlff.md.output import claim_folder
from limlff.md.prepare import (
    Structure,
    build_integrator,
    check_structure,
    first_state,
    read_structure,
)
from limlff.md.run import MDResult, Run
from limlff.md.trajectory import TrajectoryFrame
from limlff.neighbors.host import Capacity
from limlff.potential import Potential


def run_md(
    config: MDConfig,
    out: Path,
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
        OutOfTime: If time was up or a signal came; `resume_md` goes on.
    """
    potential = potential or load(config.potential)
    atoms = atoms if atoms is not None else read_structure(config.structure)
    structure = check_structure(atoms, config)
    table = structure.table(potential, max(atom_slots or 0, len(structure)))
    engine = Engine(
        potential, build_integrator(config, structure), config.precision, config.skin_angstrom
    )
    state = first_state(atoms, structure, table, config, engine.integrator)
    capacity = capacity or roomy_capacity(
        atoms.positions, np.asarray(state.cell), structure.periodic, engine.list_radius
    )
    claim_folder(out, force)
    settings = yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False)
    (out / "md.yaml").write_text(settings, encoding="utf-8")
    run = Run(config, out, structure, table, engine, state, capacity, until)
    run.rebuild()
    return run.to_the_end(None, progress, max_runtime_seconds)


def resume_md(
    out: Path,
    potential: Potential | None = None,
    progress: bool = True,
    *,
    max_runtime_seconds: float | None = None,
) -> MDResult:
    """Go on with a run from its newest checkpoint, bit for bit as if it had not stopped.

    Args:
        out: The run's folder.
        potential: Potential in place of the configuration's; must be the same one.
        progress: Whether to show progress.
        max_runtime_seconds: Wall time after which the run is left with a checkpoint (s).

    Raises:
        InputError: If there is no checkpoint, or the potential is another one.
        GuardStop: If the run left what can be trusted.
        OutOfTime: If time was up or a signal came.
    """
    checkpoint = read_checkpoint(out / files.CHECKPOINTS)
    config = MDConfig.model_validate_json(checkpoint.config)
    potential = potential or load(config.potential)
    if potential_digest(potential) != checkpoint.potential:
        raise InputError(
            f"{out}: was run with another potential than {config.potential} is now; resume with "
            "the same file, or start a new run"
        )
    structure = Structure(
        checkpoint.numbers, checkpoint.masses, checkpoint.mobile, checkpoint.periodic
    )
    table = structure.table(potential, len(checkpoint.state.positions))
    engine = Engine(
        potential, build_integrator(config, structure), config.precision, config.skin_angstrom
    )
    run = Run(config, out, structure, table, engine, checkpoint.state, checkpoint.capacity)
    run.rebuild(checkpoint.list_positions, checkpoint.list_cell)
    return run.to_the_end(checkpoint.written, progress, max_runtime_seconds)
