"""The parts of an extended XYZ file: blocks of frames, their keys, cell and columns."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TextIO

import numpy as np

from limlff.errors import InputError, shown
from limlff.frames.comment import comment_pairs
from limlff.frames.labels import names_a_label
from limlff.frames.limits import SMALLEST_VOLUME
from limlff.frames.opening import frame_of, lines_of

_NUMBER = re.compile(r"[^\s,\[\]{}]+")
_TRUE, _FALSE = {"t", "true", "1"}, {"f", "false", "0"}
# Keys of the format, which some programs write in other cases (GPUMD: all in lower case).
_FORMAT_KEYS = {name.lower(): name for name in ("Lattice", "Properties", "pbc", "config_type")}
_FORMAT_COLUMNS = ("pos", "species", "Z", "numbers", "atomic_numbers")
# Names under which other formats keep the cell; with one of them and no Lattice the frame would be
# taken for a cluster.
_OTHER_CELL = re.compile(r"cell|lattice|box|^latt?$", re.IGNORECASE)
_MOST_COLUMNS = 10_000


def blocks(file: TextIO, path: Path) -> Iterator[tuple[int, str, list[str]]]:
    """Line number of the header, comment line and lines of the atoms of each frame.

    Raises:
        InputError: If a number of atoms is missing or the file ends too early.
    """
    lines = lines_of(file, path)
    line_number, count = 0, 0
    for line in lines:
        line_number += 1
        if not line.strip():
            continue
        word = line.strip()
        if not (word.isascii() and word.isdecimal()) or len(word) > 12 or int(word) < 1:
            raise InputError(
                f"{frame_of(path, count)}: line {line_number} is '{shown(word, 40)}'; "
                "the number of atoms must stand there, 1 or more"
            )
        atoms = int(word)
        comment = next(lines, "")
        rows = [row for _, row in zip(range(atoms), lines, strict=False)]
        if len(rows) < atoms:
            raise InputError(
                f"{frame_of(path, count)}: the file ends after {len(rows)} of {atoms} atoms; "
                "it is cut off"
            )
        yield line_number, comment, rows
        line_number += 1 + atoms
        count += 1


def read_info(comment: str, origin: str) -> dict[str, str]:
    """Keys and values of a frame, the keys of the format in its own spelling.

    Raises:
        InputError: If a key that is read stands there twice with different values.
    """
    info: dict[str, str] = {}
    for key, value in comment_pairs(comment):
        name = _FORMAT_KEYS.get(key.lower(), key)
        is_read = name in _FORMAT_KEYS.values() or names_a_label(name)
        if is_read and info.get(name, value) != value:
            raise InputError(
                f"{origin}: {name} stands there twice, as '{shown(info[name], 30)}' and "
                f"'{shown(value, 30)}'; remove one"
            )
        info[name] = value
    return info


def parse_cell(info: dict[str, str], origin: str) -> tuple[np.ndarray, np.ndarray]:
    """Cell vectors (Å), shape (3, 3), and periodicity, shape (3,).

    Raises:
        InputError: If there is another key for a cell and no Lattice, or no volume where it is
            periodic.
    """
    other = next((key for key, value in info.items() if _is_other_cell(key, value)), None)
    if other is not None and "Lattice" not in info:
        raise InputError(
            f"{origin}: has a key {shown(other, 40)} but no Lattice; write the cell as "
            'Lattice="ax ay az bx by bz cx cy cz"'
        )
    cell = np.zeros((3, 3))
    if "Lattice" in info:
        cell = parse_numbers(info["Lattice"], 9, "Lattice", origin).reshape(3, 3)
    periodic = np.full(3, "Lattice" in info)
    if "pbc" in info:
        words = [word.lower() for word in _NUMBER.findall(info["pbc"].removeprefix("_JSON"))]
        if len(words) != 3 or not set(words) <= _TRUE | _FALSE:
            raise InputError(f"{origin}: pbc='{shown(info['pbc'])}'; write three of T and F")
        periodic = np.array([word in _TRUE for word in words])
    if np.any(periodic & ~np.any(cell, axis=1)) or (
        np.all(periodic) and not abs(np.linalg.det(cell)) >= SMALLEST_VOLUME
    ):
        raise InputError(f"{origin}: is periodic but its cell has no volume; write Lattice")
    return cell, periodic


def _is_other_cell(key: str, value: str) -> bool:
    """Whether a key holds a cell by its name, and by its value: three numbers or more."""
    words = _NUMBER.findall(value.removeprefix("_JSON"))
    return bool(_OTHER_CELL.search(key)) and sum(map(_is_number, words)) >= 3


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True


def column_layout(properties: str, origin: str) -> tuple[list[str], list[str], list[int]]:
    """Names, kinds and widths of the columns that `Properties` names."""
    parts = properties.split(":")
    widths = parts[2::3]
    are_numbers = all(w.isascii() and w.isdecimal() and 0 < len(w) < 6 for w in widths)
    if len(parts) % 3 or not are_numbers or not set(parts[1::3]) <= set("SRIL"):
        raise InputError(
            f"{origin}: Properties={shown(properties)}; write name:type:columns, the type one of "
            "S, R, I and L"
        )
    if sum(map(int, widths)) > _MOST_COLUMNS or "0" in widths:
        raise InputError(
            f"{origin}: Properties={shown(properties)}; a column has at least one, all have at "
            f"most {_MOST_COLUMNS}"
        )
    spelling = {name.lower(): name for name in _FORMAT_COLUMNS}
    names = [spelling.get(name.lower(), name) for name in parts[::3]]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice is not None:
        raise InputError(f"{origin}: Properties names {shown(twice, 40)} twice; rename one")
    return names, parts[1::3], list(map(int, widths))


def parse_numbers(text: str, count: int | None, key: str, origin: str) -> np.ndarray:
    """The numbers in the value of a key.

    Raises:
        InputError: If one is no number, or there are not so many.
    """
    words = _NUMBER.findall(text.removeprefix("_JSON"))
    try:
        values = np.array([_number(word) for word in words])
    except ValueError:
        raise InputError(
            f"{origin}: {key}='{shown(text)}' is no number; write it in digits"
        ) from None
    if count is not None and len(values) != count:
        raise InputError(f"{origin}: {key} has {len(values)} numbers; it must have {count}")
    return values


def _number(word: str) -> float:
    if "_" in word:  # digits in groups, for Python only
        raise ValueError
    return float(word)
