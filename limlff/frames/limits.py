"""Limits of atoms and labels: types, shapes, positions, cells.

Readers hand every value through `limlff.real_arrays` or `element_numbers`, and `read_source` every
frame through `check_geometry`, so that what lies beyond is refused in one line whatever the format.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Int

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.quantities import LARGEST_LENGTH, SHORTEST_DISTANCE
from limlff.real_arrays import real_array

HEAVIEST = 118
"""Highest atomic number."""
SMALLEST_VOLUME = 1e-6
"""Smallest volume of a periodic cell, or area or length in fewer directions (Å^3, Å^2, Å)."""


def element_numbers(values: Any, origin: str) -> Int[np.ndarray, " atoms"]:
    """Atomic numbers, if all are whole and there are such elements.

    Raises:
        InputError: If one is not; the message names the atom.
    """
    numbers = real_array(values, (None,), "the atomic numbers", origin)
    wrong = np.flatnonzero(~((numbers >= 1) & (numbers <= HEAVIEST) & (numbers % 1 == 0)))
    if len(wrong):
        raise InputError(
            f"{origin}: atom {wrong[0]} has the atomic number {numbers[wrong[0]]:g}; it must be a "
            f"whole number from 1 to {HEAVIEST}"
        )
    return numbers.astype(int)


def check_geometry(frame: Frame) -> None:
    """Refuse a frame without atoms, or with impossible positions or cell.

    Raises:
        InputError: If there is no atom, a coordinate is not finite or beyond 1e6 Å, the cell has no
            volume along its periodic directions, or arrays do not fit the number of atoms.
    """
    if not len(frame):
        raise InputError(f"{frame.origin}: has no atoms; remove the frame")
    element_numbers(frame.numbers, frame.origin)
    for name, values, shape in (
        ("positions", frame.positions, (len(frame), 3)),
        ("cell", frame.cell, (3, 3)),
        ("forces", frame.forces, (len(frame), 3)),
        ("stress", frame.stress, (3, 3)),
    ):
        if values is not None:
            real_array(values, shape, name, frame.origin)
    if frame.core is not None:
        _check_core(frame)
    for name, values in (("positions", frame.positions), ("cell", frame.cell)):
        _check_lengths(frame, name, values)
    vectors = frame.cell[np.asarray(frame.periodic, bool)]
    if not len(vectors):
        return
    if np.linalg.det(vectors @ vectors.T) < SMALLEST_VOLUME**2:
        raise InputError(
            f"{frame.origin}: is periodic along {_axes(frame.periodic)}, but its cell has no "
            "volume there; write Lattice, or pbc F where it is not periodic"
        )
    height = float(1 / np.linalg.norm(np.linalg.pinv(vectors), axis=0).max())
    if height < SHORTEST_DISTANCE:
        raise InputError(
            f"{frame.origin}: its cell is only {height:.2g} Å between opposite faces; the limit is "
            f"{SHORTEST_DISTANCE} Å, correct the cell or its unit"
        )


def _check_core(frame: Frame) -> None:
    core = np.asarray(frame.core)
    if core.dtype != bool or core.shape != (len(frame),):
        raise InputError(
            f"{frame.origin}: core is of {core.dtype}{list(core.shape)}; it must say true or false "
            f"of each of the {len(frame)} atoms"
        )


def _check_lengths(frame: Frame, name: str, values: np.ndarray) -> None:
    wrong = np.argwhere(~(np.abs(values) <= LARGEST_LENGTH))
    if not len(wrong):
        return
    found, of_atom = values[tuple(wrong[0])], f" of atom {wrong[0][0]}" * (name == "positions")
    if np.isfinite(found):
        limit = f"the limit is {LARGEST_LENGTH:.0e} Å, correct it or its unit"
    else:
        limit = "it must be finite, remove the frame"
    raise InputError(f"{frame.origin}: {name}{of_atom} is {found:g}; {limit}")


def _axes(periodic: np.ndarray) -> str:
    return ", ".join(name for name, flag in zip("abc", periodic, strict=True) if flag)
