"""Folders in which tasks keep what they go on from, each marked with the key of its task."""

from __future__ import annotations

import shutil
from contextlib import suppress
from pathlib import Path

from limlff.atomic_file import write_text_whole

MARK = "task"
"""Name of the file that says whose the folder is."""


def claim(folder: Path, key: str) -> None:
    """Make the folder of a task; what another task has left there is removed.

    Checkpoints of a run from another structure, or with another potential, would else be taken for
    its own.

    Args:
        folder: The folder.
        key: Key of the task.
    """
    mark = folder / MARK
    with suppress(OSError, UnicodeError):
        if mark.read_text(encoding="ascii") == key:
            return
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    write_text_whole(mark, key)
