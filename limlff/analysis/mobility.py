"""Mobility of atoms: displacements within the crystal, and diffusion of groups of atoms.

Displacements are taken in fractions of the cell vectors and scaled by the mean cell, so that a cell
that breathes under a barostat moves no atom; the mean displacement of all atoms is subtracted.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from limlff.errors import InputError

SQUARE_ANGSTROM_PER_PS_IN_CM2_PER_S = 1e-4
"""1 Å^2/ps is 1e-4 cm^2/s."""


def internal_coordinates(
    positions: Float[np.ndarray, "frames atoms 3"],
    cells: Float[np.ndarray, "frames 3 3"],
) -> Float[np.ndarray, "frames atoms 3"]:
    """Positions without the motion of the cell and without drift (Å).

    Args:
        positions: Unwrapped positions (Å).
        cells: Cell vectors as rows (Å).
    """
    fractional = np.einsum("tax,txy->tay", positions, np.linalg.inv(cells))
    drift = (fractional - fractional[:1]).mean(axis=1, keepdims=True)
    return np.asarray((fractional - drift) @ cells.mean(axis=0))


def square_displacements(
    coordinates: Float[np.ndarray, "frames atoms 3"], lag: int
) -> Float[np.ndarray, "origins atoms"]:
    """Squared displacement of each atom over `lag` frames, from every first frame (Å^2).

    Raises:
        InputError: If there are not more frames than the lag.
    """
    if not 0 < lag < len(coordinates):
        raise InputError(
            f"lag is {lag} frames of {len(coordinates)}; it must be from 1 to their number less one"
        )
    return np.sum((coordinates[lag:] - coordinates[:-lag]) ** 2, axis=2)


def displacements_between(
    earlier: tuple[Float[np.ndarray, "atoms 3"], Float[np.ndarray, "3 3"]],
    later: tuple[Float[np.ndarray, "more 3"], Float[np.ndarray, "3 3"]],
) -> Float[np.ndarray, " atoms"]:
    """Squared displacement of each atom of a frame up to a later one, which may have more (Å^2).

    Args:
        earlier: Unwrapped positions (Å) and cell vectors as rows (Å).
        later: The same; atoms that have come are its last ones.
    """
    before = earlier[0] @ np.linalg.inv(earlier[1])
    moved = (later[0] @ np.linalg.inv(later[1]))[: len(before)] - before
    return np.asarray(
        np.sum(((moved - moved.mean(axis=0)) @ (0.5 * (earlier[1] + later[1]))) ** 2, axis=1)
    )


def group_mean(
    values: Float[np.ndarray, "origins atoms"], members: Bool[np.ndarray, "origins atoms"]
) -> Float[np.ndarray, " origins"]:
    """Mean over the members of a group in each frame; NaN where it is empty."""
    counts = members.sum(axis=1)
    sums = np.where(members, values, 0.0).sum(axis=1)
    return np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)


def diffusion_coefficient(
    coordinates: Float[np.ndarray, "frames atoms 3"],
    members: Bool[np.ndarray, "frames atoms"],
    interval_ps: float,
    lags: tuple[int, int],
) -> float:
    """Diffusion coefficient of a group from the slope of its mean-square displacement (Å^2/ps).

    Args:
        coordinates: Internal coordinates (Å).
        members: Atoms of the group in each frame; a displacement counts if its atom starts in it.
        interval_ps: Time between frames (ps).
        lags: Shortest and longest lag of the fit (frames); the shortest beyond the vibrations.

    Returns:
        A sixth of the slope of a straight line through the mean-square displacements; the constant
        offset by vibrations drops out. NaN if the group is empty.
    """
    first, last = lags
    steps = np.unique(np.linspace(first, last, min(12, last - first + 1)).round().astype(int))
    if len(steps) < 2:
        raise InputError(f"lags are {lags}; a slope needs two different ones")
    means = []
    for lag in steps:
        squares, starts = square_displacements(coordinates, int(lag)), members[: -int(lag)]
        means.append(squares[starts].mean() if starts.any() else np.nan)
    if np.isnan(means).any():
        return float("nan")
    return float(np.polyfit(steps * interval_ps, means, 1)[0] / 6.0)
