"""Which arrays a checkpoint holds, of which kinds and shapes.

Formats before 5 do not hold the highest uncertainty, which begins anew. Formats 2 and 3 know
neither a lid nor friction on some atoms alone, and no area at the start, which settings of that
time do not ask for. Format 2 tells that the forces of step n are still to be evaluated by a step of
-1 - n and not by an array of its own.
"""

from __future__ import annotations

import h5py
import numpy as np

from limlff.md.output.single_writer import find_array
from limlff.md.system.state import plane_area

FORMAT = 5
READABLE = (2, 3, 4, 5)
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
    "state/reference_area": (np.float64, ()),
    "state/lid_height": (np.float64, ()),
    "state/reflections": (np.int64, ()),
    "numbers": (np.int64, ("real",)),
    "masses": (np.float64, ("real",)),
    "mobile": (np.float64, ("real",)),
    "coupled": (np.float64, ("real",)),
    "periodic": (np.bool_, (3,)),
    "list_positions": (np.float64, ("atoms", 3)),
    "list_cell": (np.float64, (3, 3)),
    "event_counts": (np.int64, ("events",)),
    "above_since": (np.int64, ("real",)),
    "assessed_since": (np.int64, ()),
    "highest_values": (np.float64, (2,)),
    "highest_places": (np.int64, (2, 3)),
}
"""Kind and shape of every array; a name stands for a number that is the same wherever it occurs."""

_SINCE = {
    "state/forces_known": 3,
    "state/reference_area": 4,
    "state/lid_height": 4,
    "state/reflections": 4,
    "coupled": 4,
    "assessed_since": 5,
    "highest_values": 5,
    "highest_places": 5,
}
"""First format with an array that not all of them have."""

_MAY_BE_INFINITE = ("highest_values",)  # of elements that no training frame held


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
        if version < _SINCE.get(name, 0):
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
        finite = name in _MAY_BE_INFINITE or data.dtype.kind != "f" or np.isfinite(data[()]).all()
        if not finite:
            raise ValueError(f"its array '{name}' holds numbers that are not finite")
    return {**_not_known_then(found, version), **found} if version < FORMAT else found


def _not_known_then(found: dict[str, np.ndarray], version: int) -> dict[str, np.ndarray]:
    """Arrays that an older format has not, with what its run meant."""
    step = found["state/step"]
    if version == 2:
        found["state/step"] = np.maximum(step, -1 - step)
    return {
        "state/forces_known": step >= 0,
        "state/reference_area": np.array(plane_area(found["state/cell"])),
        "state/lid_height": np.array(0.0),
        "state/reflections": np.array(0, np.int64),
        "coupled": np.ones(len(found["numbers"])),
        "assessed_since": np.array(-1, np.int64),
        "highest_values": np.zeros(2),
        "highest_places": np.zeros((2, 3), np.int64),
    }
