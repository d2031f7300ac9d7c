"""Bringing one structure down on another until their closest atoms are a distance apart."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list


def drop_to_contact(below: Atoms, above: Atoms, distance: float) -> float | None:
    """How far a structure must be lifted so that its shortest distance to one below is given.

    Args:
        below: The lower structure; its cell counts, periodic along x and y.
        above: The upper one, wherever it is along z.
        distance: Shortest distance between atoms of both (Å).

    Returns:
        Lift along z (Å), negative where it is let down; None if no atom of one is within the
        distance of one of the other as seen along z, so that they would pass each other.
    """
    flat = Atoms(
        np.concatenate([below.numbers, above.numbers]),
        np.concatenate([below.positions, above.positions]),
        cell=below.cell,
        pbc=(True, True, False),
    )
    heights = flat.positions[:, 2].copy()
    flat.positions[:, 2] = 0.0
    first, second, lateral = neighbor_list("ijd", flat, distance)
    between = (first < len(below)) & (second >= len(below))
    if not between.any():
        return None
    low, high = heights[first[between]], heights[second[between]]
    return float(np.max(low - high + np.sqrt(distance**2 - lateral[between] ** 2)))
