"""Snapshots: slices of atoms at chosen times, coloured by class, a row for each run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from jaxtyping import Float, Int

from limlff.report.movie import AtomClasses
from limlff.report.page import Figure
from limlff.workflows.figures import drawing

_WIDTH, _TITLE = 2.5, 0.12  # of a picture and what is above it (inches)
_LEGEND = 1.1  # width of an entry of the legend (inches)
_TALLEST = 4.0  # height of a picture in its width
_ATOM = 2.4  # diameter of an atom in the picture (Å)

_PICTURE = {"x": (1, 2, 1), "y": (0, 2, -1), "z": (0, 1, 1)}
"""By the axis along which atoms are seen: the axes to the right and upwards in the picture, and
whether atoms at larger coordinates along it are nearer to the viewer (1) or farther away (-1)."""


@dataclass(frozen=True)
class Slice:
    """Atoms between two planes, as they are seen across them.

    Attributes:
        atoms: Their indices, the farthest from the viewer first.
        places: Where they are about the middle of the picture, to the right and upwards (Å).
        extent: Width and height of the picture: of the cell (Å).
    """

    atoms: Int[np.ndarray, " chosen"]
    places: Float[np.ndarray, "chosen 2"]
    extent: tuple[float, float]


@dataclass(frozen=True)
class Panel:
    """One picture of a figure.

    Attributes:
        slice: What is seen.
        classes: Class of each atom of the slice.
        title: What stands above it.
    """

    slice: Slice
    classes: Int[np.ndarray, " chosen"]
    title: str


def slice_about(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    centre: Float[np.ndarray, "3"],
    half_thickness: float,
    along: Literal["x", "y", "z"] = "z",
) -> Slice:
    """A slice about a point, which is in the middle of the picture.

    Along z it is seen from above, x to the right and y upwards. Along x or y it is a cross-section
    with z upwards, as of a film on its substrate, with y or x to the right.

    Args:
        positions: Positions, inside the cell or not (Å); of each atom the image nearest to the
            point is seen.
        cell: Cell vectors as rows, about along x, y and z (Å).
        centre: The point, in fractions of the cell vectors.
        half_thickness: Largest distance from the middle of the slice (Å).
        along: Axis along which it is seen.
    """
    right, up, sign = _PICTURE[along]
    fractional = positions @ np.linalg.inv(cell) - centre
    offset = (fractional - np.round(fractional)) @ cell
    depth = offset[:, "xyz".index(along)]
    chosen = np.flatnonzero(np.abs(depth) < half_thickness)
    chosen = chosen[np.argsort(sign * depth[chosen])]
    lengths = np.linalg.norm(cell, axis=1)
    extent = float(lengths[right]), float(lengths[up])
    return Slice(chosen, offset[chosen][:, [right, up]], extent)


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


def draw_snapshots(target: Figure, rows: Sequence[Sequence[Panel]], classes: AtomClasses) -> Figure:
    """Draw snapshots, a row for each run, with a legend of the classes.

    Args:
        target: File, title and caption.
        rows: The pictures of each run; all have the scale and the shape of their cell.
        classes: What the atoms are coloured by.

    Returns:
        The target.
    """
    columns = max(map(len, rows))
    extents = [panel.slice.extent for panels in rows for panel in panels]
    tallest = max(height / width for width, height in extents)
    # rounded, so that cells that breathe are drawn alike
    height = _WIDTH * min(_TALLEST, round(tallest, 1))
    size = (_WIDTH * columns, (height + _TITLE) * len(rows))
    with drawing(target, len(rows), columns, size) as (figure, axes):
        for axis in axes.flat:
            axis.set_axis_off()
        for row, panels in zip(axes, rows, strict=True):
            for axis, panel in zip(row, panels, strict=False):
                _draw(axis, panel, classes, height)
        _legend(figure, classes)
    return target


def _draw(axis: Any, panel: Panel, classes: AtomClasses, most_inches: float) -> None:
    width, height = panel.slice.extent
    axis.set_aspect("equal")
    axis.set_xlim(-0.5 * width, 0.5 * width)
    axis.set_ylim(-0.5 * height, 0.5 * height)
    points_per_angstrom = 72 * min((_WIDTH - 0.2) / width, most_inches / height)
    axis.scatter(
        panel.slice.places[:, 0],
        panel.slice.places[:, 1],
        s=(_ATOM * points_per_angstrom) ** 2,
        c=[classes.colors[kind] for kind in panel.classes],
        edgecolors="#2b3442",
        linewidths=0.4,
    )
    axis.set_title(panel.title, fontsize=9)


def _legend(figure: Any, classes: AtomClasses) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="", color=color, label=name)
        for name, color in zip(classes.names, classes.colors, strict=True)
    ]
    columns = max(1, min(len(marks), int(figure.get_figwidth() / _LEGEND)))
    figure.legend(handles=marks, loc="outside lower center", ncols=columns, fontsize=9)
