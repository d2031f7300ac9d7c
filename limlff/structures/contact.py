"""Bringing one structure down on another until their closest atoms are a distance apart."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.neighborlist import neighbor_list
from jaxtyping import Float

_FIRST = 50  # atoms of each that are nearest to the other, whose lift tells which others matter


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
    low, high = below.positions, above.positions
    low, high = low[np.argsort(-low[:, 2])], high[np.argsort(high[:, 2])]
    cell = below.cell.array[:2]
    least = _lift(low[:_FIRST], high[:_FIRST], cell, distance)
    if least is not None:
        # a pair lifts by its difference in height and the distance at the most
        low, high = (
            low[low[:, 2] - high[0, 2] + distance >= least],
            high[low[0, 2] - high[:, 2] + distance >= least],
        )
    return _lift(low, high, cell, distance)


def _lift(
    low: Float[np.ndarray, "lower 3"],
    high: Float[np.ndarray, "upper 3"],
    cell: Float[np.ndarray, "2 3"],
    distance: float,
) -> float | None:
    """Lift that keeps all pairs of two groups a distance apart (Å); None without any in reach."""
    flat = Atoms(f"Li{len(low) + len(high)}", np.concatenate([low, high]))
    heights = flat.positions[:, 2].copy()
    flat.positions[:, 2] = 0.0
    # no higher than it must be: the search divides the cell into boxes of the distance
    flat.set_cell([*cell, [0.0, 0.0, distance]])
    flat.pbc = (True, True, False)
    first, second, lateral = neighbor_list("ijd", flat, distance)
    between = (first < len(low)) & (second >= len(low))
    if not between.any():
        return None
    rise = heights[first[between]] - heights[second[between]]
    return float(np.max(rise + np.sqrt(distance**2 - lateral[between] ** 2)))
