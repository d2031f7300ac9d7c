"""Frames of a run packed small enough to lie inside a web page.

Positions become 16-bit fractions of the cell vectors, exact to 1e-5 of the cell; the viewer's cell
is that of each frame.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float, Int

_STEPS = 65536  # values of a 16-bit fraction


@dataclass(frozen=True)
class MovieFrame:
    """One frame to be shown.

    Attributes:
        time_ps: Time (ps).
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        kinds: Class of each atom, an index into the movie's `classes`.
        hollow: Points that lie in a hole (Å).
        note: What is written under the picture.
    """

    time_ps: float
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    kinds: Int[np.ndarray, " atoms"]
    hollow: Float[np.ndarray, "points 3"]
    note: str = ""


@dataclass(frozen=True)
class AtomClasses:
    """Classes of atoms, such as kinds of local order.

    Attributes:
        names: Their names.
        colors: Their colours, as #rrggbb.
    """

    names: tuple[str, ...]
    colors: tuple[str, ...]


@dataclass(frozen=True)
class Movie:
    """Frames of one run; the number of atoms may change from frame to frame.

    Attributes:
        title: Name of the run.
        classes: Classes of atoms.
        elements: Chemical symbol of each atom of the last frame.
        frames: The frames in the order of time.
    """

    title: str
    classes: AtomClasses
    elements: tuple[str, ...]
    frames: Sequence[MovieFrame]


def pack(movie: Movie) -> dict[str, Any]:
    """The movie as values JSON can hold, arrays as base64 of little-endian integers."""
    from ase.data import atomic_numbers
    from ase.data.colors import jmol_colors

    symbols = sorted(set(movie.elements))
    return {
        "title": movie.title,
        "kinds": list(movie.classes.names),
        "colors": list(movie.classes.colors),
        "elements": symbols,
        "elementColors": [_hex(jmol_colors[atomic_numbers[symbol]]) for symbol in symbols],
        "elementOfAtom": _encode([symbols.index(symbol) for symbol in movie.elements], "<u1"),
        "frames": [
            {
                "time": round(frame.time_ps, 4),
                "cell": [round(float(x), 4) for x in frame.cell.ravel()],
                "atoms": _encode(quantised(frame.positions, frame.cell), "<u2"),
                "kinds": _encode(frame.kinds, "<u1"),
                "hollow": _encode(quantised(frame.hollow, frame.cell), "<u2"),
                "note": frame.note,
            }
            for frame in movie.frames
        ],
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
