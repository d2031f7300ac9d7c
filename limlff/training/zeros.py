"""Frames with another zero of energy than the potential's, as those of its own training sets.

A training fits one constant per element to each zero of energy but the first, so that raw energies
of the potential are those of the first set; its card keeps these offsets.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError, shown
from limlff.frames.frame import Frame
from limlff.potential import Potential
from limlff.training.frame_predictions import FramePrediction
from limlff.training.labelled_frame import species_of_frame
from limlff.units import MILLIELECTRONVOLT

_SMALL = 5.0  # meV/atom; below it nobody takes a zero of energy for an error of the potential
_LEFT_OVER = 1 / 3  # of the error, without constants that explain most of it
_MOST_SETS = 5  # in the remark
_FEWEST_TO_SPARE = 3  # frames beyond the constants, which as many frames as constants always fit


def energy_offsets(potential: Potential) -> dict[str, dict[str, float]]:
    """Energy of each element above the potential's own, by training set (eV); empty if unknown."""
    offsets = potential.card.get("training", {}).get("energy_offsets_ev")
    if not isinstance(offsets, dict):
        return {}
    return {
        name: values
        for name, values in offsets.items()
        if isinstance(values, dict)
        and all(isinstance(values.get(element), float) for element in potential.elements)
    }


def in_zero_of_potential(
    frames: Sequence[Frame], potential: Potential, zero: str | None
) -> list[Frame]:
    """The frames with their energies in the zero of the potential.

    Args:
        frames: Frames with or without energies.
        potential: The potential.
        zero: Name of its training set whose zero of energy the frames have; None for its own.

    Raises:
        InputError: If the potential was not trained on such a set, or does not know an element.
    """
    if zero is None:
        return list(frames)
    known = energy_offsets(potential)
    if zero not in known:
        sets = ", ".join(shown(name) for name in known)
        raise InputError(
            f"zero is {shown(zero)}, but the potential "
            + (f"was trained on {sets}; take one of these" if known else "has no training sets")
        )
    offsets = _per_element(known[zero], potential)
    shifted = []
    for frame in frames:
        shift = float(offsets[species_of_frame(frame, potential.elements)].sum())
        energy = None if frame.energy is None else frame.energy - shift
        shifted.append(replace(frame, energy=energy))
    return shifted


@dataclass(frozen=True)
class _Constants:
    """What constants per element leave of the errors of energies (meV/atom, root mean square)."""

    without: float
    """Error without them."""

    left: float
    """Error with the best ones."""

    values: dict[str, float]
    """The best ones: DFT above the potential (eV)."""

    of_sets: dict[str, float]
    """Error with those of each training set, the smallest first."""


def zero_remark(
    frames: Sequence[Frame], predictions: Sequence[FramePrediction], potential: Potential
) -> str | None:
    """A sentence where a constant per element explains most of the errors of energies.

    Args:
        frames: Labelled frames.
        predictions: Of the same frames.
        potential: The potential.
    """
    found = _fit_constants(frames, predictions, potential)
    if found is None or found.without < _SMALL or found.left > _LEFT_OVER * found.without:
        return None
    values = ", ".join(f"{element} {value:+.3f}" for element, value in found.values.items())
    text = (
        f"energies: a constant per element ({values} eV) explains most of the RMSE of "
        f"{found.without:.1f} meV/atom and leaves {found.left:.1f}: the frames seem to have "
        "another zero of energy than the potential"
    )
    if not found.of_sets:
        return text
    near = {name: error for name, error in found.of_sets.items() if error < found.without / 2}
    if not near:
        sets = ", ".join(shown(name) for name in list(found.of_sets)[:_MOST_SETS])
        return f"{text} and its training sets ({sets})"
    sets = ", ".join(
        f"{shown(name)} {error:.1f}" for name, error in list(near.items())[:_MOST_SETS]
    )
    return f"{text}; name the training set that has it (--zero SET); with theirs it is: {sets}"


def _fit_constants(
    frames: Sequence[Frame], predictions: Sequence[FramePrediction], potential: Potential
) -> _Constants | None:
    """None with too few frames to tell constants from errors."""
    rows, errors = [], []
    for frame, prediction in zip(frames, predictions, strict=True):
        if frame.energy is not None:
            rows.append(_composition(frame, potential) / len(frame))
            errors.append((frame.energy - prediction.energy) / len(frame))
    shares, targets = np.array(rows).reshape(-1, len(potential.elements)), np.array(errors)
    present = np.any(shares > 0, axis=0)
    solution, _, rank, _ = np.linalg.lstsq(shares, targets, rcond=None)
    spare = len(targets) - int(rank)
    if spare < _FEWEST_TO_SPARE:
        return None
    offsets = energy_offsets(potential)
    of_sets = {
        name: _root_mean_square(targets - shares @ _per_element(values, potential))
        for name, values in offsets.items()
    }
    named = zip(potential.elements, solution, present.tolist(), strict=True)
    return _Constants(
        without=_root_mean_square(targets),
        # not divided by all frames, of which the constants would fit some whatever their errors
        left=_root_mean_square(targets - shares @ solution) * float(np.sqrt(len(targets) / spare)),
        values={element: float(value) for element, value, is_there in named if is_there},
        of_sets=dict(sorted(of_sets.items(), key=lambda item: item[1])),
    )


def _root_mean_square(errors: Float[np.ndarray, " frames"]) -> float:
    return float(np.sqrt(np.mean(errors**2))) / MILLIELECTRONVOLT


def _composition(frame: Frame, potential: Potential) -> Float[np.ndarray, " elements"]:
    """Number of atoms of each element."""
    species = species_of_frame(frame, potential.elements)
    return np.bincount(species, minlength=len(potential.elements)).astype(float)


def _per_element(values: dict[str, float], potential: Potential) -> Float[np.ndarray, " elements"]:
    return np.array([values[element] for element in potential.elements], float)
