"""The structure that a run starts from."""

from __future__ import annotations

from pathlib import Path

from ase import Atoms

from limlff.errors import InputError
from limlff.frames import structure
from limlff.paths import user_path


def read_structure(path: Path | None) -> Atoms:
    """Last frame of a structure file, with its velocities and what it holds fixed.

    Raises:
        InputError: If there is none, or it cannot be read.
    """
    if path is None:
        raise InputError("'structure' is missing; name a structure file")
    return structure.read_structure(user_path(path))
