"""Frames of a run packed small enough to lie inside a web page.

Positions become 16-bit fractions of the cell vectors, exact to 1e-5 of the cell; the viewer's cell
is that of each frame.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

_STEPS = 65536  # values of a 16-bit fraction


@dataclass(frozen=True)
class AtomClasses:
    """Classes by which atoms are coloured, such as kinds of local order.

    Attributes:
        title: What they are classes of.
        names: Their names.
        colors: Their colours, as #rrggbb.
        usual: The class of most atoms, which can be hidden to see the others; empty for none.
    """

    title: str
    names: tuple[str, ...]
    colors: tuple[str, ...]
    usual: str = ""


@dataclass(frozen=True)
class MovieFrame:
    """One frame to be shown.

    Attributes:
        time_ps: Time (ps).
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        classes: For each colouring of the movie, the class of each atom.
        points: Points to be shown beside the atoms, such as those that lie in a hole (Å).
        note: What is written under the picture.
    """

    time_ps: float
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    classes: Sequence[Int[np.ndarray, " atoms"]]
    points: Float[np.ndarray, "points 3"] | None = None
    note: str = ""


@dataclass(frozen=True)
class Movie:
    """Frames of one run; the number of atoms may change from frame to frame.

    Attributes:
        title: Name of the run.
        colorings: Ways to colour the atoms, the first one shown first.
        frames: The frames in the order of time.
        points: What the points of the frames show; empty if there are none.
    """

    title: str
    colorings: Sequence[AtomClasses]
    frames: Sequence[MovieFrame]
    points: str = ""


def element_classes(symbols: Sequence[str]) -> AtomClasses:
    """Chemical elements as classes, in the usual colours.

    Args:
        symbols: The elements, each once.
    """
    from ase.data import atomic_numbers
    from ase.data.colors import jmol_colors

    colors = tuple(_hex(jmol_colors[atomic_numbers[symbol]]) for symbol in symbols)
    return AtomClasses("element", tuple(symbols), colors)


def pack(movie: Movie) -> dict[str, Any]:
    """The movie as values JSON can hold, arrays as base64 of little-endian integers.

    Classes that are those of the frame before are null.
    """
    packed: list[dict[str, Any]] = []
    before: list[str] = [""] * len(movie.colorings)
    for frame in movie.frames:
        classes = [_encode(each, "<u1") for each in frame.classes]
        points = np.zeros((0, 3)) if frame.points is None else frame.points
        packed.append(
            {
                "time": round(frame.time_ps, 4),
                "cell": [round(float(x), 4) for x in frame.cell.ravel()],
                "atoms": _encode(quantised(frame.positions, frame.cell), "<u2"),
                "classes": [
                    None if new == old else new for new, old in zip(classes, before, strict=True)
                ],
                "points": _encode(quantised(points, frame.cell), "<u2"),
                "note": frame.note,
            }
        )
        before = classes
    return {
        "title": movie.title,
        "points": movie.points,
        "colorings": [asdict(coloring) for coloring in movie.colorings],
        "frames": packed,
    }


def quantised(
    positions: Float[np.ndarray, "atoms 3"], cell: Float[np.ndarray, "3 3"]
) -> Int[np.ndarray, "atoms 3"]:
    """Positions wrapped into the cell, in 1/65536 of the cell vectors."""
    fractional = positions.reshape(-1, 3) @ np.linalg.inv(cell)
    fractional -= np.floor(fractional)
    return np.round(fractional * _STEPS).astype(int) % _STEPS


def _encode(values: Any, dtype: str) -> str:
    return base64.b64encode(np.ascontiguousarray(values, dtype=dtype).tobytes()).decode("ascii")


def _hex(color: Any) -> str:
    return "#" + "".join(f"{round(255 * float(part)):02x}" for part in color)
