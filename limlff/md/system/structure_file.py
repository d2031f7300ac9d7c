"""The structure that a run starts from."""

from __future__ import annotations

from pathlib import Path

from ase import Atoms

from limlff.errors import InputError
from limlff.frames import structure
from limlff.paths import check_is_file, user_path

_PROBLEM = "cannot be read as a structure"


def read_structure(path: Path | None) -> Atoms:
    """Last frame of a structure file, with its velocities and what it holds fixed.

    Raises:
        InputError: If there is none, or it cannot be read.
    """
    if path is None:
        raise InputError("'structure' is missing; name a structure file")
    path = user_path(path)
    check_is_file(path, _PROBLEM)
    return structure.read_structure(path)
