"""Checks of an HDF5 file before it is read as a store of frames.

HDF5 can point anywhere: links to themselves, to other files and pipes, arrays that lie elsewhere or
claim terabytes without a byte of them being there. Nothing of that is followed.
"""

from __future__ import annotations

import os
from pathlib import Path

import h5py
import numpy as np

from limlff.errors import InputError, shown
from limlff.frames.opening import LARGEST_EXPANSION

_FREE_SIZE = 1 << 24  # bytes that the arrays may have in any file
# name: shape behind the first length, kinds of numbers, what the first length counts
_ARRAYS: dict[str, tuple[tuple[int, ...], str, str]] = {
    "numbers": ((), "iu", "atoms"),
    "positions": ((3,), "f", "atoms"),
    "forces": ((3,), "f", "atoms"),
    "cell": ((3, 3), "f", "frames"),
    "periodic": ((3,), "b", "frames"),
    "energy": ((), "f", "frames"),
    "stress": ((3, 3), "f", "frames"),
    "has_energy": ((), "b", "frames"),
    "has_forces": ((), "b", "frames"),
    "has_stress": ((), "b", "frames"),
    "group": ((), "O", "frames"),
    "origin": ((), "O", "frames"),
    "offsets": ((), "iu", "bounds"),
}
_OF_CORES: dict[str, tuple[tuple[int, ...], str, str]] = {
    "core": ((), "b", "atoms"),
    "has_core": ((), "b", "frames"),
}


def check_layout(file: h5py.File, path: Path, has_cores: bool) -> None:
    """Refuse a file whose arrays are not those of a store.

    Args:
        file: The open file.
        path: Its name for messages.
        has_cores: Whether its format version has cores.

    Raises:
        InputError: If one is missing, lies elsewhere, is of a wrong kind or shape, or claims far
            more than the file holds; the message names it.
    """
    lengths: dict[str, int] = {}
    claimed = 0
    arrays = _ARRAYS | (_OF_CORES if has_cores else {})
    for name, (shape, kinds, counted) in arrays.items():
        data = _own_array(file, name, path)
        if data.dtype.kind not in kinds:
            raise InputError(f"{shown(path)}: {name} is of kind {data.dtype}; write it again")
        expected = lengths.setdefault(counted, data.shape[0] if data.ndim else -1)
        if data.shape != (expected, *shape):
            raise InputError(
                f"{shown(path)}: {name} has shape {data.shape}; it must be {(expected, *shape)}"
            )
        claimed += int(data.size) * data.dtype.itemsize
    if claimed > _FREE_SIZE + LARGEST_EXPANSION * os.path.getsize(path):
        raise InputError(
            f"{shown(path)}: claims {claimed / 1e9:.3g} GB in a file of "
            f"{os.path.getsize(path) / 1e9:.3g} GB; write it again"
        )
    _check_bounds(file["offsets"][:], lengths, path)


def _own_array(file: h5py.File, name: str, path: Path) -> h5py.Dataset:
    """An array that lies in the file itself."""
    link = file.get(name, getlink=True)
    if link is None:
        raise InputError(f"{shown(path)}: is damaged, {name} is missing; write it again")
    if not isinstance(link, h5py.HardLink):
        raise InputError(f"{shown(path)}: {name} is a link to elsewhere; a store has none")
    data = file[name]
    if not isinstance(data, h5py.Dataset) or data.shape is None:
        raise InputError(f"{shown(path)}: {name} is no array; write it again")
    if data.external or data.is_virtual:
        raise InputError(f"{shown(path)}: {name} lies in another file; a store is one file")
    return data


def _check_bounds(bounds: np.ndarray, lengths: dict[str, int], path: Path) -> None:
    steps = np.diff(bounds.astype(np.int64))
    whole = len(bounds) == lengths["frames"] + 1 and bounds[0] == 0
    if not whole or np.any(steps < 0) or bounds[-1] != lengths["atoms"]:
        raise InputError(
            f"{shown(path)}: is damaged, its offsets do not divide {lengths['atoms']} atoms into "
            f"{lengths['frames']} frames; write it again"
        )
