"""What a run has written so far: whether a checkpoint finds all of it, and going on without it."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from limlff.errors import InputError, shown
from limlff.md.output.checkpoint import (
    Checkpoint,
    DamagedCheckpoint,
    checkpoint_files,
    read_checkpoint,
)
from limlff.md.output.checkpoint_faults import find_fault
from limlff.md.output.names import CHECKPOINTS, EXTENDED_XYZ, THERMO, TRAJECTORY
from limlff.md.output.thermo import COLUMNS, read_rows
from limlff.md.output.trajectory import Trajectory

_LOG = logging.getLogger(__name__)

KEYS = {"thermo_bytes": THERMO, "frames": TRAJECTORY, "xyz_bytes": EXTENDED_XYZ}
"""File that an entry of `Checkpoint.written` counts; `frames_sum` is the checksum of `frames`."""


@dataclass(frozen=True)
class Start:
    """Where a run goes on from.

    Attributes:
        checkpoint: The checkpoint; what it counts on is there, or is not counted by it any more.
        passed_over: Newer ones that cannot be used.
        lost: What cannot be gone on with, a sentence for each key of `KEYS`.
    """

    checkpoint: Checkpoint
    passed_over: list[Path]
    lost: dict[str, str]


def find_start(out: Path, new_files: bool) -> Start:
    """The newest checkpoint that is whole, as is what had been written by then.

    Args:
        out: The run's folder.
        new_files: Whether a run that has lost what was written may go on with new files.

    Raises:
        InputError: If there is none.
    """
    reasons: list[str] = []
    passed_over: list[Path] = []
    without: Start | None = None  # to go on from with new files
    for path in reversed(checkpoint_files(out / CHECKPOINTS)):
        try:
            checkpoint = read_checkpoint(path)
            fault = find_fault(checkpoint)
        except DamagedCheckpoint as damage:
            reasons.append(str(damage))
        else:
            has_begun = bool(checkpoint.state.forces_known)
            lost = find_losses(out, checkpoint) if has_begun and not fault else {}
            # a start from the beginning is not preferred to what has been reached
            if not fault and not lost and (has_begun or without is None):
                return _said(Start(checkpoint, passed_over, {}), reasons)
            reasons += [f"{path}: does not fit this run: {fault}"] if fault else lost.values()
            if lost and without is None:
                without = Start(checkpoint, list(passed_over), lost)
        passed_over.append(path)
    why = "; ".join(dict.fromkeys(reasons)) or "there is none"
    if without is None:
        raise InputError(f"{out}: has no checkpoint to go on from: {why}. Start the run anew")
    if not new_files:
        raise InputError(
            f"{out}: has no checkpoint to go on from: {why}. Put back or repair what is missing, "
            f"or go on without what was written before: limlff resume {out} --new-files"
        )
    counted = without.checkpoint.written.items()
    written = {key: count for key, count in counted if key not in without.lost}
    checkpoint = replace(without.checkpoint, written=written)
    return _said(replace(without, checkpoint=checkpoint), list(without.lost.values()))


def _said(start: Start, reasons: list[str]) -> Start:
    for reason in reasons:
        _LOG.warning("%s; going on from step %d", reason, start.checkpoint.step)
    return start


def find_losses(out: Path, checkpoint: Checkpoint) -> dict[str, str]:
    """What is not there any more of what a checkpoint counts on.

    Args:
        out: The run's folder.
        checkpoint: The checkpoint, of a run that has taken its first forces.

    Returns:
        A sentence for each file that cannot be gone on with, by its key in `KEYS`.
    """
    checks: dict[str, Callable[[Path, Checkpoint, int], str | None]] = {
        "thermo_bytes": _thermo_loss,
        "frames": _frames_loss,
        "xyz_bytes": _xyz_loss,
    }
    found = {
        key: checks[key](out / name, checkpoint, checkpoint.written[key])
        for key, name in KEYS.items()
        if key in checkpoint.written
    }
    return {key: loss for key, loss in found.items() if loss is not None}


def _thermo_loss(path: Path, checkpoint: Checkpoint, kept: int) -> str | None:
    if _size(path) < kept:
        return f"{path} is missing or shorter than the {kept} bytes written by then"
    try:
        names, rows, garbled = read_rows(path, kept)
    except InputError as error:
        return str(error)
    if tuple(names) != COLUMNS:
        return f"{path} has other columns than this version writes"
    if garbled:
        line, text = next(iter(garbled.items()))
        return f"line {line} of {path} is garbled: {shown(text)!r}"
    steps = rows[:, 0]
    if not _is_before(steps, checkpoint.step) or not _ends_a_line(path, kept):
        return f"{path} is that of another run, or its rows are out of order"
    return None


def _frames_loss(path: Path, checkpoint: Checkpoint, kept: int) -> str | None:
    try:
        with Trajectory(path) as trajectory:
            if len(trajectory) < kept:
                return f"{path} has lost frames: {len(trajectory)} of {kept}"
            steps, frame, found = np.zeros(kept), None, 0
            for index in range(kept):
                frame = trajectory[index]
                steps[index] = frame.step
                found = frame.checksum(found)
                if not (np.isfinite(frame.positions).all() and np.isfinite(frame.cell).all()):
                    return f"frame {index} of {path} is damaged: it holds no finite numbers"
    except InputError as error:
        return str(error)
    # atoms come and go by events only
    same_atoms = frame is None or np.array_equal(frame.numbers, checkpoint.numbers)
    foreign = not same_atoms and not len(checkpoint.event_counts)
    foreign |= checkpoint.written.get("frames_sum", found) != found
    if foreign or not _is_before(steps, checkpoint.step):
        return f"{path} is that of another run, or its frames are out of order"
    return None


def _xyz_loss(path: Path, checkpoint: Checkpoint, kept: int) -> str | None:
    if _size(path) < kept:
        return f"{path} is missing or shorter than the {kept} bytes written by then"
    if not _ends_a_line(path, kept):
        return f"{path} is that of another run"
    return None


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else -1


def _is_before(steps: np.ndarray, last: int) -> bool:
    """Whether steps rise, from 0 or above, to one that is not after the last."""
    edges = np.concatenate([[-1], steps, [last + 1]])
    return bool(np.all(np.diff(edges) > 0))


def _ends_a_line(path: Path, length: int) -> bool:
    """Whether the first so many bytes of a file are whole lines."""
    if not length:
        return True
    with path.open("rb") as file:
        file.seek(length - 1)
        return file.read(1) == b"\n"


def set_aside(path: Path) -> None:
    """Give a file another name, so that a new one can take its place; nothing is overwritten."""
    if not os.path.lexists(path):
        return
    for number in range(1, 10_000):
        label = f"damaged_{number}" if number > 1 else "damaged"
        aside = path.with_name(f"{label}_{path.name}")
        if not os.path.lexists(aside):
            path.rename(aside)
            _LOG.warning("%s: was given the name %s", path, aside.name)
            return


def missing_before(out: Path) -> dict[str, int]:
    """Files of a run that do not begin at its start, with the step at which they do."""
    firsts = {
        THERMO: _first_row(out / THERMO),
        TRAJECTORY: _first_frame(out / TRAJECTORY),
        EXTENDED_XYZ: _first_xyz_frame(out / EXTENDED_XYZ),
    }
    return {name: step for name, step in firsts.items() if step}


def _first_row(path: Path) -> int:
    try:
        _, rows, _ = read_rows(path)
    except InputError:
        return 0
    return int(rows[0, 0]) if len(rows) else 0


def _first_frame(path: Path) -> int:
    try:
        with Trajectory(path) as trajectory:
            return trajectory[0].step if len(trajectory) else 0
    except InputError:
        return 0


def _first_xyz_frame(path: Path) -> int:
    try:
        with path.open("rb") as file:
            found = re.search(rb"step=(\d{1,18})", file.read(4096))
    except OSError:
        return 0
    return int(found[1]) if found else 0
