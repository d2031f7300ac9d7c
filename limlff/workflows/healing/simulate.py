"""Molecular dynamics of the healing study: at each pressure a perfect crystal and a holed one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from ase import Atoms

from limlff.analysis.local_order import Order, classify
from limlff.analysis.mobility import internal_coordinates, square_displacements
from limlff.errors import OutOfTime
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.structures.lattice import bcc_supercell
from limlff.structures.void import Hole, cut_hole
from limlff.workflows.healing.analysis import (
    Neighborhood,
    RunAnalysis,
    RunSeries,
    closing_time,
)
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.dynamics import run_dynamics
from limlff.workflows.parallel import run_in_processes

Progress = Callable[[str, float, float], None]
"""Told the name of a run, its time (ps) and the missing atoms; nan where there is no hole."""


Ended = Literal["hole closed", "duration reached", "out of time"]


@dataclass(frozen=True)
class PerfectCrystal:
    """Averages over the perfect crystal at one pressure.

    Attributes:
        volume_per_atom: Volume per atom (Å^3).
        volume_error: Its standard error (Å^3), from four blocks of time; nan for a single frame.
        bcc: Fraction of atoms that the analysis finds in bcc order: one, but for its own errors.
        msd: Mean-square displacement over the study's lag (Å^2), here of vibrations alone.
    """

    volume_per_atom: float
    volume_error: float
    bcc: float
    msd: float

    @property
    def lattice_constant(self) -> float:
        """Edge of the cubic cell (Å)."""
        return float(np.cbrt(2 * self.volume_per_atom))

    @property
    def lattice_error(self) -> float:
        """Standard error of the lattice constant (Å); nan if there are too few frames for it."""
        return self.lattice_constant * self.volume_error / self.volume_per_atom / 3


@dataclass(frozen=True)
class Outcome:
    """One pressure's results.

    Attributes:
        name: Name of the run's folder.
        pressure_gpa: Pressure (GPa).
        crystal: The perfect crystal.
        hole: The hole as it was cut.
        series: Numbers against time.
        closed_at_ps: When the hole was closed; None if it was not.
        ended: Why the run ended.
        speed: Wall time per atom and step (µs); nan if this process took none.
        atoms: Number of atoms.
    """

    name: str
    pressure_gpa: float
    crystal: PerfectCrystal
    hole: Hole
    series: RunSeries
    closed_at_ps: float | None
    ended: Ended
    speed: float
    atoms: int


def simulate_all(
    config: HealingConfig, out: Path, progress: Progress, resume: bool = False
) -> list[Outcome]:
    """Run every pressure, several at a time.

    Args:
        config: The study.
        out: Folder that gets one folder for each run.
        progress: Told how the runs get on.
        resume: Whether to go on with what is in the folder.

    Raises:
        OutOfTime: If time was up before a hole could be cut, or a signal came.
    """
    count = len(config.pressures_gpa)
    at_once = min(config.processes, count)
    share = 60.0 * config.max_runtime_minutes / -(-count // at_once)
    tasks = [(config, out, index, share, resume) for index in range(count)]
    if at_once == 1:
        return [simulate(*task, progress) for task in tasks]
    return run_in_processes(simulate, tasks, at_once, progress)


def simulate(
    config: HealingConfig,
    out: Path,
    index: int,
    seconds: float,
    resume: bool,
    progress: Progress,
) -> Outcome:
    """Run one pressure.

    Args:
        config: The study.
        out: Folder of the study.
        index: Which pressure.
        seconds: Wall time that the run may take (s).
        resume: Whether to go on with what is in the folder.
        progress: Told how it gets on.
    """
    begin = time.monotonic()
    pressure = config.pressures_gpa[index]
    name = f"{pressure:g}-GPa"
    perfect, crystal = equilibrate(
        config, out / f"crystal-{name}", index, seconds, resume, progress
    )
    atoms, hole = cut_hole(
        perfect, config.hole.missing_atoms, config.hole.shape, config.hole.centre
    )
    surroundings = Neighborhood(
        centre=hole.centre,
        near=hole.radius + config.near_angstrom,
        far=hole.radius + 2 * config.near_angstrom,
    )
    analysis = RunAnalysis(1 / crystal.volume_per_atom, surroundings, config.mobility_lag_ps)

    def is_done(frame: TrajectoryFrame) -> bool:
        row = analysis.add(frame)
        progress(folder.name, frame.time_fs * 1e-3, row["missing_atoms"])
        closed = _closed_at(config, analysis)
        last = frame.time_fs * 1e-3
        return closed is not None and last >= closed + config.closed.for_ps + config.closed.go_on_ps

    left = seconds - (time.monotonic() - begin)
    folder = out / f"hole-{name}"
    duration = config.dynamics.duration_ps
    last = run_dynamics(config, folder, atoms, index, duration, left, is_done, resume)
    ended: Ended = "hole closed"
    if not last.finished:
        ended = "out of time"
    elif analysis.time_ps[-1] > config.dynamics.duration_ps - 0.5 * config.dynamics.frame_every_ps:
        ended = "duration reached"
    return Outcome(
        name=folder.name,
        pressure_gpa=pressure,
        crystal=crystal,
        hole=hole,
        series=analysis.series(),
        closed_at_ps=_closed_at(config, analysis),
        ended=ended,
        speed=last.speed,
        atoms=len(atoms),
    )


def equilibrate(
    config: HealingConfig,
    folder: Path,
    index: int,
    seconds: float,
    resume: bool,
    progress: Progress,
) -> tuple[Atoms, PerfectCrystal]:
    """A perfect crystal at the temperature and one of the pressures.

    Returns:
        Its last configuration with velocities, and its averages.

    Raises:
        OutOfTime: If the time does not suffice for it.
    """
    reference = config.reference
    atoms = bcc_supercell(config.element, config.lattice_constant, config.repeats)

    def show(frame: TrajectoryFrame) -> bool:
        progress(folder.name, frame.time_fs * 1e-3, float("nan"))
        return False

    length = reference.equilibration_ps + reference.duration_ps
    last = run_dynamics(config, folder, atoms, index, length, seconds, show, resume)
    if last.atoms is None:
        raise OutOfTime(
            f"{folder}: the perfect crystal alone took all of max_runtime_minutes = "
            f"{config.max_runtime_minutes:g}; allow more, or make reference.duration_ps shorter"
        )
    with Trajectory(folder / "trajectory.h5") as trajectory:
        frames = [f for f in trajectory if f.time_fs >= 1e3 * reference.equilibration_ps]
    volumes = np.array([abs(np.linalg.det(frame.cell)) for frame in frames]) / len(atoms)
    blocks = [block.mean() for block in np.array_split(volumes, 4) if len(block)]
    found = [np.mean(classify(f.positions, f.cell) == Order.BCC) for f in frames[::4]]
    coordinates = internal_coordinates(
        np.array([f.positions for f in frames]), np.array([f.cell for f in frames])
    )
    lag = min(round(config.mobility_lag_ps / config.dynamics.frame_every_ps), len(frames) - 1)
    averages = PerfectCrystal(
        volume_per_atom=float(volumes.mean()),
        volume_error=_standard_error(blocks),
        bcc=float(np.mean(found)),
        msd=float(square_displacements(coordinates, lag).mean()),
    )
    return last.atoms, averages


def _standard_error(blocks: list[float]) -> float:
    if len(blocks) < 2:
        return math.nan
    return float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))


def _closed_at(config: HealingConfig, analysis: RunAnalysis) -> float | None:
    rule = config.closed
    return closing_time(analysis.time_ps, analysis.missing_atoms, rule.missing_below, rule.for_ps)
