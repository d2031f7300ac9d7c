"""Extended XYZ files, also compressed: read with their label keys, and written.

An own reader, because ASE's moves energies, forces and stresses out of sight into a calculator,
depending on their names, and overwrites one that is there twice. The format is that of
https://github.com/libAtoms/extxyz: a line with the number of atoms, a line of key=value, and a line
per atom with the columns that `Properties` names.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError, shown
from limlff.frames.convergence import unconverged_reason
from limlff.frames.core import CORE, read_core
from limlff.frames.extxyz_layout import (
    blocks,
    column_layout,
    parse_cell,
    parse_numbers,
    read_info,
)
from limlff.frames.frame import Frame
from limlff.frames.key_remarks import remark_on_keys
from limlff.frames.labels import (
    LabelKeys,
    choose_label_keys,
    full_stress,
    stress_from_virial,
)
from limlff.frames.limits import element_numbers
from limlff.frames.opening import frame_of, open_for_writing, open_text
from limlff.frames.source import STRESS_WITHOUT_PERIODICITY, FrameSource, has_stress_meaning


def read_extxyz(path: Path) -> FrameSource:
    """Read all frames of an extended XYZ file, plain or compressed (.gz, .xz, .bz2).

    Frames that say of themselves that their electronic steps did not converge are left out.

    Args:
        path: The file. Energies in eV, forces in eV/Å, stresses in eV/Å^3 and positive in tension,
            virials in eV and positive in compression (as of GPUMD and VASP).

    Raises:
        InputError: If a frame cannot be understood; frames are counted from 0.
    """
    source = FrameSource(str(path))
    frames: list[Frame] = []
    with open_text(path) as file:
        for index, (header, comment, rows) in enumerate(blocks(file, path)):
            origin = frame_of(path, index)
            info = read_info(comment, origin)
            frame = _parse_frame(info, rows, origin, header, source)
            reason = unconverged_reason(info)
            if reason:
                source.leave_out(origin, reason)
            else:
                frames.append(frame)
    source.frames = frames
    return source


def _parse_frame(
    info: dict[str, str], rows: list[str], origin: str, header: int, source: FrameSource
) -> Frame:
    columns = _parse_columns(info.get("Properties"), rows, origin, header, source)
    cell, periodic = parse_cell(info, origin)
    keys = choose_label_keys(info, columns)
    remark_on_keys(info, columns, keys, origin, source)
    energy = None
    if keys.energy is not None:
        energy = float(parse_numbers(info[keys.energy], 1, keys.energy, origin)[0])
    stress = _parse_stress(info, keys, cell, periodic, origin, source)
    source.count_keys(keys.energy, keys.forces, keys.stress if stress is not None else None)
    return Frame(
        numbers=_parse_elements(columns, origin),
        positions=_column(columns, "pos", origin),
        cell=cell,
        periodic=periodic,
        energy=energy,
        forces=None if keys.forces is None else _column(columns, keys.forces, origin),
        stress=stress,
        core=read_core(columns.get(CORE), origin, source),
        group=info.get("config_type", info.get("group", "")),
        origin=origin,
    )


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
        source.remark(STRESS_WITHOUT_PERIODICITY, origin, of_labels=True)
        return None
    tensor = full_stress(parse_numbers(info[keys.stress], None, keys.stress, origin), origin)
    if keys.stress_is_virial:
        return stress_from_virial(tensor, abs(np.linalg.det(cell)))
    return tensor


def _parse_columns(
    properties: str | None, rows: list[str], origin: str, header: int, source: FrameSource
) -> dict[str, np.ndarray]:
    """Columns by name: text of shape (atoms, 1), numbers of shape (atoms, width)."""
    names, kinds, widths = column_layout(properties or "species:S:1:pos:R:3", origin)
    table = [row.split() for row in rows]
    for number, row in enumerate(table):
        if len(row) < sum(widths):
            raise InputError(
                f"{origin}: line {header + 2 + number} has {len(row)} columns; "
                f"Properties names {sum(widths)}"
            )
    if len(table[0]) > sum(widths):
        source.remark(
            f"only the first {sum(widths)} of {len(table[0])} columns are read, the others have no "
            "name in Properties",
            origin,
        )
    columns, start = {}, 0
    for name, kind, width in zip(names, kinds, widths, strict=True):
        words = [row[start : start + width] for row in table]
        start += width
        try:
            kind_of_array = float if kind in "RI" else str
            if kind in "RI" and any("_" in word for row in words for word in row):
                raise ValueError("a sign _ among digits")
            columns[name] = np.array(words, kind_of_array).reshape(len(rows), width)
        except ValueError as error:
            raise InputError(
                f"{origin}: column {shown(name, 40)}: {shown(str(error))}; write numbers"
            ) from None
    return columns


def _column(columns: dict[str, np.ndarray], name: str, origin: str) -> np.ndarray:
    values = columns.get(name)
    if values is None or values.shape[1] != 3 or values.dtype.kind != "f":
        raise InputError(f"{origin}: {name} must be a column {name}:R:3 in Properties")
    return values


def _parse_elements(columns: dict[str, np.ndarray], origin: str) -> np.ndarray:
    for name in ("Z", "numbers", "atomic_numbers"):
        if name in columns and "species" not in columns:
            return element_numbers(columns[name][:, 0], origin)
    if "species" not in columns:
        raise InputError(f"{origin}: has no elements; write species:S:1 in Properties")
    symbols = columns["species"][:, 0]
    if symbols.dtype.kind == "f":
        raise InputError(
            f"{origin}: species are numbers; write species:S:1 for symbols, Z:I:1 for numbers"
        )
    unknown = {str(symbol) for symbol in symbols if not atomic_numbers.get(symbol.capitalize())}
    if unknown:
        raise InputError(
            f"{origin}: {shown(min(unknown), 20)} is no element; write chemical symbols"
        )
    return np.array([atomic_numbers[symbol.capitalize()] for symbol in symbols], int)


def write_extxyz(frames: Iterable[Frame], path: Path) -> None:
    """Write frames with all their digits; a missing label gets no key.

    Args:
        frames: The frames.
        path: The file, replaced when all is written; compressed if it ends in .gz, .xz or .bz2.
    """
    with replaced_when_whole(path) as temporary, open_for_writing(temporary) as file:
        for frame in frames:
            file.write(f"{len(frame)}\n{_comment_line(frame)}\n")
            values = frame.positions
            if frame.forces is not None:
                values = np.hstack([frame.positions, frame.forces])
            ends = [""] * len(frame)
            if frame.core is not None:
                ends = [f" {'FT'[int(flag)]}" for flag in frame.core]
            for symbol, row, end in zip(frame.symbols, values.tolist(), ends, strict=True):
                file.write(f"{symbol} {' '.join(map(repr, row))}{end}\n")


def _comment_line(frame: Frame) -> str:
    parts = []
    if np.any(frame.cell):
        parts.append(f'Lattice="{_join(frame.cell)}"')
    columns = ["species:S:1:pos:R:3"]
    columns += ["forces:R:3"] if frame.forces is not None else []
    columns += [f"{CORE}:L:1"] if frame.core is not None else []
    parts.append(f"Properties={':'.join(columns)}")
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
