"""Initial structures: the last image of a file, with its velocities and fixed atoms.

Labels do not matter here: a file that `limlff.frames.read` refuses for its labels can be read.
"""

from __future__ import annotations

import io
import logging
import re
from collections import deque
from pathlib import Path

from ase import Atoms

from limlff.errors import InputError, shown
from limlff.frames.ase_files import find_format, read_images
from limlff.frames.extxyz_layout import blocks, column_layout, parse_cell, read_info
from limlff.frames.limits import element_numbers
from limlff.frames.opening import open_text, plain_file, require_file
from limlff.frames.selective_dynamics import fix_atoms_as_poscar
from limlff.frames.source import FrameSource

_LOG = logging.getLogger(__name__)

_MOVE_MASK = "move_mask"
"""Column that ASE reads as fixed atoms."""
_HOLDS = re.compile(
    r"fix(ed)?(_?mask|_?atoms?)?|frozen(_?mask|_?atoms?)?|constrain(t|ts|ed)|mov(e|able|eable)|"
    r"mobile|selective_dynamics",
    re.IGNORECASE,
)
"""Columns by which other programs mean fixed atoms, without a common rule."""


def read_structure(path: Path) -> Atoms:
    """Last image of a structure file, with its constraints and momenta.

    Args:
        path: A file that ASE reads, also compressed; a sign @ in its name is part of the name.

    Raises:
        InputError: If it is missing, no ordinary file, cannot be read, or holds no atoms.
    """
    require_file(path, "cannot be read as a structure")
    try:
        atoms = _read_last(path)
    except InputError:
        raise
    except Exception as error:  # ASE's readers raise anything on damaged files
        raise InputError(
            f"{shown(path)}: cannot be read as a structure: {shown(str(error))}; check the file"
        ) from error
    if not len(atoms):
        raise InputError(f"{shown(path)}: holds no atoms; give a structure with at least one")
    element_numbers(atoms.numbers, path.name)
    return atoms


def _read_last(path: Path) -> Atoms:
    with plain_file(path) as plain:
        if plain.suffix.lower() in (".xyz", ".extxyz"):
            return _read_last_extxyz(plain, path)
        kind = find_format(plain, path)
        images = read_images(plain, kind, path, FrameSource(str(path)))
        if images and kind == "vasp":
            fix_atoms_as_poscar(images[-1], plain)
    if not images:
        raise InputError(f"{shown(path)}: has no frames; give a file with at least one")
    return images[-1]


def _read_last_extxyz(plain: Path, path: Path) -> Atoms:
    """Last frame of extended XYZ, keys of the format in any case."""
    from ase.io import read  # slow to import

    with open_text(plain) as file:
        last = deque(blocks(file, path), maxlen=1)
    if not last:
        raise InputError(f"{shown(path)}: has no frames; give a file with at least one")
    _, comment, rows = last[0]
    text = f"{len(rows)}\n{_geometry_of(comment, path)}\n{''.join(rows)}\n"
    return read(io.StringIO(text), format="extxyz")


def _geometry_of(comment: str, path: Path) -> str:
    """What a comment line says of cell and columns, in the spelling that ASE knows."""
    info = read_info(comment, path.name)
    cell, periodic = parse_cell(info, path.name)
    parts = [f'pbc="{" ".join("FT"[int(flag)] for flag in periodic)}"']
    if "Lattice" in info:
        parts.append(f'Lattice="{" ".join(map(repr, cell.ravel().tolist()))}"')
    if "Properties" in info:
        names, kinds, widths = column_layout(info["Properties"], path.name)
        names = [_MOVE_MASK if name.lower() == _MOVE_MASK else name for name in names]
        for name in filter(_HOLDS.fullmatch, names):
            _LOG.warning(
                "%s: the column %s holds no atom; name the atoms with 'frozen', or call it "
                "%s:L:1 (F is fixed)",
                shown(path),
                shown(name, 40),
                _MOVE_MASK,
            )
        columns = zip(names, kinds, map(str, widths), strict=True)
        parts.append("Properties=" + ":".join(":".join(column) for column in columns))
    return " ".join(parts)
