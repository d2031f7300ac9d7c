"""Where a run of a study works: its folders, the time allowed, and its molecular dynamics."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from ase import Atoms

from limlff.errors import OutOfTime
from limlff.md.output.names import CHECKPOINTS, THERMO, TRAJECTORY
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.workflows.series import Observer
from limlff.workflows.stages import folder_name

if TYPE_CHECKING:
    from limlff.md.config import MDConfig


@dataclass(frozen=True)
class News:
    """How a run gets on.

    Attributes:
        run: Name of the run.
        folder: Name of the folder in which it is at work.
        time_ps: Simulated time there (ps).
        note: What else there is to say.
    """

    run: str
    folder: str
    time_ps: float
    note: str


Tell = Callable[[News], None]


@dataclass(frozen=True)
class DynamicsResult:
    """How molecular dynamics ended.

    Attributes:
        atoms: Last configuration with velocities; None if time was up before the end.
        steps: Steps that this process took.
        wall_seconds: Time that it took, compilation and analysis included (s).
        start_atoms: Number of atoms at the start of the run.
    """

    atoms: Atoms | None
    steps: int
    wall_seconds: float
    start_atoms: int

    @property
    def speed(self) -> float:
        """Wall time per atom and step (µs) of this process; nan if it took no step."""
        if not self.steps:
            return math.nan
        return 1e6 * self.wall_seconds / self.steps / self.start_atoms

    @property
    def finished(self) -> bool:
        """Whether it came to its end."""
        return self.atoms is not None


@dataclass(frozen=True)
class Workspace:
    """One run's place in the folder of a study.

    Attributes:
        out: Folder of the study.
        run: Name of the run.
        deadline: When the run must be left, on the clock of `time.monotonic` (s).
        resume: Whether to go on with what is in the folders.
        tell: Told how the run gets on.
    """

    out: Path
    run: str
    deadline: float
    resume: bool
    tell: Tell

    def folder(self, stage: str) -> Path:
        """Folder of a stage of the run."""
        return self.out / folder_name(stage, self.run)

    def frames(self, stage: str) -> Iterator[TrajectoryFrame]:
        """The stored frames of a stage, in the order of time."""
        with Trajectory(self.folder(stage) / TRAJECTORY) as trajectory:
            yield from trajectory

    def temperature_k(self, stage: str, after: float) -> float:
        """Mean temperature of a stage without its first part (K)."""
        from limlff.md.output.thermo import read_thermo

        kelvin = np.asarray(read_thermo(self.folder(stage) / THERMO)["temperature_k"])
        return float(kelvin[min(len(kelvin) - 1, round(after * len(kelvin))) :].mean())

    def dynamics(
        self, stage: str, settings: MDConfig, atoms: Atoms, observer: Observer
    ) -> DynamicsResult:
        """Molecular dynamics in the folder of a stage, as long as time allows.

        Args:
            stage: One of the study's stages.
            settings: The run.
            atoms: Where to start. Without velocities they are drawn.
            observer: Shown every frame of the trajectory, also those from before a resumption; it
                says when the run may end early.

        Raises:
            OutOfTime: If a signal came.
            GuardStop: If the run left what can be trusted.
        """
        from limlff.md.output.checkpoint import checkpoint_files, step_of_name
        from limlff.md.resume import resume_within
        from limlff.md.run.limits import RunLimits
        from limlff.md.runner import run_within

        folder = self.folder(stage)
        begin = time.monotonic()
        seconds = self.deadline - begin
        old = checkpoint_files(folder / CHECKPOINTS) if self.resume else []
        first = done = (step_of_name(old[-1]) or 0) if old else 0

        def until(frame: TrajectoryFrame) -> bool:
            nonlocal done
            done = frame.step
            observer.add(frame)
            self.tell(News(self.run, folder.name, frame.time_fs * 1e-3, observer.note))
            return observer.is_done

        limits = RunLimits(seconds, until)
        last = None
        try:
            if old:
                last = resume_within(limits, folder, progress=False).atoms
            else:
                last = run_within(limits, settings, folder, atoms, None, False, force=True).atoms
        except OutOfTime:
            if time.monotonic() < self.deadline:
                raise  # a signal, not the limit
        return DynamicsResult(last, max(0, done - first), time.monotonic() - begin, len(atoms))
