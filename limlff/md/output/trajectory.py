"""Trajectories in HDF5, in the H5MD layout, and reading them; for writing see
`limlff.md.output.trajectory_writer`.

Group /particles/all holds box/edges (cell vectors as rows), position, species and, if asked for,
velocity and virial, each with value, step and time. Positions are unwrapped and in float32: at
100 Å from the origin they are exact to 4e-6 Å. Species are atomic numbers. The number of atoms may
grow from frame to frame: earlier frames then end with species -1 and values that are not a number.
The virial is each atom's symmetric share in the virial of the forces, without a kinetic part (see
`limlff.prediction.atom_virials`); minus the sum of it and of m v v^T, over the volume, is the
stress.

The file can be read while it is written and after the writer was killed, see
`limlff.md.output.single_writer`.

Source of the layout: P. de Buyl, P. H. Colberg and F. Höfling, Comput. Phys. Commun. 185, 1546
(2014), version 1.1.
"""

from __future__ import annotations

import time
import weakref
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Bool, Float, Int

from limlff.errors import InputError
from limlff.md.output.single_writer import UNREADABLE, find_array, open_for_reading
from limlff.paths import user_path

GROUP = "particles/all"
"""Where in the file all is, but for what H5MD says of itself."""

_TRIES, _TRY_SECONDS = 20, 0.02  # to read what is being written
_MOST_COMPRESSED = 1000  # bytes of a frame for each of the file, beyond which it is not believed
_READ = ("species/value", "position/value", "position/step", "position/time", "box/edges/value")

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

    def checksum(self, before: int = 0) -> int:
        """CRC-32 of what places the atoms, as stored, after that of the frames before."""
        positions = np.ascontiguousarray(self.positions, np.float32)
        return zlib.crc32(positions.tobytes(), zlib.crc32(self.cell.tobytes(), before))

    def as_stored(self) -> TrajectoryFrame:
        """A copy with the rounding of the file, as a reader of it will see it."""
        singles = {
            name: values.astype(np.float32).astype(float)
            for name in ("positions", "velocities", "virials")
            if (values := getattr(self, name)) is not None
        }
        return replace(self, numbers=self.numbers.copy(), cell=self.cell.copy(), **singles)


class Trajectory:
    """Reads a trajectory file, also while it is being written: the frames it had when opened.

    Args:
        path: The file.

    Raises:
        InputError: If the file is missing, damaged or no trajectory.
    """

    def __init__(self, path: Path | str) -> None:
        self._path = user_path(path)
        self._close: Callable[[], object] = lambda: None
        self._read(self._open)

    def _open(self) -> None:
        self._close()
        self._opened = _state_of(self._path)
        file = open_for_reading(self._path)
        # also when Python ends, lest HDF5 asks for bytes after that
        self._close = weakref.finalize(self, file.close)
        if GROUP not in file or "h5md" not in file:
            raise InputError(f"{self._path}: has no group '{GROUP}', so it is no H5MD trajectory")
        self._group = file[GROUP]
        self._data = {name: find_array(self._group, name) for name in _READ}
        for name in ("velocity/value", "virial/value"):
            if name.partition("/")[0] in self._group:
                self._data[name] = find_array(self._group, name)
        self._count = min(map(len, self._data.values()))  # one frame may be half written
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
            try:
                return read()
            except InputError:
                self._close()
                raise
            except UNREADABLE as error:
                time.sleep(_TRY_SECONDS)
                if attempt == _TRIES - 1 or _state_of(self._path) == self._opened:
                    self._close()
                    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
                    reason = " ".join(reason.split())
                    raise InputError(
                        f"{self._path}: cannot be read as a trajectory: {reason}"
                    ) from error
            with suppress(*UNREADABLE, InputError):
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
        with np.errstate(invalid="ignore"):  # in places of atoms that a frame has not
            return self._frame_of({name: values[row] for name, values in self._data.items()}, row)

    def _frame_of(self, data: dict[str, np.ndarray], row: int) -> TrajectoryFrame:
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
