"""One run of molecular dynamics with the settings of a healing study."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from ase import Atoms

from limlff.errors import OutOfTime
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.workflows.healing.config import HealingConfig

if TYPE_CHECKING:
    from limlff.md.config import MDConfig


@dataclass(frozen=True)
class DynamicsResult:
    """How a run ended.

    Attributes:
        atoms: Last configuration with velocities; None if time was up before the end.
        speed: Wall time per atom and step (µs) of this process, compilation and analysis included;
            nan if it took no step.
    """

    atoms: Atoms | None
    speed: float

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.atoms is not None


def run_dynamics(
    config: HealingConfig,
    folder: Path,
    atoms: Atoms,
    index: int,
    length_ps: float,
    seconds: float,
    until: Callable[[TrajectoryFrame], bool],
    resume: bool = False,
) -> DynamicsResult:
    """Molecular dynamics at one of the pressures.

    Args:
        config: The study.
        folder: Folder of the run.
        atoms: Where to start. Without velocities they are drawn.
        index: Which pressure.
        length_ps: Length of the run (ps).
        seconds: Wall time after which it is left (s).
        until: Asked with each frame whether the run may end there.
        resume: Whether to go on with what is in the folder; `until` is shown its frames first.

    Raises:
        OutOfTime: If a signal came.
        GuardStop: If the run left what can be trusted.
    """
    from limlff.md.output.checkpoint import checkpoint_files, step_of_name
    from limlff.md.output.names import CHECKPOINTS
    from limlff.md.resume import resume_md
    from limlff.md.runner import run_md

    begin = time.monotonic()
    old = checkpoint_files(folder / CHECKPOINTS) if resume else []
    first = done = (step_of_name(old[-1]) or 0) if old else 0

    def note(frame: TrajectoryFrame) -> bool:
        nonlocal done
        done = frame.step
        return until(frame)

    limits: Any = {"progress": False, "max_runtime_seconds": seconds, "until": note}
    last = None
    try:
        if old:
            last = resume_md(folder, **limits).atoms
        else:
            settings = md_settings(config, atoms, index, length_ps)
            last = run_md(settings, folder, atoms, force=True, **limits).atoms
    except OutOfTime:
        if time.monotonic() - begin < seconds:
            raise  # a signal, not the limit
    wall = time.monotonic() - begin
    steps = done - first
    return DynamicsResult(last, 1e6 * wall / steps / len(atoms) if steps > 0 else math.nan)


def md_settings(config: HealingConfig, atoms: Atoms, index: int, length_ps: float) -> MDConfig:
    """Settings of the run of a study at one of its pressures."""
    from limlff.md.config import NPT, MDConfig, Output

    dynamics = config.dynamics
    every = config.steps(dynamics.frame_every_ps)
    moving = bool(np.any(atoms.get_momenta()))
    return MDConfig(
        potential=config.potential,
        seed=1000 * config.seed + 2 * index + moving,
        steps=config.steps(length_ps),
        timestep_fs=dynamics.timestep_fs,
        temperature_k=config.temperature_k,
        ensemble=NPT(
            coupling=dynamics.coupling,
            pressure_gpa=config.pressures_gpa[index],
            tau_fs=dynamics.barostat_tau_fs,
        ),
        initial_velocities="file" if moving else "maxwell_boltzmann",
        # Twice the target, because half of it goes into vibrations of a lattice at rest.
        initial_temperature_k=2 * config.temperature_k,
        output=Output(thermo_every=50, trajectory_every=every, checkpoint_every=20 * every),
        dtype=dynamics.dtype,
    )
