"""Shortest distance between atoms of a frame, periodic images included."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limlff import precision as precision
from limlff.frames.frame import Frame
from limlff.neighbors.pairs import find_pairs

CLOSEST_ALLOWED = 0.5
"""No two atoms may be closer than this (Å); a Li2 molecule has 2.7, H2 0.74."""


@dataclass(frozen=True)
class ClosestPair:
    """Two atoms, or an atom and an image, and their distance (Å)."""

    first: int
    second: int
    distance: float


def closest_pair(frame: Frame) -> ClosestPair:
    """The two atoms that are closest, periodic images included.

    The search radius starts near the mean distance and doubles until a pair is inside.

    Returns:
        The pair; its distance is infinite if there is only one atom and no image of it.
    """
    positions = wrapped_positions(frame)
    if len(frame) == 1 and not np.any(frame.periodic):
        return ClosestPair(0, 0, float("inf"))
    radius = _first_radius(frame, positions)
    while True:
        pairs = find_pairs(positions, frame.cell, frame.periodic, radius)
        if len(pairs.centres):
            vectors = positions[pairs.owners] - positions[pairs.centres] + pairs.shifts @ frame.cell
            squares = np.einsum("pc,pc->p", vectors, vectors)
            best = int(np.argmin(squares))
            return ClosestPair(
                int(pairs.centres[best]), int(pairs.owners[best]), float(squares[best] ** 0.5)
            )
        radius *= 2


def _first_radius(frame: Frame, positions: np.ndarray) -> float:
    """A little more than the edge of the cube that is one atom's share of space."""
    volume = frame.volume if np.all(frame.periodic) else float(np.prod(np.ptp(positions, axis=0)))
    return 1.2 * max(volume / len(frame), 1.0) ** (1 / 3)


def wrapped_positions(frame: Frame) -> np.ndarray:
    """Positions moved into the cell along periodic directions (Å), shape (atoms, 3)."""
    fractional = fractional_positions(frame)
    whole = np.where(frame.periodic, np.floor(fractional), 0.0)
    return frame.positions - whole @ frame.cell


def fractional_positions(frame: Frame) -> np.ndarray:
    """Positions in units of the cell vectors, shape (atoms, 3); zero where there is no vector."""
    return frame.positions @ np.linalg.pinv(frame.cell)
