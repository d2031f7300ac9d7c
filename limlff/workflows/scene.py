"""Runs in three dimensions through time: frames of a trajectory for the page's viewer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from ase.data import chemical_symbols

from limlff.analysis.local_order import Order
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.report.movie import AtomClasses, Movie, MovieFrame, element_classes

MOST_FRAMES = 120
"""Most frames of a run that go into the page."""

ORDER_CLASSES = AtomClasses(
    title="local order",
    names=tuple(kind.name.lower() for kind in Order),
    colors=("#d1495b", "#8fb3d9", "#57a773", "#b38ad1"),
    usual="bcc",
)
"""Classes of `limlff.analysis.local_order`, disordered, bcc, fcc and hcp, in their colours."""


def make_movie(
    folder: Path,
    title: str,
    colorings: Sequence[AtomClasses],
    look: Callable[[TrajectoryFrame, int], MovieFrame],
    analysed: int,
    points: str = "",
) -> Movie:
    """A movie of the run in a folder; atoms can always be coloured by element, too.

    Args:
        folder: Folder of a run.
        title: Name of the run.
        colorings: Ways to colour the atoms.
        look: Makes the picture of a frame, given its number in the trajectory, with a class of
            each atom for each colouring.
        analysed: Frames that were analysed; later ones are not shown.
        points: What the points of the frames show; empty if there are none.
    """
    with Trajectory(folder / TRAJECTORY) as trajectory:
        count = min(len(trajectory), analysed)
        chosen = np.unique(np.linspace(0, count - 1, min(count, MOST_FRAMES)).round().astype(int))
        pictures, numbers = [], []
        for index in map(int, chosen):
            frame = trajectory[index]
            pictures.append(look(frame, index))
            numbers.append(frame.numbers)
    known = np.unique(np.concatenate(numbers))
    frames = [
        replace(picture, classes=[*picture.classes, np.searchsorted(known, own)])
        for picture, own in zip(pictures, numbers, strict=True)
    ]
    elements = element_classes([chemical_symbols[number] for number in known])
    return Movie(title, [*colorings, elements], frames, points)
