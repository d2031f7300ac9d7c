"""Writing of trajectories, see `limlff.md.output.trajectory`.

The file is written in HDF5's single-writer mode and flushed after every frame, so that it can be
read during the run and after the writer was killed (see `limlff.md.output.single_writer`). Space
for a frame is reserved before it is written, because a write of HDF5 that fails on a full disk
brings the process down.
"""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from jaxtyping import Bool

from limlff.atomic_file import create_empty
from limlff.md.output.trajectory import GROUP, Trajectory, TrajectoryFrame

PART = ".part"
"""Ends the name of a trajectory that is still a copy in the making."""

_ATOM_CHUNK = 1024  # atoms per piece of the file
_RESERVE_BYTES = 1 << 20  # kept free beyond what frames need, for the bookkeeping of HDF5


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
        self._space = copy.open("r+b")
        self._file: Any = None
        self._reserved = 0
        try:
            _keep_free(self._space.fileno(), _RESERVE_BYTES)
            self._file = _new_file(copy, periodic, self._names)
            self._data = _datasets(self._file[GROUP], self._names)
            if keep_frames is not None:
                with Trajectory(path) as old:
                    for index in range(keep_frames):
                        self.write(old[index])
            os.replace(copy, path)
        except BaseException:
            self.close()
            copy.unlink(missing_ok=True)
            raise

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
        # from where HDF5 has come to, because its bookkeeping grows with the frames
        needed = self._file.id.get_filesize() + pieces * _ATOM_CHUNK * of_atom
        if needed + _RESERVE_BYTES // 2 > self._reserved:
            _keep_free(self._space.fileno(), needed + _RESERVE_BYTES)
            self._reserved = needed + _RESERVE_BYTES

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
            if self._file is not None:
                self._file.close()
        self._space.close()


def _keep_free(descriptor: int, size: int) -> None:
    """Make a file at least so long, of bytes that have their place on the disk.

    Raises:
        OSError: If there is no space for them.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, size)
        return
    missing = size - os.lseek(descriptor, 0, os.SEEK_END)
    while missing > 0:
        missing -= os.write(descriptor, bytes(min(missing, _RESERVE_BYTES)))


def _new_file(path: Path, periodic: Bool[np.ndarray, "3"], names: list[str]) -> h5py.File:
    file = h5py.File(path, "w", libver="latest")
    header = file.create_group("h5md")
    header.attrs["version"] = np.array([1, 1], np.int32)
    header.create_group("author").attrs["name"] = "unknown"
    creator = header.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "limlff", version("limlff")
    group = file.create_group(GROUP)
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
