"""The files of a run: thermo table, trajectory, checkpoints.

A folder holds thermo.csv, trajectory.h5, trajectory.extxyz if asked for, checkpoints/, md.yaml (the
configuration as it was run) and, at the end, summary.json and final.extxyz.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np

from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.extended_xyz import ExtendedXYZWriter
from limlff.md.prepare import Structure
from limlff.md.state import MDState
from limlff.md.thermo import ThermoWriter
from limlff.md.trajectory import TrajectoryFrame, TrajectoryWriter
from limlff.units import FEMTOSECOND

THERMO = "thermo.csv"
TRAJECTORY = "trajectory.h5"
EXTENDED_XYZ = "trajectory.extxyz"
CHECKPOINTS = "checkpoints"
SUMMARY = "summary.json"
FINAL = "final.extxyz"


def claim_folder(out: Path, force: bool) -> None:
    """Make the folder of a new run.

    Raises:
        InputError: If it holds a run already and `force` is not set.
    """
    old = [out / name for name in (THERMO, TRAJECTORY, CHECKPOINTS) if (out / name).exists()]
    if old and not force:
        raise InputError(
            f"{out}: holds a run already ({old[0].name}); resume it, choose another folder, or "
            "overwrite it with --force"
        )
    if old:
        for name in (THERMO, TRAJECTORY, EXTENDED_XYZ, SUMMARY, FINAL):
            (out / name).unlink(missing_ok=True)
        shutil.rmtree(out / CHECKPOINTS, ignore_errors=True)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{out}: cannot be made: {error.strerror}") from error


class RunOutput:
    """Writes what a configuration asks for, when it asks for it.

    Args:
        out: The run's folder.
        config: The configuration.
        structure: The atoms.
        written: What was written when the checkpoint was made from which the run goes on; what
            followed is cut off. None starts new files.
    """

    def __init__(
        self,
        out: Path,
        config: MDConfig,
        structure: Structure,
        written: dict[str, int] | None = None,
    ) -> None:
        self._config, self._structure = config, structure
        kept = written or {}
        periodic = structure.periodic
        self._thermo = ThermoWriter(out / THERMO, kept.get("thermo_bytes"))
        self._trajectory = TrajectoryWriter(
            out / TRAJECTORY, periodic, config.output.velocities, kept.get("frames")
        )
        self._xyz = None
        if config.output.extended_xyz:
            self._xyz = ExtendedXYZWriter(out / EXTENDED_XYZ, periodic, kept.get("xyz_bytes"))

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
        self._thermo.write(row)
        self._thermo.flush()

    def write_frame(self, state: MDState) -> TrajectoryFrame | None:
        """Append a frame to the trajectory if one belongs to this step; the last always does.

        Returns:
            The frame, if one was written.
        """
        step = int(state.step)
        if step % self._config.output.trajectory_every and step != self._config.steps:
            return None
        frame = frame_of(state, self._structure, self._config)
        self._trajectory.write(frame)
        if self._xyz:
            self._xyz.write(frame)
            self._xyz.flush()
        return frame

    def written(self) -> dict[str, int]:
        """What a checkpoint must know to cut the files later."""
        counts = {"thermo_bytes": self._thermo.flush(), "frames": len(self._trajectory)}
        if self._xyz:
            counts["xyz_bytes"] = self._xyz.flush()
        return counts

    def close(self) -> None:
        """Close all files."""
        self._thermo.close()
        self._trajectory.close()
        if self._xyz:
            self._xyz.close()


def frame_of(state: MDState, structure: Structure, config: MDConfig) -> TrajectoryFrame:
    """A state as a frame of the trajectory."""
    count, step = len(structure), int(state.step)
    velocities = None
    if config.output.velocities:
        momenta = np.asarray(state.momenta)[:count]
        velocities = momenta / structure.masses[:, None] * FEMTOSECOND
    return TrajectoryFrame(
        step=step,
        time_fs=step * config.timestep_fs,
        numbers=structure.numbers,
        positions=np.asarray(state.positions)[:count],
        cell=np.asarray(state.cell),
        velocities=velocities,
    )
