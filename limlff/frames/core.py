"""The column by which files mark the core of a cell that was cut out of a larger one."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Bool

from limlff.frames.source import FrameSource

CORE = "core"
"""Name of the column, and of the array of ASE atoms."""
_WORDS = {"t": True, "true": True, "f": False, "false": False}


def read_core(values: Any, origin: str, source: FrameSource) -> Bool[np.ndarray, " atoms"] | None:
    """Which atoms belong to the core; None if nothing says so.

    Args:
        values: Logical values or their words, one of each atom; None if there is no such column.
            Numbers, and other words, have another meaning: they are remarked, not read.
        origin: File and frame.
        source: Takes the remark.
    """
    if values is None:
        return None
    given = np.asarray(values)
    column = given.reshape(len(given), -1)
    if column.shape[1] == 1 and column.dtype == bool:
        return column[:, 0].copy()
    if column.shape[1] == 1 and column.dtype.kind == "U":
        words = [str(word).lower() for word in column[:, 0]]
        if set(words) <= _WORDS.keys():
            return np.array([_WORDS[word] for word in words])
    source.remark(f"{CORE} is not read: it is no column of T and F, {CORE}:L:1", origin)
    return None
