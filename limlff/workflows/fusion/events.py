"""What happened between two dendrites, and when."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from limlff.workflows.fusion.config import Criteria
from limlff.workflows.series import TimeSeries


@dataclass(frozen=True)
class Happened:
    """Times of what happened (ps); None for what did not.

    Attributes:
        touched_ps: The dendrites touched.
        merged_ps: Their neck was as wide as it takes for them to be one.
        cavity_ps: A cavity was closed in between them, for good or for a while.
        most_missing: Largest number of its missing atoms; 0 without one.
        most_missing_ps: When that was.
        gone_ps: The last cavity was gone, and none has come since.
        is_alive: Whether there is a cavity at the end.
    """

    touched_ps: float | None
    merged_ps: float | None
    cavity_ps: float | None
    most_missing: float
    most_missing_ps: float | None
    gone_ps: float | None
    is_alive: bool


def what_happened(series: TimeSeries, criteria: Criteria, radius: float) -> Happened:
    """Times of what happened.

    Args:
        series: Numbers of a run; see `FusionAnalysis.observe`.
        criteria: When something counts as having happened.
        radius: Radius of the dendrites (Å).
    """
    time, neck = series.time_ps, series.columns["neck_radius_angstrom"]
    missing = series.columns["enclosed_missing"]
    spells = lasting(time, missing >= criteria.cavity_atoms, criteria.for_ps)
    inside = np.zeros(len(time), bool)
    for first, last in spells:
        inside[first : last + 1] = True
    most = int(np.argmax(np.where(inside, missing, -1.0)))
    gone = None
    if spells:
        after = spells[-1][1] + 1
        is_gone = lasting(time[after:], missing[after:] < criteria.cavity_atoms, criteria.for_ps)
        gone = float(time[after + is_gone[0][0]]) if is_gone else None
    return Happened(
        touched_ps=_first(time, neck >= criteria.touch_radius_angstrom),
        merged_ps=_first(time, neck >= criteria.merged_part * radius),
        cavity_ps=float(time[spells[0][0]]) if spells else None,
        most_missing=float(missing[most]) if spells else 0.0,
        most_missing_ps=float(time[most]) if spells else None,
        gone_ps=gone,
        is_alive=bool(spells) and gone is None,
    )


def lasting(
    time_ps: Float[np.ndarray, " frames"], holds: Bool[np.ndarray, " frames"], for_ps: float
) -> list[tuple[int, int]]:
    """First and last frame of each spell in which a condition holds for a time or longer.

    Args:
        time_ps: Times of the frames (ps).
        holds: Whether it holds.
        for_ps: Shortest time between the first and the last frame of a spell (ps).
    """
    edges = np.diff(np.concatenate([[False], holds, [False]]).astype(int))
    spells = zip(np.flatnonzero(edges == 1), np.flatnonzero(edges == -1) - 1, strict=True)
    return [
        (int(first), int(last))
        for first, last in spells
        if time_ps[last] - time_ps[first] >= for_ps - 1e-9
    ]


def _first(time_ps: np.ndarray, holds: np.ndarray) -> float | None:
    return float(time_ps[np.argmax(holds)]) if holds.any() else None
