"""The files of a run: thermo table, trajectory, checkpoints.

A folder holds thermo.csv, trajectory.h5, trajectory.extxyz if asked for, checkpoints/, md.yaml (the
configuration as it was run), run.lock and, at the end, summary.json and final.extxyz. A run that a
guard stopped leaves offending.extxyz and extrapolation.extxyz.

Rows, frames and checkpoints are written by a thread, the only one that touches the open files, in
the order in which they belong into them; everything else is written by the caller.
"""

from __future__ import annotations

from contextlib import ExitStack, closing
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from limlff.errors import OutOfTime
from limlff.md.config import MDConfig
from limlff.md.output.background import BackgroundWriter
from limlff.md.output.checkpoint import Checkpoint, write_checkpoint
from limlff.md.output.extended_xyz import ExtendedXYZWriter
from limlff.md.output.names import CHECKPOINTS, EXTENDED_XYZ, THERMO, TRAJECTORY
from limlff.md.output.run_folder import RunFolder, is_same_file
from limlff.md.output.thermo import ThermoWriter
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.md.output.trajectory_writer import TrajectoryWriter
from limlff.md.system.state import MDState
from limlff.md.system.structure import Structure
from limlff.units import FEMTOSECOND

_ROW_BYTES = 2048  # a row in memory, roughly


class RunFiles:
    """The open files of a run, in the hands of one thread.

    Args:
        out: The run's folder.
        config: The configuration.
        periodic: Periodicity along each cell vector.
        kept: What was written when the checkpoint was made from which the run goes on; what
            followed is cut off. A file that it does not mention is started anew.
    """

    def __init__(
        self,
        out: Path,
        config: MDConfig,
        periodic: Bool[np.ndarray, "3"],
        kept: dict[str, int],
    ) -> None:
        with ExitStack() as opened:  # closed if a later one fails, as on a full disk
            self._folder = opened.enter_context(closing(RunFolder(out)))
            self._thermo = opened.enter_context(
                closing(ThermoWriter(out / THERMO, kept.get("thermo_bytes")))
            )
            self._trajectory = opened.enter_context(
                closing(
                    TrajectoryWriter(
                        out / TRAJECTORY,
                        periodic,
                        config.output.velocities,
                        kept.get("frames"),
                        virials=config.output.virials,
                    )
                )
            )
            self._xyz = None
            if config.output.extended_xyz:
                self._xyz = ExtendedXYZWriter(out / EXTENDED_XYZ, periodic, kept.get("xyz_bytes"))
            opened.pop_all()
        # unknown for the frames of a checkpoint of before
        self._frames_sum = kept.get("frames_sum") if "frames" in kept else 0

    def write_row(self, row: dict[str, float]) -> None:
        """Append a row to the thermo table."""
        self._thermo.write(row)
        self._thermo.flush()

    def write_frame(self, frame: TrajectoryFrame) -> None:
        """Append a frame to the trajectory."""
        self._trajectory.write(frame)
        if self._frames_sum is not None:
            self._frames_sum = frame.checksum(self._frames_sum)
        if self._xyz:
            self._xyz.write(frame)
            self._xyz.flush()

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint that counts on what was written by now; that is synced first.

        Raises:
            OutOfTime: If somebody has removed or moved the folder, or one of the files.
        """
        out, place = self._folder.path, self._folder.place()
        if place is None:
            raise OutOfTime(
                f"{out}: was removed while the run was at step {checkpoint.step}, with all that it "
                "held; start the run anew"
            )
        write_checkpoint(place / CHECKPOINTS, replace(checkpoint, written=self._written()))
        left = f"{out}: left at step {checkpoint.step}, with a checkpoint, because"
        if place != out:
            raise OutOfTime(
                f"{left} the folder was moved to {place}; go on with: limlff resume {place}"
            )
        open_files = [(THERMO, self._thermo.fileno()), (TRAJECTORY, self._trajectory.fileno())]
        if self._xyz:
            open_files.append((EXTENDED_XYZ, self._xyz.fileno()))
        for name, descriptor in open_files:
            if not is_same_file(out / name, descriptor):
                raise OutOfTime(
                    f"{left} {name} was removed, moved or replaced; put it back, then go on with: "
                    f"limlff resume {out}, or go on without it by --new-files"
                )

    def _written(self) -> dict[str, int]:
        """What a checkpoint must know to cut the files later; all of it is on the disk then."""
        self._thermo.sync()
        self._trajectory.sync()
        counts = {"thermo_bytes": self._thermo.flush(), "frames": len(self._trajectory)}
        if self._frames_sum is not None:
            counts["frames_sum"] = self._frames_sum
        if self._xyz:
            self._xyz.sync()
            counts["xyz_bytes"] = self._xyz.flush()
        return counts

    def close(self) -> None:
        """Close all files."""
        self._thermo.close()
        self._trajectory.close()
        if self._xyz:
            self._xyz.close()
        self._folder.close()


class RunOutput:
    """Has written what a configuration asks for, when it asks for it.

    Rows, frames and checkpoints are copied and handed over to a thread. A failure of it, such as
    the OSError of a full disk, is raised by the next call.

    Args:
        out: The run's folder.
        config: The configuration.
        periodic: Periodicity along each cell vector.
        written: What was written when the checkpoint was made from which the run goes on; what
            followed is cut off. None starts new files.
    """

    def __init__(
        self,
        out: Path,
        config: MDConfig,
        periodic: Bool[np.ndarray, "3"],
        written: dict[str, int] | None = None,
    ) -> None:
        self._config = config
        self._writer = BackgroundWriter()
        try:
            self._files = self._writer.ask(lambda: RunFiles(out, config, periodic, written or {}))
        except BaseException:
            self._writer.close(lambda: None)
            raise

    def thermo_is_due(self, step: int) -> bool:
        """Whether a row belongs to this step; the last step always has one."""
        return step % self._config.output.thermo_every == 0 or step == self._config.steps

    def next_step(self, step: int) -> int:
        """The first step after this one at which something is written."""
        output, last = self._config.output, self._config.steps
        intervals = (output.thermo_every, output.trajectory_every, output.checkpoint_every)
        return min(last, *((step // interval + 1) * interval for interval in intervals))

    def checkpoint_is_due(self, step: int) -> bool:
        """Whether a checkpoint belongs to this step."""
        return step > 0 and (
            step % self._config.output.checkpoint_every == 0 or step == self._config.steps
        )

    def write_row(self, row: dict[str, float]) -> None:
        """Append a row to the thermo table."""
        own = dict(row)
        self._writer.hand_over(lambda: self._files.write_row(own), _ROW_BYTES)

    def frame_is_due(self, step: int) -> bool:
        """Whether a frame belongs to this step; the last step always has one."""
        return step % self._config.output.trajectory_every == 0 or step == self._config.steps

    def write_frame(
        self,
        state: MDState,
        structure: Structure,
        virials: Float[np.ndarray, "atoms 3 3"] | None = None,
    ) -> TrajectoryFrame:
        """Append a frame to the trajectory.

        Returns:
            The frame as it is stored.
        """
        frame = replace(frame_of(state, structure, self._config), virials=virials)
        self._writer.hand_over(lambda: self._files.write_frame(frame), frame.size_bytes)
        return frame.as_stored()

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint after the rows and frames before it; what they hold is filled in."""
        own = checkpoint.copied()
        self._writer.hand_over(lambda: self._files.write_checkpoint(own), own.size_bytes)

    def wait(self) -> None:
        """Wait until everything is written.

        Raises:
            OSError: If it could not be written.
        """
        self._writer.wait()

    def close(self) -> None:
        """Close all files, after what is still to be written; `wait` tells of failures."""
        self._writer.close(self._files.close)


def frame_of(state: MDState, structure: Structure, config: MDConfig) -> TrajectoryFrame:
    """A state as a frame of the trajectory, which shares no memory with it."""
    count, step = len(structure), int(state.step)
    velocities = None
    if config.output.velocities:
        momenta = np.asarray(state.momenta)[:count]
        velocities = momenta / structure.masses[:, None] * FEMTOSECOND
    return TrajectoryFrame(
        step=step,
        time_fs=step * config.timestep_fs,
        numbers=np.array(structure.numbers),
        positions=np.array(state.positions[:count]),
        cell=np.array(state.cell),
        velocities=velocities,
    )
