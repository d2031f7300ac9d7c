"""Energies that can only be a mistake, of the unit or of single frames.

An energy per atom in place of the cell's does not grow with the number of atoms. An energy far
below those of all other frames with the same composition is that of a calculation gone wrong;
energies above them are not rare, as of compressed or hot structures.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from limlff.frames.frame import Frame

_FEWEST = 10  # frames below which nothing is reported
_SIZES = 1.5  # ratio of the largest to the smallest cell, likewise
_FAR_BELOW = 1.0  # eV per atom
_DEVIATIONS = 10.0  # median deviations


def implausible_energies(frames: Sequence[Frame]) -> list[str]:
    """Problems of the energies, as sentences."""
    found = []
    labelled = [frame for frame in frames if frame.energy is not None]
    if _are_per_atom(labelled):
        found.append(
            "energies do not grow with the number of atoms; energies of the cell are needed, not "
            "per atom"
        )
    below = [each for group in _by_composition(labelled) for each in _far_below(group)]
    if below:
        depth, frame = max(below, key=lambda each: each[0])
        found.append(
            f"energies of {len(below)} frames lie far below those of the same composition, that of "
            f"{frame.origin} by {depth:.1f} eV/atom; did its electrons converge?"
        )
    return found


def _are_per_atom(frames: Sequence[Frame]) -> bool:
    if len(frames) < _FEWEST:
        return False
    sizes = np.array([len(frame) for frame in frames])
    energies = np.array([frame.energy for frame in frames], float)
    if sizes.max() < _SIZES * sizes.min() or np.ptp(np.sign(energies)):
        return False
    return bool(_spread(energies) < 0.5 * _spread(energies / sizes))


def _spread(values: np.ndarray) -> float:
    return float(values.std() / abs(values.mean())) if values.any() else 0.0


def _by_composition(frames: Sequence[Frame]) -> list[list[Frame]]:
    groups: dict[tuple[object, ...], list[Frame]] = {}
    for frame in frames:
        elements, counts = np.unique(frame.numbers, return_counts=True)
        groups.setdefault((*elements, *np.round(counts / len(frame), 3)), []).append(frame)
    return list(groups.values())


def _far_below(frames: Sequence[Frame]) -> list[tuple[float, Frame]]:
    """Frames of one composition and how far their energies are below the median (eV/atom)."""
    if len(frames) < _FEWEST:
        return []
    energies = np.array([frame.energy / len(frame) for frame in frames if frame.energy is not None])
    depths = np.median(energies) - energies
    limit = max(_FAR_BELOW, _DEVIATIONS * float(np.median(np.abs(depths))))
    return [
        (float(depth), frame) for depth, frame in zip(depths, frames, strict=True) if depth > limit
    ]
