"""The files of a run: thermo table, trajectory, checkpoints.

A folder holds thermo.csv, trajectory.h5, trajectory.extxyz if asked for, checkpoints/, md.yaml (the
configuration as it was run), run.lock and, at the end, summary.json and final.extxyz. A run that a
guard stopped leaves offending.extxyz and extrapolation.extxyz.

Rows, frames and checkpoints are written by a thread, the only one that touches the open files, in
the order in which they belong into them; everything else is written by the caller.
"""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float

from limlff.errors import InputError
from limlff.md.background import BackgroundWriter
from limlff.md.checkpoint import Checkpoint, write_checkpoint
from limlff.md.config import MDConfig
from limlff.md.extended_xyz import ExtendedXYZWriter
from limlff.md.prepare import Structure
from limlff.md.state import MDState
from limlff.md.thermo import ThermoWriter
from limlff.md.trajectory import Trajectory, TrajectoryFrame, TrajectoryWriter
from limlff.units import FEMTOSECOND

THERMO = "thermo.csv"
TRAJECTORY = "trajectory.h5"
EXTENDED_XYZ = "trajectory.extxyz"
CHECKPOINTS = "checkpoints"
SUMMARY = "summary.json"
FINAL = "final.extxyz"
CONFIG = "md.yaml"
OFFENDING = "offending.extxyz"
EXTRAPOLATION = "extrapolation.extxyz"

_ROW_BYTES = 2048  # a row in memory, roughly


def claim_folder(out: Path, force: bool) -> None:
    """Clear the folder for a new run.

    Raises:
        InputError: If it holds a run already and `force` is not set.
    """
    old = [out / name for name in (CHECKPOINTS, THERMO, TRAJECTORY) if (out / name).exists()]
    if old and not force:
        raise InputError(
            f"{out}: holds a run already ({old[0].name}); resume it, choose another folder, or "
            "overwrite it with --force"
        )
    if old:
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
        for name in (THERMO, TRAJECTORY, EXTENDED_XYZ, SUMMARY, FINAL, OFFENDING, EXTRAPOLATION):
            (out / name).unlink(missing_ok=True)


def what_is_missing(out: Path, written: dict[str, int]) -> str | None:
    """Which file of a run holds less than a checkpoint says was written, or None.

    Args:
        out: The run's folder.
        written: What the checkpoint says.
    """
    for name, key in ((THERMO, "thermo_bytes"), (EXTENDED_XYZ, "xyz_bytes")):
        path = out / name
        if key in written and (not path.is_file() or path.stat().st_size < written[key]):
            return f"{path} is missing or shorter than the {written[key]} bytes written by then"
    if "frames" not in written:
        return None
    try:
        with Trajectory(out / TRAJECTORY) as trajectory:
            if len(trajectory) < written["frames"]:
                return (
                    f"{out / TRAJECTORY} has lost frames: {len(trajectory)} of {written['frames']}"
                )
            if written["frames"]:
                trajectory[written["frames"] - 1]
    except (InputError, OSError, KeyError, ValueError, RuntimeError) as error:
        return f"{out / TRAJECTORY} cannot be read ({' '.join(str(error).split())})"
    return None


class RunFiles:
    """The open files of a run, in the hands of one thread.

    Args:
        out: The run's folder.
        config: The configuration.
        periodic: Periodicity along each cell vector.
        kept: What was written when the checkpoint was made from which the run goes on; what
            followed is cut off. Empty starts new files.
    """

    def __init__(
        self,
        out: Path,
        config: MDConfig,
        periodic: Bool[np.ndarray, "3"],
        kept: dict[str, int],
    ) -> None:
        self._checkpoints = out / CHECKPOINTS
        self._thermo = ThermoWriter(out / THERMO, kept.get("thermo_bytes"))
        self._trajectory = TrajectoryWriter(
            out / TRAJECTORY,
            periodic,
            config.output.velocities,
            kept.get("frames"),
            virials=config.output.virials,
        )
        self._xyz = None
        if config.output.extended_xyz:
            self._xyz = ExtendedXYZWriter(out / EXTENDED_XYZ, periodic, kept.get("xyz_bytes"))

    def write_row(self, row: dict[str, float]) -> None:
        """Append a row to the thermo table."""
        self._thermo.write(row)
        self._thermo.flush()

    def write_frame(self, frame: TrajectoryFrame) -> None:
        """Append a frame to the trajectory."""
        self._trajectory.write(frame)
        if self._xyz:
            self._xyz.write(frame)
            self._xyz.flush()

    def write_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Write a checkpoint that counts on what was written by now; that is synced first."""
        write_checkpoint(self._checkpoints, replace(checkpoint, written=self._written()))

    def _written(self) -> dict[str, int]:
        """What a checkpoint must know to cut the files later; all of it is on the disk then."""
        self._thermo.sync()
        self._trajectory.sync()
        counts = {"thermo_bytes": self._thermo.flush(), "frames": len(self._trajectory)}
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
