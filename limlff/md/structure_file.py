"""The structure that a run starts from."""

from __future__ import annotations

import codecs
import warnings
from pathlib import Path

import ase.io
from ase import Atoms
from ase.io.formats import UnknownFileTypeError

from limlff.errors import InputError, shown
from limlff.paths import check_is_file, user_path

_PROBLEM = "cannot be read as a structure"


def read_structure(path: Path | None) -> Atoms:
    """Last frame of a structure file.

    Raises:
        InputError: If there is none, or it cannot be read.
    """
    if path is None:
        raise InputError("'structure' is missing; name a structure file")
    path = user_path(path)
    check_is_file(path, _PROBLEM)
    try:
        with warnings.catch_warnings():  # what is wrong is said in one line
            warnings.simplefilter("ignore")
            atoms = ase.io.read(path, do_not_split_by_at_sign=True)
    except Exception as error:  # ASE's readers raise anything on damaged files
        raise InputError(f"{shown(path)}: {_PROBLEM}: {_reason(error, path)}") from error
    if not isinstance(atoms, Atoms):
        raise InputError(f"{shown(path)}: {_PROBLEM}: it holds no atoms")
    return atoms


def _reason(error: Exception, path: Path) -> str:
    """Why ASE failed, in words that need no knowledge of its code."""
    with path.open("rb") as file:
        start = file.read(3)
    if not start:
        return "it is empty"
    if start == codecs.BOM_UTF8:
        return "it begins with an invisible byte order mark; save it as UTF-8 without one"
    if isinstance(error, UnknownFileTypeError):
        return (
            "ASE knows no format of this name and content; write extended XYZ (.extxyz), POSCAR, "
            ".cif or .traj"
        )
    said = shown(" ".join(str(error).split()))
    if isinstance(error, ValueError | OSError) and said:
        return f"{said}; is it damaged, or of another format than its name says?"
    return "is it damaged, cut short, or of another format than its name says?"
