"""Where atoms land while dendrites grow, and how uneven the current is."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.analysis.current_density import LocalCurrent, has_landed, local_current
from limlff.md.output.trajectory import TrajectoryFrame


@dataclass(frozen=True)
class Landing:
    """An atom that has landed.

    Attributes:
        atom: Its number.
        time_ps: Time of the first frame in which it has (ps).
        place: Where, in fractions of the first two cell vectors.
    """

    atom: int
    time_ps: float
    place: tuple[float, float]


@dataclass(frozen=True)
class CurrentWindow:
    """Local current density over a part of the growth.

    Attributes:
        begin_ps: Its begin (ps).
        end_ps: Its end (ps).
        current: The current density on each tile.
    """

    begin_ps: float
    end_ps: float
    current: LocalCurrent


class Landings:
    """Follows atoms from their arrival to where they land.

    Args:
        first: Number of the first atom that arrives.
    """

    def __init__(self, first: int) -> None:
        self._first = first
        self._landed: set[int] = set()
        self.all: list[Landing] = []

    def follow(self, frame: TrajectoryFrame) -> None:
        """Note who has landed since the frame before."""
        landed = has_landed(frame.positions, frame.cell)
        places = frame.positions @ np.linalg.inv(frame.cell)
        for atom in range(self._first, len(landed)):
            if landed[atom] and atom not in self._landed:
                self._landed.add(atom)
                x, y = (float(part % 1.0) for part in places[atom, :2])
                self.all.append(Landing(atom, frame.time_fs * 1e-3, (x, y)))


def current_windows(
    landings: Sequence[Landing],
    cell: Float[np.ndarray, "3 3"],
    tiles: tuple[int, int],
    until_ps: float,
    count: int,
) -> list[CurrentWindow]:
    """Local current density over equal parts of a time.

    Args:
        landings: Who landed, and when.
        cell: Cell vectors as rows (Å).
        tiles: Tiles along the first two of them.
        until_ps: End of the time (ps).
        count: Parts.
    """
    edges = np.linspace(0.0, until_ps, count + 1)
    windows = []
    for begin, end in itertools.pairwise(edges):
        places = [each.place for each in landings if begin < each.time_ps <= end]
        found = local_current(np.array(places).reshape(-1, 2), cell, tiles, float(end - begin))
        windows.append(CurrentWindow(float(begin), float(end), found))
    return windows
