"""Runs in three dimensions through time: frames of a trajectory for the page's viewer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np

from limlff.analysis.local_order import Order
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.report.movie import AtomClasses, Movie, MovieFrame

MOST_FRAMES = 120
"""Most frames of a run that go into the page."""

ORDER_CLASSES = AtomClasses(
    names=tuple(kind.name.lower() for kind in Order),
    colors=("#d1495b", "#8fb3d9", "#57a773", "#b38ad1"),
)
"""Classes of `limlff.analysis.local_order`, disordered, bcc, fcc and hcp, in their colours."""


def make_movie(
    folder: Path,
    title: str,
    classes: AtomClasses,
    look: Callable[[TrajectoryFrame, int], MovieFrame],
    analysed: int,
) -> Movie:
    """A movie of the run in a folder.

    Args:
        folder: Folder of a run.
        title: Name of the run.
        classes: Classes of atoms.
        look: Makes the picture of a frame, given its number in the trajectory.
        analysed: Frames that were analysed; later ones are not shown.
    """
    with Trajectory(folder / TRAJECTORY) as trajectory:
        count = min(len(trajectory), analysed)
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))
        frames = [look(trajectory[int(i)], int(i)) for i in chosen]
        elements = tuple(trajectory.symbols)
    return Movie(title, classes, elements, frames)
