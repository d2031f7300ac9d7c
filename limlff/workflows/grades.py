"""How far runs were from what the potential was trained on: extrapolation grades of frames."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from ase import Atoms

from limlff.frames.frame import Frame
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.potential import Potential
from limlff.training.uncertainty.frames import grade_frames
from limlff.uncertainty import available
from limlff.workflows.series import TimeSeries

UNCERTAIN = "uncertain.extxyz"
"""Name of the file, in the folder of a run, with surroundings that the potential does not know."""

OUTSIDE = 1.0
"""Grade above which an atom is outside the training data."""

OUTSIDE_SHARE = 0.01
"""Part of the atoms outside from which on a frame is not to be trusted."""

LONG_PS = 5.0
"""Time for which more than 1 % of the atoms must be outside for the result to be in doubt (ps)."""

_BLOCK = 64  # frames that are graded together


def atoms_of(frame: TrajectoryFrame) -> Atoms:
    """A frame of a run, which is periodic in all directions."""
    return Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)


@dataclass(frozen=True)
class Stranger:
    """The atom of a frame that is farthest outside the training data.

    Attributes:
        frame: Number of the frame.
        atom: Number of the atom.
        grade: Its extrapolation grade.
    """

    frame: int
    atom: int
    grade: float


def with_grades(
    series: TimeSeries, potential: Potential, frames: Iterator[TrajectoryFrame]
) -> tuple[TimeSeries, list[Stranger]]:
    """Numbers of a run with its extrapolation grades, and frames with an atom above `OUTSIDE`.

    Args:
        series: Numbers of the frames.
        potential: The potential; without uncertainty the grades are not numbers.
        frames: The frames.

    Returns:
        The series with highest_grade and share_outside, the part of the atoms above `OUTSIDE`; and
        the farthest atom of each frame that has one.
    """
    count = len(series.time_ps)
    highest, share = np.full(count, np.nan), np.full(count, np.nan)
    strangers = []
    numbered = islice(enumerate(frames), count)  # a run cut short may have a frame more in its file
    while available(potential) and (block := list(islice(numbered, _BLOCK))):
        for (index, _), grades in zip(block, _grades(potential, block), strict=True):
            worst = int(np.argmax(grades))
            highest[index], share[index] = grades[worst], np.mean(grades > OUTSIDE)
            if grades[worst] > OUTSIDE:
                strangers.append(Stranger(index, worst, float(grades[worst])))
    columns = {"highest_grade": highest, "share_outside": share}
    return TimeSeries(series.time_ps, series.columns | columns), strangers


def _grades(
    potential: Potential, frames: Sequence[tuple[int, TrajectoryFrame]]
) -> list[np.ndarray]:
    periodic = np.ones(3, bool)
    bare = [Frame(each.numbers, each.positions, each.cell, periodic) for _, each in frames]
    return grade_frames(potential, bare)


def longest_outside_ps(series: TimeSeries) -> float:
    """Longest time with more than `OUTSIDE_SHARE` outside (ps); a frame lasts until the next."""
    share = series.columns["share_outside"]
    if np.isnan(share).all():
        return math.nan
    interval = float(series.time_ps[1] - series.time_ps[0]) if len(share) > 1 else 0.0
    frames = longest = 0
    for is_outside in share > OUTSIDE_SHARE:
        frames = frames + 1 if is_outside else 0
        longest = max(longest, frames)
    return interval * longest


def trust(highest: float, longest: float) -> str:
    """A sentence on the extrapolation grades.

    Args:
        highest: Highest one of an atom in any run; not a number if they are not known.
        longest: Longest time without a break with more than `OUTSIDE_SHARE` of the atoms of a run
            outside (ps).
    """
    if math.isnan(highest):
        return "The potential cannot tell whether it is to be trusted: it has no uncertainty."
    if longest > LONG_PS:
        return (
            f"In doubt: for up to {longest:.0f} ps more than 1 % of the atoms of a run were beyond "
            f"the training data of the potential (grades to {highest:.1f}); their surroundings are "
            f"in the files {UNCERTAIN} of the runs, to be labelled by DFT and trained on."
        )
    return (
        f"The highest extrapolation grade of an atom was {highest:.2f} (1 is the edge of the "
        "training data)"
        + (
            f", and never were more than 1 % of the atoms above 1 for longer than {LONG_PS:g} ps."
            if highest > 1
            else "."
        )
    )
