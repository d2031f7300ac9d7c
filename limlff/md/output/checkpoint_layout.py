"""Which arrays a checkpoint holds, of which kinds and shapes.

Formats differ in how they tell that the forces of step n are still to be evaluated: format 2 by a
step of -1 - n, format 3 by an array of its own.
"""

from __future__ import annotations

import h5py
import numpy as np

from limlff.md.output.single_writer import find_array

FORMAT = 3
READABLE = (2, 3)
"""Formats that are read; the last is written."""

ARRAYS: dict[str, tuple[type, tuple[str | int, ...]]] = {
    "state/step": (np.int64, ()),
    "state/forces_known": (np.bool_, ()),
    "state/positions": (np.float64, ("atoms", 3)),
    "state/momenta": (np.float64, ("atoms", 3)),
    "state/forces": (np.float64, ("atoms", 3)),
    "state/cell": (np.float64, (3, 3)),
    "state/energy": (np.float64, ()),
    "state/virial": (np.float64, (3, 3)),
    "state/key": (np.uint32, (2,)),
    "state/bath_energy": (np.float64, ()),
    "state/chain_positions": (np.float64, ("chain",)),
    "state/chain_momenta": (np.float64, ("chain",)),
    "state/reference_volume": (np.float64, ()),
    "numbers": (np.int64, ("real",)),
    "masses": (np.float64, ("real",)),
    "mobile": (np.float64, ("real",)),
    "periodic": (np.bool_, (3,)),
    "list_positions": (np.float64, ("atoms", 3)),
    "list_cell": (np.float64, (3, 3)),
    "event_counts": (np.int64, ("events",)),
    "above_since": (np.int64, ("real",)),
}
"""Kind and shape of every array; a name stands for a number that is the same wherever it occurs."""


def read_arrays(file: h5py.File, most_bytes: int, version: int) -> dict[str, np.ndarray]:
    """All arrays of a checkpoint by name.

    Args:
        file: The checkpoint.
        most_bytes: Its size, beyond which no array can be.
        version: Its format.

    Raises:
        ValueError: If an array is missing, or of another kind or shape than it must be.
    """
    sizes: dict[str | int, int] = {}
    found = {}
    for name, (kind, shape) in ARRAYS.items():
        if version == 2 and name == "state/forces_known":
            continue
        data = find_array(file, name)
        if data.nbytes > most_bytes or data.chunks is not None:
            raise ValueError(f"its array '{name}' claims {data.nbytes} bytes")
        if len(data.shape) == len(shape):
            for size, length in zip(shape, data.shape, strict=True):
                sizes.setdefault(size, length if isinstance(size, str) else size)
        expected = tuple(sizes.get(size, -1) for size in shape)
        if data.dtype != kind or data.shape != expected:
            raise ValueError(
                f"its array '{name}' is {data.dtype} of shape {data.shape}, not "
                f"{np.dtype(kind)} of {expected}"
            )
        found[name] = data[()]
        if data.dtype.kind == "f" and not np.isfinite(found[name]).all():
            raise ValueError(f"its array '{name}' holds numbers that are not finite")
    if version == 2:
        step = found["state/step"]
        found["state/forces_known"] = step >= 0
        found["state/step"] = np.maximum(step, -1 - step)
    return found
