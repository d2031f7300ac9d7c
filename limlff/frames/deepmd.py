"""DeePMD-kit folders: a system of one composition as NumPy arrays, or a folder holding several.

A system has `type.raw` (a type per atom), `type_map.raw` (the element of each type), `nopbc` if it
is not periodic, and folders `set.*` with coord, box, energy, force and virial, a row per frame; in
the mixed-type layout `real_atom_types.npy` gives the types per frame, -1 standing for no atom.
Format: DeePMD-kit documentation, "Data". Energies in eV, forces in eV/Å, virials in eV and positive
in compression, hence stress = -virial / volume.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase.data import atomic_numbers

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.frames.labels import full_stress, stress_from_virial
from limlff.frames.source import STRESS_WITHOUT_PERIODICITY, FrameSource

_ARRAYS = ("coord", "box", "energy", "force", "virial", "real_atom_types")


def is_deepmd(folder: Path) -> bool:
    """Whether a folder is a DeePMD system or holds some."""
    return folder.is_dir() and next(folder.rglob("type.raw"), None) is not None


def read_deepmd(folder: Path) -> FrameSource:
    """Read all systems at and below a folder, in the order of their names.

    The group of a frame is the first folder below `folder` on the way to its system, or the name of
    `folder` if that is the system itself.

    Raises:
        InputError: If a file is missing, damaged or of the wrong shape.
    """
    source = FrameSource(str(folder))
    frames: list[Frame] = []
    for type_file in sorted(folder.rglob("type.raw")):
        system = _read_system(type_file.parent)
        parts = type_file.parent.relative_to(folder).parts
        group = parts[0] if parts else folder.resolve().name
        sets = sorted(system.folder.glob("set.*"))
        if not sets:
            raise InputError(f"{system.folder}: has no folder set.*; there are no frames in it")
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
        raise InputError(f"{map_file}: is missing; write the element of each type, one per line")
    symbols = map_file.read_text(encoding="utf-8").split()
    unknown = [symbol for symbol in symbols if symbol not in atomic_numbers]
    if unknown:
        raise InputError(f"{map_file}: {unknown[0]} is no element; write chemical symbols")
    try:
        types = np.loadtxt(folder / "type.raw", dtype=int, ndmin=1)
    except ValueError as error:
        raise InputError(f"{folder / 'type.raw'}: {error}; write whole numbers") from None
    _check_types(types, len(symbols), folder / "type.raw")
    elements = np.array([atomic_numbers[symbol] for symbol in symbols], int)
    return _System(folder, types, elements, not (folder / "nopbc").exists())


def _check_types(types: np.ndarray, known: int, file: Path, lowest: int = 0) -> None:
    if types.size and not (lowest <= types.min() and types.max() < known):
        raise InputError(
            f"{file}: has types {types.min()} to {types.max()}, but type_map.raw names {known}; "
            "add the missing elements"
        )


def _read_set(folder: Path, system: _System, group: str, source: FrameSource) -> list[Frame]:
    arrays = {name: _load(folder / f"{name}.npy") for name in _ARRAYS}
    coordinates = arrays["coord"]
    if coordinates is None:
        raise InputError(f"{folder / 'coord.npy'}: is missing")
    count, atoms = len(coordinates), len(system.types)
    widths = {"coord": 3 * atoms, "box": 9, "energy": 1, "force": 3 * atoms, "virial": 9}
    for name, width in {**widths, "real_atom_types": atoms}.items():
        array = arrays[name]
        if array is not None and array.size != count * width:
            raise InputError(
                f"{folder / name}.npy: has shape {array.shape}; {count} frames of {atoms} atoms "
                f"need ({count}, {width})"
            )
    if system.is_periodic and arrays["box"] is None:
        raise InputError(f"{folder / 'box.npy'}: is missing, and there is no file nopbc; add one")
    types = arrays["real_atom_types"]
    if types is None:
        types = np.broadcast_to(system.types, (count, atoms))
    types = types.reshape(count, atoms).astype(int)
    _check_types(types, len(system.elements), folder / "real_atom_types.npy", lowest=-1)
    name = f"{Path(source.name).name}/{folder.relative_to(source.name)}"
    return [
        _make_frame(arrays, types[index], index, system, group, f"{name}, frame {index}", source)
        for index in range(count)
    ]


def _load(file: Path) -> np.ndarray | None:
    if not file.exists():
        return None
    try:
        return np.asarray(np.load(file, allow_pickle=False))
    except (ValueError, EOFError) as error:
        raise InputError(f"{file}: is no readable array: {error}") from None


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
        return None if array is None else array[index].astype(float).reshape(-1, width)

    box, energy, forces = row("box", 3), row("energy", 1), row("force", 3)
    virial, positions = row("virial", 9), row("coord", 3)
    real = types >= 0
    cell = np.zeros((3, 3)) if box is None or not system.is_periodic else box
    stress = None
    if virial is not None and system.is_periodic:
        stress = stress_from_virial(full_stress(virial, origin), abs(np.linalg.det(cell)))
    elif virial is not None:
        source.remark(STRESS_WITHOUT_PERIODICITY)
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
