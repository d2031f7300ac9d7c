"""Mean-square displacement by layer.

An atom counts for the layer that it is in at the first of two frames, whatever layer it is in at
the second. Displacements are those of the laboratory: the slab below is held, and nothing is
subtracted. Atoms that come later count from their first frame on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from ase import Atoms
from jaxtyping import Float, Int

from limlff.analysis.film import NO_LAYER
from limlff.errors import InputError


@dataclass(frozen=True)
class LayerDisplacement:
    """Mean-square displacement of the atoms of one layer.

    Attributes:
        layer: Its number.
        lags: Frames between.
        in_plane: Mean of dx^2 + dy^2 after each lag (Å^2); not a number where no atom counts.
        along_z: Mean of dz^2 after each lag (Å^2).
        stays: Part of the atoms that are in the same layer after each lag.
        samples: Atoms and first frames that the means are over, at the first lag.
    """

    layer: int
    lags: Int[np.ndarray, " lags"]
    in_plane: Float[np.ndarray, " lags"]
    along_z: Float[np.ndarray, " lags"]
    stays: Float[np.ndarray, " lags"]
    samples: int


def stacked_positions(frames: Sequence[Atoms]) -> Float[np.ndarray, "frames atoms 3"]:
    """Positions of all frames (Å); not a number where an atom is not there yet.

    Args:
        frames: Configurations of the same atoms in the same order; later ones may have more at the
            end.

    An atom that went while one of its element came is not noticed: the elements are the same then.

    Raises:
        InputError: If a later frame has fewer atoms, or its elements are in another order.
    """
    if not frames:
        raise InputError("there are no frames; give two at least")
    for index, (before, after) in enumerate(pairwise(frames), 1):
        if not np.array_equal(after.numbers[: len(before)], before.numbers):
            raise InputError(
                f"frame {index} has {after.get_chemical_formula()}, not the atoms of the one "
                f"before ({before.get_chemical_formula()}) in their order; displacements need "
                "frames to which atoms are only added at the end"
            )
    positions = np.full((len(frames), len(frames[-1]), 3), np.nan)
    for row, frame in zip(positions, frames, strict=True):
        row[: len(frame)] = frame.positions
    return positions


def unwrapped(
    positions: Float[np.ndarray, "frames atoms 3"],
    cells: Float[np.ndarray, "frames 3 3"],
    periodic: Sequence[bool] | np.ndarray = (True, True, True),
) -> Float[np.ndarray, "frames atoms 3"]:
    """Positions without jumps by whole cell vectors from one frame to the next (Å).

    Args:
        positions: Positions (Å), wrapped or not; not a number where an atom is not there yet.
        cells: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
    """
    fractional = np.einsum("tax,txy->tay", positions, np.linalg.inv(cells))
    steps = np.diff(fractional, axis=0)
    jumps = np.where(np.isnan(steps), 0.0, np.round(steps)) * np.asarray(periodic, float)
    fractional[1:] -= np.cumsum(jumps, axis=0)
    return np.einsum("tax,txy->tay", fractional, cells)


def layer_displacements(
    positions: Float[np.ndarray, "frames atoms 3"],
    layers: Int[np.ndarray, "frames atoms"],
    lags: Sequence[int],
) -> list[LayerDisplacement]:
    """Mean-square displacement of each layer, from all first frames, the lowest layer first.

    Args:
        positions: Unwrapped positions (Å); not a number where an atom is not yet there.
        layers: Number of the layer of each atom in each frame; `NO_LAYER` where it has none.
        lags: Frames between, rising, each from 1 to the number of frames less one.

    Raises:
        InputError: If a lag is not, or there is none.
    """
    frames = len(positions)
    wrong = [lag for lag in lags if not 0 < lag < frames]
    if wrong or len(lags) == 0:
        raise InputError(
            f"lags are {list(lags)} frames of {frames}; each must be from 1 to their number less "
            "one"
        )
    numbers = [int(n) for n in np.unique(layers[layers != NO_LAYER])]
    found: dict[int, list[tuple[float, float, float, int]]] = {number: [] for number in numbers}
    for lag in lags:
        squares = (positions[lag:] - positions[:-lag]) ** 2
        counts = ~np.isnan(squares[..., 0])
        first, last = layers[:-lag], layers[lag:]
        for number in numbers:
            chosen = counts & (first == number)
            found[number].append(_means(squares[chosen], last[chosen] == number))
    return [_gathered(number, lags, rows) for number, rows in found.items()]


def _gathered(
    number: int, lags: Sequence[int], rows: list[tuple[float, float, float, int]]
) -> LayerDisplacement:
    in_plane, along_z, stays, samples = zip(*rows, strict=True)
    return LayerDisplacement(
        number, np.array(lags), np.array(in_plane), np.array(along_z), np.array(stays), samples[0]
    )


def _means(squares: np.ndarray, stays: np.ndarray) -> tuple[float, float, float, int]:
    if len(squares) == 0:
        return np.nan, np.nan, np.nan, 0
    x, y, z = squares.mean(axis=0)
    return float(x + y), float(z), float(stays.mean()), len(squares)
