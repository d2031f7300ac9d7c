"""Checks that frames must pass before anything is fitted to them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from limlff.errors import InputError
from limlff.frames.distances import CLOSEST_ALLOWED, closest_pair
from limlff.frames.frame import Frame


def check_frames(frames: Iterable[Frame]) -> None:
    """Refuse frames that cannot be trained on.

    Args:
        frames: The frames.

    Raises:
        InputError: If there is no frame at all, or if a frame has no atoms, neither energy nor
            forces, a value that is not finite, or two atoms closer than 0.5 Å; it names file and
            frame.
    """
    count = 0
    for frame in frames:
        check_labels(frame)
        check_distances(frame)
        count += 1
    if not count:
        raise InputError("there are no frames; give a file with at least one")


def check_labels(frame: Frame) -> None:
    """Refuse a frame without atoms or labels, an empty core, or values that are not finite.

    Raises:
        InputError: If the frame is such a one.
    """
    if not len(frame):
        raise InputError(f"{frame.origin}: has no atoms; remove the frame")
    if frame.energy is None and frame.forces is None:
        raise InputError(
            f"{frame.origin}: has neither energy nor forces; label the frame or remove it"
        )
    if not frame.is_core.any():
        raise InputError(
            f"{frame.origin}: no atom is in its core; leave out the column 'core', or mark the "
            "atoms whose forces count"
        )
    values = {
        "positions": frame.positions,
        "cell": frame.cell,
        "energy": frame.energy,
        "forces": frame.forces,
        "stress": frame.stress,
    }
    for name, value in values.items():
        if value is not None and not np.all(np.isfinite(value)):
            raise InputError(_describe_not_finite(frame, name, np.asarray(value)))


def _describe_not_finite(frame: Frame, name: str, value: np.ndarray) -> str:
    where = np.argwhere(~np.isfinite(np.atleast_1d(value)))[0]
    of_atom = f" of atom {where[0]}" if name in ("positions", "forces") else ""
    found = np.atleast_1d(value)[tuple(where)]
    return f"{frame.origin}: {name}{of_atom} is {found}; it must be finite, remove the frame"


def check_distances(frame: Frame) -> float:
    """Refuse a frame with atoms closer than 0.5 Å, where no DFT result can be trusted.

    Returns:
        The shortest distance between two atoms or images (Å); infinite for a single free atom.

    Raises:
        InputError: If two atoms are closer.
    """
    pair = closest_pair(frame)
    if pair.distance < CLOSEST_ALLOWED:
        symbols = frame.symbols
        raise InputError(
            f"{frame.origin}: {symbols[pair.first]} {pair.first} and {symbols[pair.second]} "
            f"{pair.second} are {pair.distance:.2f} Å apart; the limit is {CLOSEST_ALLOWED} Å, "
            "remove the frame"
        )
    return pair.distance
