"""Snapshots: layers of atoms at chosen times, coloured by class, a row for each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

from limlff.report.movie import AtomClasses
from limlff.report.page import Figure
from limlff.workflows.figures import drawing

_WIDTH, _HEIGHT = 2.5, 2.62  # of a snapshot (inches)
_ATOM = 2.4  # diameter of an atom in the picture (Å)


@dataclass(frozen=True)
class Snapshot:
    """A layer of atoms, seen along z.

    Attributes:
        positions: Positions about the middle of the picture (Å).
        classes: Class of each atom.
        extent: Width and height of the picture (Å).
        title: What stands above it.
    """

    positions: Float[np.ndarray, "atoms 3"]
    classes: Int[np.ndarray, " atoms"]
    extent: tuple[float, float]
    title: str


def layer_about(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    centre: Float[np.ndarray, "3"],
    half_thickness: float,
) -> tuple[Int[np.ndarray, " chosen"], Float[np.ndarray, "chosen 3"]]:
    """Atoms of a layer across z, about a point that is in the middle of the picture.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        centre: The point, in fractions of the cell vectors.
        half_thickness: Largest distance from the middle of the layer (Å).

    Returns:
        Their indices, from the lowest to the highest, and their positions about the point (Å).
    """
    fractional = positions @ np.linalg.inv(cell) - centre
    offset = (fractional - np.round(fractional)) @ cell
    chosen = np.flatnonzero(np.abs(offset[:, 2]) < half_thickness)
    chosen = chosen[np.argsort(offset[chosen, 2])]
    return chosen, offset[chosen]


def telling_frames(
    time_ps: Float[np.ndarray, " frames"], events_ps: Sequence[float], count: int = 4
) -> list[int]:
    """Frames that tell a run: the first, those at events, the last; else at equal times.

    Args:
        time_ps: Times of the frames (ps).
        events_ps: Times at which something happened (ps); empty if nothing did.
        count: Frames at equal times.
    """
    last = len(time_ps) - 1
    if not events_ps:
        return sorted({round(index * last / (count - 1)) for index in range(count)})
    return sorted({0, *(int(np.argmax(time_ps >= event)) for event in events_ps), last})


def draw_snapshots(
    target: Figure, rows: Sequence[Sequence[Snapshot]], classes: AtomClasses
) -> Figure:
    """Draw snapshots, a row for each run, with a legend of the classes.

    Returns:
        The target.
    """
    columns = max(map(len, rows))
    size = (_WIDTH * columns, _HEIGHT * len(rows))
    with drawing(target, len(rows), columns, size) as (figure, axes):
        for axis in axes.flat:
            axis.set_axis_off()
        for row, snapshots in zip(axes, rows, strict=True):
            for axis, snapshot in zip(row, snapshots, strict=False):
                _draw(axis, snapshot, classes)
        _legend(figure, classes)
    return target


def _draw(axis: Any, snapshot: Snapshot, classes: AtomClasses) -> None:
    width, height = snapshot.extent
    axis.set_aspect("equal")
    axis.set_xlim(-0.5 * width, 0.5 * width)
    axis.set_ylim(-0.5 * height, 0.5 * height)
    points_per_angstrom = 72 * (_WIDTH - 0.2) / width
    axis.scatter(
        snapshot.positions[:, 0],
        snapshot.positions[:, 1],
        s=(_ATOM * points_per_angstrom) ** 2,
        c=[classes.colors[kind] for kind in snapshot.classes],
        edgecolors="#2b3442",
        linewidths=0.4,
    )
    axis.set_title(snapshot.title, fontsize=9)


def _legend(figure: Any, classes: AtomClasses) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="", color=color, label=name)
        for name, color in zip(classes.names, classes.colors, strict=True)
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), fontsize=9)
