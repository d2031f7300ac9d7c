"""Extended XYZ files, also compressed: read with their label keys, and written.

An own reader, because ASE's moves energies, forces and stresses out of sight into a calculator,
depending on their names, and overwrites one that is there twice. The format is that of
https://github.com/libAtoms/extxyz: a line with the number of atoms, a line of key=value, and a line
per atom with the columns that `Properties` names.
"""

from __future__ import annotations

import bz2
import gzip
import lzma
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TextIO

import numpy as np
from ase.data import atomic_numbers

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.frames.labels import LabelKeys, choose_label_keys, full_stress, stress_from_virial
from limlff.frames.source import STRESS_WITHOUT_PERIODICITY, FrameSource, has_stress_meaning

_PAIR = re.compile(
    r"""([^\s=]+)\s*=\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*'|\{[^}]*\}|\[.*?\](?=\s|$)|\S+)"""
)
_NUMBER = re.compile(r"[^\s,\[\]{}]+")
_TRUE, _FALSE = {"t", "true", "1"}, {"f", "false", "0"}
_OPENERS = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}


def open_text(path: Path, mode: str = "rt") -> TextIO:
    """Open a text file that may be compressed, by its suffix."""
    opener = _OPENERS.get(path.suffix.lower(), open)
    return opener(path, mode, encoding="utf-8")  # type: ignore[operator]


def read_extxyz(path: Path) -> FrameSource:
    """Read all frames of an extended XYZ file, plain or compressed (.gz, .xz, .bz2).

    Args:
        path: The file. Energies in eV, forces in eV/Å, stresses in eV/Å^3 and positive in tension,
            virials in eV and positive in compression.

    Raises:
        InputError: If a frame cannot be understood; frames are counted from 0.
    """
    source = FrameSource(str(path))
    frames: list[Frame] = []
    with open_text(path) as file:
        try:
            for header, comment, rows in _blocks(file, path.name):
                origin = f"{path.name}, frame {len(frames)}"
                frames.append(_parse_frame(comment, rows, origin, header, source))
        except (UnicodeDecodeError, EOFError, lzma.LZMAError, gzip.BadGzipFile) as error:
            raise InputError(f"{path}: is no readable text: {error}") from error
    source.frames = frames
    return source


def _blocks(file: TextIO, name: str) -> Iterator[tuple[int, str, list[str]]]:
    """Line number of the header, comment line and lines of the atoms of each frame."""
    line_number, count = 0, 0
    for line in file:
        line_number += 1
        if not line.strip():
            continue
        header = line_number
        try:
            atoms = int(line)
        except ValueError:
            raise InputError(
                f"{name}, frame {count}: line {header} is '{line.strip()[:40]}'; "
                "the number of atoms must stand there"
            ) from None
        comment = next(file, "")
        rows = [row for _, row in zip(range(atoms), file, strict=False)]
        if len(rows) < atoms:
            raise InputError(
                f"{name}, frame {count}: the file ends after {len(rows)} of {atoms} atoms; "
                "it is cut off"
            )
        line_number += 1 + atoms
        count += 1
        yield header, comment, rows


def _parse_frame(
    comment: str, rows: list[str], origin: str, header: int, source: FrameSource
) -> Frame:
    info = parse_comment(comment)
    columns = _parse_columns(info.get("Properties", "species:S:1:pos:R:3"), rows, origin, header)
    cell, periodic = _parse_cell(info, origin)
    keys = choose_label_keys(info, columns)
    for key, taken in keys.passed_over:
        # the same text twice is no choice that a user need know of
        if key in columns or info[key] != info[taken]:
            source.remark(f"{key} is there too, and {taken} was taken")
    energy = None if keys.energy is None else _numbers(info[keys.energy], 1, keys.energy, origin)[0]
    stress = _parse_stress(info, keys, cell, periodic, origin, source)
    source.count_keys(keys.energy, keys.forces, keys.stress if stress is not None else None)
    return Frame(
        numbers=_parse_elements(columns, origin),
        positions=_column(columns, "pos", origin),
        cell=cell,
        periodic=periodic,
        energy=None if energy is None else float(energy),
        forces=None if keys.forces is None else _column(columns, keys.forces, origin),
        stress=stress,
        group=info.get("config_type", info.get("group", "")),
        origin=origin,
    )


def parse_comment(line: str) -> dict[str, str]:
    """Keys and values of a comment line, values as text without their quotes."""
    values = {}
    for key, value in _PAIR.findall(line):
        if value[0] in "\"'":
            value = re.sub(r"\\(.)", r"\1", value[1:-1])
        values[key.strip("\"'")] = value
    return values


def _numbers(text: str, count: int | None, key: str, origin: str) -> np.ndarray:
    words = _NUMBER.findall(text.removeprefix("_JSON"))
    try:
        values = np.array([float(word) for word in words])
    except ValueError:
        raise InputError(f"{origin}: {key}='{text}' is no number; write it in digits") from None
    if count is not None and len(values) != count:
        raise InputError(f"{origin}: {key} has {len(values)} numbers; it must have {count}")
    return values


def _parse_cell(info: dict[str, str], origin: str) -> tuple[np.ndarray, np.ndarray]:
    cell = np.zeros((3, 3))
    if "Lattice" in info:
        cell = _numbers(info["Lattice"], 9, "Lattice", origin).reshape(3, 3)
    periodic = np.full(3, "Lattice" in info)
    if "pbc" in info:
        words = [word.lower() for word in _NUMBER.findall(info["pbc"].removeprefix("_JSON"))]
        if len(words) != 3 or not set(words) <= _TRUE | _FALSE:
            raise InputError(f"{origin}: pbc='{info['pbc']}'; write three of T and F")
        periodic = np.array([word in _TRUE for word in words])
    if np.any(periodic & ~np.any(cell, axis=1)) or (
        np.all(periodic) and abs(np.linalg.det(cell)) < 1e-6
    ):
        raise InputError(f"{origin}: is periodic but its cell has no volume; write Lattice")
    return cell, periodic


def _parse_stress(
    info: dict[str, str],
    keys: LabelKeys,
    cell: np.ndarray,
    periodic: np.ndarray,
    origin: str,
    source: FrameSource,
) -> np.ndarray | None:
    if keys.stress is None:
        return None
    if not has_stress_meaning(periodic):
        source.remark(STRESS_WITHOUT_PERIODICITY)
        return None
    tensor = full_stress(_numbers(info[keys.stress], None, keys.stress, origin), origin)
    if keys.stress_is_virial:
        return stress_from_virial(tensor, abs(np.linalg.det(cell)))
    return tensor


def _parse_columns(
    properties: str, rows: list[str], origin: str, header: int
) -> dict[str, np.ndarray]:
    """Columns by name: text of shape (atoms, 1), numbers of shape (atoms, width)."""
    parts = properties.split(":")
    if len(parts) % 3 or not all(width.isdigit() for width in parts[2::3]):
        raise InputError(f"{origin}: Properties={properties}; write name:type:columns")
    widths = [int(width) for width in parts[2::3]]
    table = [row.split() for row in rows]
    for number, row in enumerate(table):
        if len(row) < sum(widths):
            raise InputError(
                f"{origin}: line {header + 2 + number} has {len(row)} columns; "
                f"Properties names {sum(widths)}"
            )
    columns, start = {}, 0
    for name, kind, width in zip(parts[::3], parts[1::3], widths, strict=True):
        words = [row[start : start + width] for row in table]
        start += width
        try:
            kind_of_array = float if kind in "RI" else str
            columns[name] = np.array(words, kind_of_array).reshape(len(rows), width)
        except ValueError as error:
            raise InputError(f"{origin}: column {name}: {error}; write numbers") from None
    return columns


def _column(columns: dict[str, np.ndarray], name: str, origin: str) -> np.ndarray:
    values = columns.get(name)
    if values is None or values.shape[1] != 3 or values.dtype.kind != "f":
        raise InputError(f"{origin}: {name} must be a column {name}:R:3 in Properties")
    return values


def _parse_elements(columns: dict[str, np.ndarray], origin: str) -> np.ndarray:
    for name in ("Z", "numbers", "atomic_numbers"):
        if name in columns and "species" not in columns:
            return columns[name][:, 0].astype(int)
    if "species" not in columns:
        raise InputError(f"{origin}: has no elements; write species:S:1 in Properties")
    symbols = columns["species"][:, 0]
    unknown = {str(symbol) for symbol in symbols if symbol.capitalize() not in atomic_numbers}
    if unknown:
        raise InputError(f"{origin}: {sorted(unknown)[0]} is no element; write chemical symbols")
    return np.array([atomic_numbers[symbol.capitalize()] for symbol in symbols], int)


def write_extxyz(frames: Iterable[Frame], path: Path) -> None:
    """Write frames with all their digits; a missing label gets no key.

    Args:
        frames: The frames.
        path: The file, replaced when all is written; compressed if it ends in .gz, .xz or .bz2.
    """
    with replaced_when_whole(path) as temporary, open_text(temporary, "wt") as file:
        for frame in frames:
            file.write(f"{len(frame)}\n{_comment_line(frame)}\n")
            values = frame.positions
            if frame.forces is not None:
                values = np.hstack([frame.positions, frame.forces])
            for symbol, row in zip(frame.symbols, values.tolist(), strict=True):
                file.write(f"{symbol} {' '.join(map(repr, row))}\n")


def _comment_line(frame: Frame) -> str:
    parts = []
    if np.any(frame.cell):
        parts.append(f'Lattice="{_join(frame.cell)}"')
    parts.append(
        "Properties=species:S:1:pos:R:3" + (":forces:R:3" if frame.forces is not None else "")
    )
    if frame.energy is not None:
        parts.append(f"energy={float(frame.energy)!r} free_energy={float(frame.energy)!r}")
    if frame.stress is not None:
        parts.append(f'stress="{_join(frame.stress)}"')
    if frame.group:
        escaped = frame.group.replace("\\", "\\\\").replace('"', '\\"')
        parts.append(f'config_type="{escaped}"')
    parts.append(f'pbc="{" ".join("FT"[int(flag)] for flag in frame.periodic)}"')
    return " ".join(parts)


def _join(tensor: np.ndarray) -> str:
    return " ".join(map(repr, np.asarray(tensor, float).ravel().tolist()))
