"""The one entry to all readers: frames of any file or folder that is understood."""

from __future__ import annotations

from pathlib import Path

from limlff.errors import InputError
from limlff.frames.extxyz import read_extxyz
from limlff.frames.frame import Frame
from limlff.frames.source import FrameSource


def read_frames(path: Path | str) -> list[Frame]:
    """Read all frames of a file or folder; labels that it does not hold are None.

    Args:
        path: Extended XYZ.

    Returns:
        The frames; their origin names the file and the frame's number, counted from 0.

    Raises:
        InputError: If the file is missing or cannot be understood.
    """
    return list(read_source(Path(path)).frames)


def read_source(path: Path) -> FrameSource:
    """Like `read_frames`, with the keys under which labels were found and remarks."""
    if not path.exists():
        raise InputError(f"{path}: there is no such file; check the name")
    return read_extxyz(path)
