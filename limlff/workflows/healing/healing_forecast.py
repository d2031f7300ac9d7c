"""What a healing study will take, said before it begins."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from limlff.md.output.trajectory import TrajectoryFrame
from limlff.progress import duration
from limlff.workflows.healing.analysis import Neighborhood, Reference, RunAnalysis
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.plan import HealingRun
from limlff.workflows.parallel import run_in_processes

TRIED = 3e9
"""Atoms times steps of a study, an hour or two, from which on a few steps are tried first."""

BYTES_PER_FRAME = 150
"""Memory that each atom takes in each frame of a run, for its way and its order."""


@dataclass(frozen=True)
class Trial:
    """What a few steps of the largest run took.

    Attributes:
        step_seconds: Wall time per atom and step (s).
        frame_seconds: Wall time of the analysis per atom and frame (s).
        memory_mb: Memory of the process (MB).
    """

    step_seconds: float
    frame_seconds: float
    memory_mb: float


def forecast_study(settings: HealingConfig, runs: Sequence[HealingRun]) -> str:
    """Runs, atoms and steps; of a long study also time and memory, from a trial."""
    sites = [run.sites for run in runs]
    total = sum(run.atom_steps for run in runs)
    text = (
        f"{len(runs)} runs of {min(sites)} to {max(sites)} sites, together at most {total:.2g} "
        "atoms "
        "times steps"
    )
    if total < TRIED:
        return text
    largest = max(runs, key=lambda run: run.sites)
    trial = run_in_processes(_trial_of_run, [(largest,)], 1, _unheard)[0]
    return f"{text}; {told(settings, runs, trial)}"


def told(settings: HealingConfig, runs: Sequence[HealingRun], trial: Trial) -> str:
    """Time and memory of all runs, from what a few steps took."""
    steps = sum(run.atom_steps for run in runs)
    frames = sum(run.sites * _frames(run) for run in runs)
    seconds = steps * trial.step_seconds + frames * trial.frame_seconds
    at_once = min(settings.processes, len(runs))
    memory = trial.memory_mb + max(
        1e-6 * BYTES_PER_FRAME * run.sites * _frames(run) for run in runs
    )
    return (
        f"{1e6 * trial.step_seconds:.2f} µs per atom and step, {1e6 * trial.frame_seconds:.0f} µs "
        "per "
        f"atom and analysed frame: at most {duration(seconds)} of one core, "
        f"{duration(seconds / at_once)} with {at_once} processes (max_runtime_minutes allows "
        f"{duration(60 * settings.max_runtime_minutes)}; holes that close end their runs); up to "
        f"{memory / 1e3:.1f} GB in each process"
    )


def _frames(run: HealingRun) -> int:
    return round(run.duration_ps / run.frame_every_ps) + 1


def _trial_of_run(run: HealingRun, tell: Callable[..., None]) -> Trial:
    """A few steps of a run's perfect crystal, and the analysis of one frame."""
    from limlff.md.runner import forecast_of
    from limlff.structures.host import build_host

    atoms = build_host(run.host, run.lattice)
    forecast = forecast_of(run.crystal_md, atoms)
    surroundings = Neighborhood(np.full(3, 0.5), run.near_angstrom, 2 * run.near_angstrom)
    reference = Reference(len(atoms) / atoms.get_volume())
    analysis = RunAnalysis(reference, surroundings, run.lag_ps, run.closed, run.has_volume)
    begin = time.perf_counter()
    analysis.add(TrajectoryFrame(0, 0.0, atoms.numbers, atoms.positions, atoms.cell.array))
    return Trial(
        step_seconds=forecast.seconds_per_step / forecast.atoms,
        frame_seconds=(time.perf_counter() - begin) / len(atoms),
        memory_mb=forecast.memory_mb,
    )


def _unheard(*news: object) -> None:
    """Nothing is told of a trial."""
