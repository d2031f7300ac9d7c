"""The folder of a run while the run goes on: whether it is still there, and clean at the start."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limlff import atomic_file
from limlff.errors import InputError
from limlff.folder_lock import LOCK, locked
from limlff.md.output import checkpoint as checkpoints
from limlff.md.output import trajectory_writer
from limlff.md.output.names import (
    ACCEPTED,
    CHECKPOINTS,
    CONFIG,
    EXTENDED_XYZ,
    EXTRAPOLATION,
    FINAL,
    OFFENDING,
    SUMMARY,
    THERMO,
    TRAJECTORY,
)
from limlff.outputs import FolderKind

_LOG = logging.getLogger(__name__)

RUN_FOLDER = FolderKind(
    what="a run",
    results=(CHECKPOINTS, THERMO, TRAJECTORY),
    others=(
        CONFIG,
        EXTENDED_XYZ,
        SUMMARY,
        FINAL,
        OFFENDING,
        EXTRAPOLATION,
        f"{TRAJECTORY}{trajectory_writer.PART}",
    ),
    mark=LOCK,
    advice="resume it, choose another folder, or overwrite it with --force",
)

_WRITTEN_ANEW = (CONFIG, SUMMARY, FINAL, OFFENDING, EXTRAPOLATION, THERMO, EXTENDED_XYZ)


class RunFolder:
    """A folder known by what it is, not by its name, which may become that of another one.

    Args:
        path: The folder.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        # Windows opens no folders, but does not let one go in which a file is open
        is_openable = hasattr(os, "O_DIRECTORY")
        self._descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY) if is_openable else None

    def place(self) -> Path | None:
        """Where the folder is now: at its path, where it was moved to, or nowhere."""
        if self._descriptor is None or is_same_file(self.path, self._descriptor):
            return self.path
        try:  # what Linux knows of it
            moved = Path(os.readlink(f"/proc/self/fd/{self._descriptor}"))
        except OSError:
            return None
        return moved if is_same_file(moved, self._descriptor) else None

    def close(self) -> None:
        """Let the folder go."""
        if self._descriptor is not None:
            os.close(self._descriptor)


@contextmanager
def locked_run(out: Path) -> Iterator[None]:
    """Hold the folder of a run, and say so if it was left locked by a process that is gone.

    Raises:
        InputError: If it cannot be held.
    """
    with locked(out) as dead:
        if dead:
            _LOG.warning("%s: was left by %s, which is gone; its lock is taken over", out, dead)
        yield


def is_same_file(path: Path, descriptor: int) -> bool:
    """Whether a path still names what is open."""
    try:
        return os.path.samestat(os.stat(path), os.fstat(descriptor))
    except OSError:
        return False


def claim_folder(out: Path, force: bool) -> None:
    """Clear the folder for a new run.

    Raises:
        InputError: If it holds a run already and `force` is not set, or what it holds of one
            cannot be removed.
    """
    remove_leftovers(out)
    old = [name for name in RUN_FOLDER.results if os.path.lexists(out / name)]
    if old and not force:
        raise InputError(f"{out}: holds {RUN_FOLDER.what} already ({old[0]}); {RUN_FOLDER.advice}")
    if not old:
        return
    try:
        _empty(out / CHECKPOINTS)
        for name in (THERMO, TRAJECTORY, EXTENDED_XYZ, SUMMARY, FINAL, OFFENDING, EXTRAPOLATION):
            (out / name).unlink(missing_ok=True)
    except OSError as error:
        raise InputError(
            f"{out}: the run in it cannot be removed: {error.filename}: {error.strerror}; correct "
            "its permissions or choose another folder"
        ) from error


def _empty(folder: Path) -> None:
    """Remove the checkpoints of a folder, which may be a link to one on another disk."""
    if not os.path.lexists(folder):
        return
    for path in folder.iterdir():  # an error if it is no folder, or a link to nothing
        if path.name.startswith(("step_", "damaged_step_")) or path.name == ACCEPTED:
            path.unlink()


def remove_leftovers(out: Path) -> None:
    """Remove half-written files of a process that was killed; the folder must be locked.

    Raises:
        InputError: If one cannot be removed.
    """
    atomic_file.remove_leftovers(out, _WRITTEN_ANEW)
    atomic_file.remove_leftovers(out / CHECKPOINTS, [ACCEPTED])
    parts = (out / CHECKPOINTS).glob(f"step_*{checkpoints.PART}")
    for path in (out / f"{TRAJECTORY}{trajectory_writer.PART}", *parts):
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise InputError(
                f"{path}: cannot be removed: {error.strerror}; correct its permissions"
            ) from error
