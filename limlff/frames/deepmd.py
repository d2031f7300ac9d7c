"""DeePMD-kit folders: a system of one composition as NumPy arrays, or a folder holding several.

A system has `type.raw` (a type per atom), `type_map.raw` (the element of each type), `nopbc` if it
is not periodic, and folders `set.*` with coord, box, energy, force and virial, a row per frame; in
the mixed-type layout `real_atom_types.npy` gives the types per frame, -1 standing for no atom.
Format: DeePMD-kit documentation, "Data". Energies in eV, forces in eV/Å, virials in eV and positive
in compression, hence stress = -virial / volume.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers

from limlff.errors import InputError, shown
from limlff.frames.frame import Frame
from limlff.frames.labels import full_stress, stress_from_virial
from limlff.frames.limits import SMALLEST_VOLUME
from limlff.frames.opening import open_text, require_file
from limlff.frames.source import STRESS_WITHOUT_PERIODICITY, FrameSource
from limlff.real_arrays import real_array

_ARRAYS = ("coord", "box", "energy", "force", "virial", "real_atom_types")
_MOST_FOLDERS = 20_000
"""Folders that are looked through; a folder with more is a whole disk rather than data."""


def is_deepmd(folder: Path) -> bool:
    """Whether a folder is a DeePMD system or holds some.

    Raises:
        InputError: If it holds more folders than any set of data.
    """
    return bool(_systems_below(folder, first_only=True))


def _systems_below(folder: Path, first_only: bool = False) -> list[Path]:
    """Folders with a `type.raw`, sorted; links to folders are not followed."""
    found: list[Path] = []
    for count, (name, _, files) in enumerate(os.walk(folder)):
        if count > _MOST_FOLDERS:
            raise InputError(
                f"{shown(folder)}: holds more than {_MOST_FOLDERS} folders; give the folder of a "
                "data set"
            )
        if "type.raw" in files:
            found.append(Path(name))
            if first_only:
                break
    return sorted(found)


def read_deepmd(folder: Path) -> FrameSource:
    """Read all systems at and below a folder, in the order of their names.

    The group of a frame is the first folder below `folder` on the way to its system, or the name of
    `folder` if that is the system itself.

    Raises:
        InputError: If a file is missing, damaged or of the wrong shape.
    """
    source = FrameSource(str(folder))
    frames: list[Frame] = []
    for system_folder in _systems_below(folder):
        system = _read_system(system_folder)
        parts = system_folder.relative_to(folder).parts
        group = parts[0] if parts else folder.resolve().name
        sets = sorted(system.folder.glob("set.*"))
        if not sets:
            raise InputError(
                f"{shown(system.folder)}: has no folder set.*; there are no frames in it"
            )
        for set_folder in sets:
            frames.extend(_read_set(set_folder, system, group, source))
    source.frames = frames
    return source


@dataclass(frozen=True)
class _System:
    folder: Path
    types: np.ndarray
    elements: np.ndarray
    is_periodic: bool


def _read_system(folder: Path) -> _System:
    map_file = folder / "type_map.raw"
    if not map_file.exists():
        raise InputError(
            f"{shown(map_file)}: is missing; write the element of each type, one per line"
        )
    with open_text(map_file) as file:
        symbols = file.read(1 << 16).split()
    unknown = [symbol for symbol in symbols if not atomic_numbers.get(symbol)]
    if unknown:
        raise InputError(
            f"{shown(map_file)}: {shown(unknown[0], 20)} is no element; write chemical symbols"
        )
    try:
        with open_text(folder / "type.raw") as file:
            types = np.loadtxt(file, dtype=int, ndmin=1)
    except ValueError as error:
        raise InputError(
            f"{shown(folder / 'type.raw')}: {shown(str(error))}; write whole numbers"
        ) from None
    if types.ndim != 1:
        raise InputError(
            f"{shown(folder / 'type.raw')}: has shape {types.shape}; write one type per line"
        )
    _check_types(types, len(symbols), folder / "type.raw")
    elements = np.array([atomic_numbers[symbol] for symbol in symbols], int)
    return _System(folder, types, elements, not (folder / "nopbc").exists())


def _check_types(types: np.ndarray, known: int, file: Path, lowest: int = 0) -> None:
    if types.size and not (lowest <= types.min() and types.max() < known):
        raise InputError(
            f"{shown(file)}: has types {types.min()} to {types.max()}, but type_map.raw names "
            f"{known}; add the missing elements"
        )


def _read_set(folder: Path, system: _System, group: str, source: FrameSource) -> list[Frame]:
    arrays = {name: _load(folder / f"{name}.npy") for name in _ARRAYS}
    coordinates = arrays["coord"]
    if coordinates is None:
        raise InputError(f"{shown(folder / 'coord.npy')}: is missing")
    if coordinates.ndim == 0:
        raise InputError(
            f"{shown(folder / 'coord.npy')}: is a single number; write a row per frame"
        )
    count, atoms = len(coordinates), len(system.types)
    widths = {"coord": 3 * atoms, "box": 9, "energy": 1, "force": 3 * atoms, "virial": 9}
    for name, width in {**widths, "real_atom_types": atoms}.items():
        array = arrays[name]
        if array is not None:
            arrays[name] = _rows(array, count, width, atoms, folder / f"{name}.npy")
    if system.is_periodic and arrays["box"] is None:
        raise InputError(
            f"{shown(folder / 'box.npy')}: is missing, and there is no file nopbc; add one"
        )
    types = _types_per_frame(arrays["real_atom_types"], system, count, folder)
    name = shown(f"{Path(source.name).name}/{folder.relative_to(source.name)}", 240)
    return [
        _make_frame(arrays, types[index], index, system, group, f"{name}, frame {index}", source)
        for index in range(count)
    ]


def _rows(array: np.ndarray, count: int, width: int, atoms: int, file: Path) -> np.ndarray:
    """The array as a row per frame, float64."""
    # (frames,) is common for energies, (frames, atoms, 3) and (frames, 3, 3) happen
    rows = array.shape[0] if array.ndim else 0
    if rows != count or array.size != count * width:
        raise InputError(
            f"{shown(file)}: has shape {array.shape}; {count} frames of {atoms} atoms need "
            f"({count}, {width})"
        )
    return real_array(array.reshape(count, width), (count, width), "the array", shown(file))


def _types_per_frame(
    types: np.ndarray | None, system: _System, count: int, folder: Path
) -> np.ndarray:
    if types is None:
        return np.broadcast_to(system.types, (count, len(system.types)))
    file = folder / "real_atom_types.npy"
    wrong = types[types % 1 != 0]  # nan too
    if len(wrong):
        raise InputError(f"{shown(file)}: has a type {wrong[0]:g}; write whole numbers")
    _check_types(types, len(system.elements), file, lowest=-1)
    return types.astype(int)


def _load(file: Path) -> np.ndarray | None:
    """An array file, mapped rather than read: what a damaged header claims is not allocated."""
    if not os.path.lexists(file):  # a link to nowhere is no missing label
        return None
    require_file(file)
    try:
        return np.asarray(np.load(file, mmap_mode="r", allow_pickle=False))
    except (ValueError, EOFError, OSError, OverflowError, TypeError) as error:
        reason = shown(str(error))
        if "mmap length" in reason:
            reason = "it claims more numbers than the file holds"
        raise InputError(f"{shown(file)}: is no readable array: {reason}; write it again") from None


def _make_frame(
    arrays: dict[str, np.ndarray | None],
    types: np.ndarray,
    index: int,
    system: _System,
    group: str,
    origin: str,
    source: FrameSource,
) -> Frame:
    def row(name: str, width: int) -> np.ndarray | None:
        array = arrays[name]
        return None if array is None else array[index].reshape(-1, width)

    box, energy, forces = row("box", 3), row("energy", 1), row("force", 3)
    virial, positions = row("virial", 9), row("coord", 3)
    real = types >= 0
    cell = np.zeros((3, 3)) if box is None or not system.is_periodic else box
    stress = None
    if virial is not None and system.is_periodic:
        volume = abs(np.linalg.det(cell))
        if not volume >= SMALLEST_VOLUME:
            raise InputError(f"{origin}: its box has a volume of {volume:g} Å^3; correct box.npy")
        stress = stress_from_virial(full_stress(virial, origin), volume)
    elif virial is not None:
        source.remark(STRESS_WITHOUT_PERIODICITY, origin, of_labels=True)
    source.count_keys(
        energy=None if energy is None else "energy.npy",
        forces=None if forces is None else "force.npy",
        stress=None if stress is None else "virial.npy",
    )
    assert positions is not None  # its presence was checked for the whole set
    return Frame(
        numbers=system.elements[types[real]],
        positions=positions[real],
        cell=cell,
        periodic=np.full(3, system.is_periodic),
        energy=None if energy is None else float(energy[0, 0]),
        forces=None if forces is None else forces[real],
        stress=stress,
        group=group,
        origin=origin,
    )
