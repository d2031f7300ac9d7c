"""Single configurations as extended XYZ."""

from __future__ import annotations

from pathlib import Path

import ase.io
from ase import Atoms

from limlff.atomic_file import replaced_when_whole


def write_frames(path: Path, frames: Atoms | list[Atoms]) -> None:
    """Write extended XYZ, whole or not at all.

    Raises:
        OSError: If it cannot be written.
    """
    with replaced_when_whole(path) as temporary, temporary.open("w", encoding="utf-8") as file:
        ase.io.write(file, frames, format="extxyz")
