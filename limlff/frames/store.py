"""HDF5 store of frames: checked when opened, read lazily, for sets too large for memory.

Layout: per-frame arrays (energy, stress, cell, periodic, group, origin), per-atom arrays (numbers,
positions, forces) of all frames one after the other, and `offsets` of length frames + 1 into them.
Which labels a frame has stands in `has_energy`, `has_forces`, `has_stress`, never in a value; where
one is missing the array holds NaN. Where a frame has a core, there are `core` and `has_core` too,
and the format version is 2 rather than 1. The attribute `digest` is that of `frames_digest`, so
that a store and the files it was made of can be told to be the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from types import TracebackType
from typing import Any, overload

import h5py
import numpy as np

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError, shown
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.frames.opening import require_file
from limlff.frames.store_layout import check_layout
from limlff.hdf5_heaps import check_global_heaps_of
from limlff.paths import user_path

FORMAT = "limlff-frames"
VERSION = 2
"""Latest format version; version 1 has no cores, which a reader of it would train on wholly."""
_LABELS = ("energy", "forces", "stress")
_BLOCK = 256  # frames read at once while iterating: some MB
_GROWTH = 1 << 22  # bytes by which the image of a new store grows


def is_store(path: Path) -> bool:
    """Whether a file is an HDF5 file, by its signature."""
    with open(path, "rb") as file:
        return file.read(8) == b"\x89HDF\r\n\x1a\n"


def write_store(frames: Sequence[Frame], path: Path) -> None:
    """Write frames to a store; a crash leaves either the old file or the new one, whole.

    The file is made in memory and then written at once: HDF5 itself ends the process when the disk
    is full.

    Args:
        frames: The frames; read twice.
        path: The file, replaced if there is one.

    Raises:
        OSError: If it cannot be written; a file that was there is as it was.
    """
    with replaced_when_whole(path) as temporary:
        temporary.write_bytes(_image_of(frames, path.name))


def _image_of(frames: Sequence[Frame], name: str) -> bytes:
    """The bytes of a store."""
    with h5py.File(name, "w", driver="core", backing_store=False, block_size=_GROWTH) as file:
        _write_content(file, frames)
        file.flush()
        return bytes(file.id.get_file_image())


def _write_content(file: h5py.File, frames: Sequence[Frame]) -> None:
    count = len(frames)
    offsets = np.concatenate([[0], np.cumsum([len(frame) for frame in frames])]).astype(np.int64)
    atoms = int(offsets[-1])
    text = h5py.string_dtype()
    shapes: dict[str, tuple[tuple[int, ...], Any]] = {
        "numbers": ((atoms,), "i2"),
        "positions": ((atoms, 3), "f8"),
        "forces": ((atoms, 3), "f8"),
        "cell": ((count, 3, 3), "f8"),
        "periodic": ((count, 3), "?"),
        "energy": ((count,), "f8"),
        "stress": ((count, 3, 3), "f8"),
        "has_energy": ((count,), "?"),
        "has_forces": ((count,), "?"),
        "has_stress": ((count,), "?"),
        "group": ((count,), text),
        "origin": ((count,), text),
    }
    has_cores = any(frame.core is not None for frame in frames)
    if has_cores:
        shapes.update({"core": ((atoms,), "?"), "has_core": ((count,), "?")})
    for name, (shape, kind) in shapes.items():
        file.create_dataset(name, shape, kind)
    file["offsets"] = offsets
    elements: set[str] = set()
    for start in range(0, count, _BLOCK):
        block = frames[start : start + _BLOCK]
        _write_block(file, block, start, int(offsets[start]))
        elements.update(symbol for frame in block for symbol in set(frame.symbols))
    file.attrs.update(
        {
            "format": FORMAT,
            "version": VERSION if has_cores else 1,
            "elements": sorted(elements),
            "digest": frames_digest(frames),
        }
    )


def _write_block(file: h5py.File, block: Sequence[Frame], start: int, first_atom: int) -> None:
    """Write consecutive frames, the first of which has the number `start`."""
    of_frames = slice(start, start + len(block))
    of_atoms = slice(first_atom, first_atom + sum(map(len, block)))
    if of_atoms.start < of_atoms.stop:
        file["numbers"][of_atoms] = np.concatenate([frame.numbers for frame in block])
        file["positions"][of_atoms] = np.concatenate([frame.positions for frame in block])
        file["forces"][of_atoms] = np.concatenate(
            [_or_nan(frame.forces, (len(frame), 3)) for frame in block]
        )
        if "core" in file:
            file["core"][of_atoms] = np.concatenate([frame.is_core for frame in block])
    file["cell"][of_frames] = np.array([frame.cell for frame in block])
    file["periodic"][of_frames] = np.array([frame.periodic for frame in block])
    file["energy"][of_frames] = np.array([_or_nan(frame.energy, ()) for frame in block])
    file["stress"][of_frames] = np.array([_or_nan(frame.stress, (3, 3)) for frame in block])
    for label in _LABELS:
        file[f"has_{label}"][of_frames] = [getattr(frame, label) is not None for frame in block]
    if "core" in file:
        file["has_core"][of_frames] = [frame.core is not None for frame in block]
    file["group"][of_frames] = [frame.group for frame in block]
    file["origin"][of_frames] = [frame.origin for frame in block]


def _or_nan(label: np.ndarray | float | None, shape: tuple[int, ...]) -> np.ndarray:
    return np.full(shape, np.nan) if label is None else np.asarray(label, float)


class FrameStore(Sequence[Frame]):
    """Frames of a store, read from disk when asked for; a context manager.

    Attributes:
        path: The file.
        elements: Chemical symbols of all frames, sorted.
        digest: Content digest, as of `frames_digest`.
    """

    def __init__(self, path: Path | str, verify: bool = True) -> None:
        """Open a store.

        Args:
            path: The file.
            verify: Whether to read it once and compare its content with its digest.

        Raises:
            InputError: If it is missing, no store, of a newer version, or damaged.
        """
        self.path = user_path(path)
        require_file(self.path)
        try:
            check_global_heaps_of(self.path)
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise InputError(
                f"{shown(path)}: is no readable HDF5 file: {shown(str(error))}"
            ) from None
        try:
            self._check_format()
            self._has_cores = int(self._file.attrs["version"]) > 1
            check_layout(self._file, self.path, self._has_cores)
            self.elements = [str(symbol) for symbol in self._file.attrs["elements"].tolist()]
            self.digest = str(self._file.attrs["digest"])
            self._offsets = self._file["offsets"][:]
            if verify:
                self._check_content()
        except InputError:
            self.close()
            raise
        except Exception as error:  # h5py raises many kinds on damage
            self.close()
            raise InputError(
                f"{shown(path)}: is damaged: {type(error).__name__}: {shown(str(error))}; "
                "write it again"
            ) from None

    def _check_format(self) -> None:
        kind, version = self._file.attrs.get("format"), self._file.attrs.get("version", 0)
        if not isinstance(kind, str) or kind != FORMAT:
            raise InputError(
                f"{shown(self.path)}: is HDF5 of format {shown(repr(kind), 40)}, not {FORMAT!r}"
            )
        if not isinstance(version, int | np.integer):
            raise InputError(
                f"{shown(self.path)}: has format version {shown(repr(version), 40)}; it must be a "
                "whole number"
            )
        if version > VERSION:
            raise InputError(
                f"{shown(self.path)}: has format version {version}, this limlff knows {VERSION}; "
                "update it"
            )

    def _check_content(self) -> None:
        found = frames_digest(self)
        if found != self.digest:
            raise InputError(
                f"{self.path}: is damaged, its content has digest {found[:12]} instead of "
                f"{self.digest[:12]}; write it again"
            )

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._offsets) - 1

    @overload
    def __getitem__(self, index: int) -> Frame: ...
    @overload
    def __getitem__(self, index: slice) -> list[Frame]: ...
    def __getitem__(self, index: int | slice) -> Frame | list[Frame]:
        """One frame, or several as a list."""
        if isinstance(index, slice):
            start, stop, step = index.indices(len(self))
            if step == 1:
                return self._read_block(start, max(start, stop))
            return [self[position] for position in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"frame {index} of {len(self)}")
        return self._read_block(position, position + 1)[0]

    def __iter__(self) -> Iterator[Frame]:
        """All frames, read some hundred at a time."""
        for start in range(0, len(self), _BLOCK):
            yield from self._read_block(start, min(start + _BLOCK, len(self)))

    def _read_block(self, start: int, stop: int) -> list[Frame]:
        file, bounds = self._file, self._offsets[start : stop + 1]
        atoms, of_frames = slice(bounds[0], bounds[-1]), slice(start, stop)
        core, has_core = (["core"], ["has_core"]) if self._has_cores else ([], [])
        per_atom = {name: file[name][atoms] for name in ("numbers", "positions", "forces", *core)}
        names = ("cell", "periodic", "energy", "stress", "has_energy", "has_forces", "has_stress")
        per_frame = {name: file[name][of_frames] for name in (*names, *has_core)}
        groups, origins = file["group"].asstr()[of_frames], file["origin"].asstr()[of_frames]
        frames = []
        for row, (first, last) in enumerate(pairwise(bounds)):
            own = slice(first - bounds[0], last - bounds[0])
            has = {name: bool(per_frame[f"has_{name}"][row]) for name in (*_LABELS, *core)}
            frames.append(
                Frame(
                    numbers=per_atom["numbers"][own].astype(int),
                    positions=per_atom["positions"][own],
                    cell=per_frame["cell"][row],
                    periodic=per_frame["periodic"][row],
                    energy=float(per_frame["energy"][row]) if has["energy"] else None,
                    forces=per_atom["forces"][own] if has["forces"] else None,
                    stress=per_frame["stress"][row] if has["stress"] else None,
                    core=per_atom["core"][own] if has.get("core") else None,
                    group=str(groups[row]),
                    origin=str(origins[row]),
                )
            )
        return frames

    def close(self) -> None:
        """Close the file; frames read before stay valid."""
        self._file.close()

    def __enter__(self) -> FrameStore:
        """The store itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the file."""
        self.close()


def read_store(path: Path) -> list[Frame]:
    """All frames of a store, in memory."""
    with FrameStore(path) as store:
        return list(store)
