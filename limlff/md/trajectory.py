"""Trajectories in HDF5, in the H5MD layout.

Group /particles/all holds box/edges (cell vectors as rows), position, species and, if asked for,
velocity and virial, each with value, step and time. Positions are unwrapped and in float32: at
100 Å from the origin they are exact to 4e-6 Å. Species are atomic numbers. The number of atoms may
grow from frame to frame: earlier frames then end with species -1 and values that are not a number.
The virial is each atom's symmetric share in the virial of the forces, without a kinetic part
(`limlff.atom_virials`); minus the sum of it and of m v v^T, over the volume, is the stress.

The file is written in HDF5's single-writer mode and flushed after every frame, so that it can be
read during the run and after the writer was killed (see `limlff.md.single_writer`). Space for a
frame is reserved before it is written, because a write of HDF5 that fails on a full disk brings the
process down.

Source of the layout: P. de Buyl, P. H. Colberg and F. Höfling, Comput. Phys. Commun. 185, 1546
(2014), version 1.1.
"""

from __future__ import annotations

import os
import time
import weakref
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import h5py
import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Bool, Float, Int

from limlff.atomic_file import create_empty
from limlff.errors import InputError
from limlff.md.single_writer import find_array, open_for_reading

PART = ".part"
"""Ends the name of a trajectory that is still a copy in the making."""

_GROUP = "particles/all"
_ATOM_CHUNK = 1024  # atoms per piece of the file
_RESERVE_BYTES = 1 << 20  # kept free beyond what frames need, for the bookkeeping of HDF5
_TRIES, _TRY_SECONDS = 20, 0.02  # to read what is being written
_MOST_COMPRESSED = 1000  # bytes of a frame for each of the file, beyond which it is not believed
_READ = ("species/value", "position/value", "position/step", "position/time", "box/edges/value")
_UNREADABLE = (OSError, KeyError, ValueError, TypeError, RuntimeError, AttributeError, MemoryError)
"""What h5py raises on damaged files."""

Value = TypeVar("Value")


@dataclass(frozen=True)
class TrajectoryFrame:
    """One frame.

    Attributes:
        step: Step of the run.
        time_fs: Time (fs).
        numbers: Atomic numbers.
        positions: Unwrapped positions (Å).
        cell: Cell vectors as rows (Å).
        velocities: Velocities (Å/fs), or None if the file has none.
        virials: Share of each atom in the virial of the forces (eV), or None if the file has none.
    """

    step: int
    time_fs: float
    numbers: Int[np.ndarray, " atoms"]
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    velocities: Float[np.ndarray, "atoms 3"] | None = None
    virials: Float[np.ndarray, "atoms 3 3"] | None = None

    @property
    def symbols(self) -> list[str]:
        """Chemical symbols, one per atom."""
        return [chemical_symbols[number] for number in self.numbers]

    @property
    def size_bytes(self) -> int:
        """Memory that its arrays hold."""
        arrays = (self.numbers, self.positions, self.cell, self.velocities, self.virials)
        return sum(array.nbytes for array in arrays if array is not None)

    def as_stored(self) -> TrajectoryFrame:
        """A copy with the rounding of the file, as a reader of it will see it."""
        singles = {
            name: values.astype(np.float32).astype(float)
            for name in ("positions", "velocities", "virials")
            if (values := getattr(self, name)) is not None
        }
        return replace(self, numbers=self.numbers.copy(), cell=self.cell.copy(), **singles)


@dataclass(frozen=True)
class _Column:
    """An array with a value for each atom of each frame.

    Attributes:
        field: Name in a frame.
        shape: Shape of a value.
        dtype: Its kind in the file.
        fill: What stands where a frame has fewer atoms than others.
        unit: Its unit, if it has one.
    """

    field: str
    shape: tuple[int, ...]
    dtype: type
    fill: float
    unit: str | None

    @property
    def bytes_of_atom(self) -> int:
        """Bytes of a value."""
        return int(np.prod(self.shape)) * np.dtype(self.dtype).itemsize


_COLUMNS = {
    "position": _Column("positions", (3,), np.float32, np.nan, "Angstrom"),
    "species": _Column("numbers", (), np.int16, -1, None),
    "velocity": _Column("velocities", (3,), np.float32, np.nan, "Angstrom fs-1"),
    "virial": _Column("virials", (3, 3), np.float32, np.nan, "eV"),
}
"""What a file may hold for each atom, by its name there."""


class TrajectoryWriter:
    """Appends frames to a trajectory file.

    Args:
        path: The file; replaced if `keep_frames` is None.
        periodic: Periodicity along each cell vector.
        velocities: Whether frames hold velocities.
        keep_frames: Frames of an existing file to go on from; what follows them is dropped.
        virials: Whether frames hold virials of atoms.
    """

    def __init__(
        self,
        path: Path,
        periodic: Bool[np.ndarray, "3"],
        velocities: bool = False,
        keep_frames: int | None = None,
        virials: bool = False,
    ) -> None:
        self._path = path
        self._names = ["position", "species"]
        self._names += ["velocity"] if velocities else []
        self._names += ["virial"] if virials else []
        # Copied, because HDF5 refuses to open a file for writing whose last writer was killed.
        copy = path.with_name(path.name + PART)
        create_empty(copy)
        with copy.open("r+b") as empty:
            os.posix_fallocate(empty.fileno(), 0, _RESERVE_BYTES)
        self._file = _new_file(copy, periodic, self._names)
        self._data = _datasets(self._file[_GROUP], self._names)
        self._space = copy.open("r+b")
        self._used, self._reserved = os.fstat(self._space.fileno()).st_size, 0
        if keep_frames is not None:
            with Trajectory(path) as old:
                for index in range(keep_frames):
                    self.write(old[index])
        os.replace(copy, path)

    def __len__(self) -> int:
        """Frames written."""
        return int(self._data["position/step"].shape[0])

    def write(self, frame: TrajectoryFrame) -> None:
        """Append a frame and flush it.

        Raises:
            OSError: If there is no space for it.
        """
        self._reserve(len(frame.numbers))
        try:
            self._append(frame)
        except RuntimeError as error:  # what h5py makes of some failures of the disk
            raise OSError(f"{self._path}: {error}") from error

    def _reserve(self, atoms: int) -> None:
        """Make sure that a frame finds its space on the disk."""
        pieces = -(-max(atoms, self._data["position/value"].shape[1]) // _ATOM_CHUNK)
        of_atom = sum(_COLUMNS[name].bytes_of_atom for name in self._names)
        self._used += pieces * _ATOM_CHUNK * of_atom + 512
        if self._used + _RESERVE_BYTES // 2 > self._reserved:
            os.posix_fallocate(self._space.fileno(), 0, self._used + _RESERVE_BYTES)
            self._reserved = self._used + _RESERVE_BYTES

    def _append(self, frame: TrajectoryFrame) -> None:
        row, atoms = len(self), len(frame.numbers)
        slots = max(atoms, self._data["position/value"].shape[1])
        for name in self._names:
            values = getattr(frame, _COLUMNS[name].field)
            if values is None:
                what = _COLUMNS[name].field
                raise ValueError(f"frame of step {frame.step} has no {what} to write")
            data = self._data[f"{name}/value"]
            data.resize((row + 1, slots, *data.shape[2:]))
            data[row, :atoms] = values
        whole = {
            "box/edges/value": frame.cell,
            "position/step": frame.step,
            "position/time": frame.time_fs,
        }
        for name, value in whole.items():
            self._data[name].resize(row + 1, axis=0)
            self._data[name][row] = value
        self._file.flush()

    def fileno(self) -> int:
        """Descriptor of the open file."""
        return self._space.fileno()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        self._file.flush()
        os.fsync(self._space.fileno())

    def close(self) -> None:
        """Close the file; every frame in it was flushed before."""
        with suppress(OSError, RuntimeError):  # a full disk has been reported by then
            self._file.close()
        self._space.close()


def _new_file(path: Path, periodic: Bool[np.ndarray, "3"], names: list[str]) -> h5py.File:
    file = h5py.File(path, "w", libver="latest")
    header = file.create_group("h5md")
    header.attrs["version"] = np.array([1, 1], np.int32)
    header.create_group("author").attrs["name"] = "unknown"
    creator = header.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "limlff", version("limlff")
    group = file.create_group(_GROUP)
    box = group.create_group("box")
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = ["periodic" if axis else "none" for axis in periodic]
    position = group.create_group("position")
    position.create_dataset("step", (0,), np.int64, maxshape=(None,), chunks=(1024,))
    position.create_dataset("time", (0,), np.float64, maxshape=(None,), chunks=(1024,))
    position["time"].attrs["unit"] = "fs"
    for name in names:
        _per_atom(group.require_group(name), _COLUMNS[name])
    edges = box.create_group("edges")
    edges.create_dataset("value", (0, 3, 3), np.float64, maxshape=(None, 3, 3), chunks=(64, 3, 3))
    edges["value"].attrs["unit"] = "Angstrom"
    for name in ("box/edges", *names[1:]):
        group[f"{name}/step"], group[f"{name}/time"] = position["step"], position["time"]
    file.swmr_mode = True
    return file


def _datasets(group: h5py.Group, names: list[str]) -> dict[str, h5py.Dataset]:
    """The arrays that grow with frames, looked up once because h5py takes long to find them."""
    growing = ["box/edges/value", "position/step", "position/time"]
    growing += [f"{name}/value" for name in names]
    return {name: group[name] for name in growing}


def _per_atom(group: h5py.Group, column: _Column) -> None:
    """A growing array of frames x atoms x shape."""
    data = group.create_dataset(
        "value",
        (0, 0, *column.shape),
        column.dtype,
        maxshape=(None, None, *column.shape),
        chunks=(1, _ATOM_CHUNK, *column.shape),
        fillvalue=column.fill,
    )
    if column.unit:
        data.attrs["unit"] = column.unit


class Trajectory:
    """Reads a trajectory file, also while it is being written: the frames it had when opened.

    Args:
        path: The file.

    Raises:
        InputError: If the file is missing, damaged or no trajectory.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = Path(path)
        self._close: Callable[[], object] = lambda: None
        self._read(self._open)

    def _open(self) -> None:
        self._close()
        file = open_for_reading(self._path)
        # also when Python ends, lest HDF5 asks for bytes after that
        self._close = weakref.finalize(self, file.close)
        if _GROUP not in file or "h5md" not in file:
            raise InputError(f"{self._path}: has no group '{_GROUP}', so it is no H5MD trajectory")
        self._group = file[_GROUP]
        self._data = {name: find_array(self._group, name) for name in _READ}
        for name in ("velocity/value", "virial/value"):
            if name.partition("/")[0] in self._group:
                self._data[name] = find_array(self._group, name)
        self._count = len(self._data["position/step"])
        self._check_sizes()

    def _check_sizes(self) -> None:
        """Refuse a file that claims more than it can hold, before memory is asked for."""
        slots = int(self._data["species/value"].shape[1])
        most = _MOST_COMPRESSED * self._path.stat().st_size
        for what, count, each in (("frames", self._count, 16), ("atoms", slots, 14)):
            if count * each > most:
                raise ValueError(f"it claims {count:.3g} {what}, which it is too short for")

    def _read(self, read: Callable[[], Value]) -> Value:
        """Read, and again from the newly opened file if that fails while it is being written."""
        for attempt in range(_TRIES):
            before = _state_of(self._path)
            try:
                return read()
            except InputError:
                self._close()
                raise
            except _UNREADABLE as error:
                time.sleep(_TRY_SECONDS)
                if attempt == _TRIES - 1 or _state_of(self._path) == before:
                    self._close()
                    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                    reason = " ".join(reason.split())
                    raise InputError(
                        f"{self._path}: cannot be read as a trajectory: {reason}"
                    ) from error
            with suppress(*_UNREADABLE, InputError):
                self._open()
        raise AssertionError("not reached")

    def __enter__(self) -> Trajectory:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._close()

    def __len__(self) -> int:
        """Frames in the file."""
        return self._count

    @property
    def periodic(self) -> Bool[np.ndarray, "3"]:
        """Periodicity along each cell vector."""
        kinds = self._read(lambda: list(self._group["box"].attrs["boundary"]))
        return np.array([kind == "periodic" for kind in kinds])

    @property
    def symbols(self) -> list[str]:
        """Chemical symbols of the first frame; later frames may hold more atoms."""
        return self[0].symbols

    def __getitem__(self, index: int) -> TrajectoryFrame:
        """Frame by number; negative numbers count from the end."""
        count = len(self)
        if not -count <= index < count:
            raise IndexError(f"frame {index} of {count}")
        return self._read(lambda: self._frame(index % count))

    def _frame(self, row: int) -> TrajectoryFrame:
        data = {name: values[row] for name, values in self._data.items()}
        real = data["species/value"] >= 0
        numbers = data["species/value"][real].astype(int)
        reals = {
            name: data[f"{name}/value"][real].astype(float)
            for name in ("position", "velocity", "virial")
            if f"{name}/value" in data
        }
        cell = data["box/edges/value"].astype(float)
        shapes = (reals["position"].shape, cell.shape) == ((len(numbers), 3), (3, 3))
        if not shapes or not np.all((numbers > 0) & (numbers < len(chemical_symbols))):
            raise ValueError(f"frame {row} holds no atoms with places in a cell")
        return TrajectoryFrame(
            step=int(data["position/step"]),
            time_fs=float(data["position/time"]),
            numbers=numbers,
            positions=reals["position"],
            cell=cell,
            velocities=reals.get("velocity"),
            virials=reals.get("virial"),
        )

    def __iter__(self) -> Iterator[TrajectoryFrame]:
        """Frames in order, one in memory at a time."""
        for index in range(len(self)):
            yield self[index]


def _state_of(path: Path) -> tuple[int, int]:
    """What changes when a file is written to."""
    try:
        status = path.stat()
    except OSError:
        return (0, 0)
    return (status.st_size, status.st_mtime_ns)
