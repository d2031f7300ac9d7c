"""Uncertainty on labelled frames: spreads and grades beside the true errors."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.models.contract import FeatureModel, Parameters
from limlff.models.readouts import KEY
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.training.batches import Batch
from limlff.training.frame_batches import FrameBatches, frame_batches
from limlff.training.frame_predictions import FramePrediction
from limlff.training.uncertainty.calibration import reliability
from limlff.uncertainty.assess import available, calibrated_spreads
from limlff.uncertainty.members import Deviations, member_deviations

_spreads = jax.jit(calibrated_spreads)


@dataclass(frozen=True)
class FrameAssessment:
    """What a potential knows of its errors on a frame.

    Attributes:
        energy_spread: Of the energy of the whole frame (eV).
        energy_spreads: Of each atom's energy (eV).
        force_spreads: Of a component of each atom's force (eV/Å).
        grades: Extrapolation grade of each atom.
    """

    energy_spread: float
    energy_spreads: Float[np.ndarray, " atoms"]
    force_spreads: Float[np.ndarray, " atoms"]
    grades: Float[np.ndarray, " atoms"]


@own_precision()
def assess_frames(
    potential: Potential, frames: list[Frame], dtype: str = "float32"
) -> list[FrameAssessment]:
    """Spreads and grades of frames, in their order.

    Args:
        potential: A potential with uncertainty.
        frames: Frames with or without labels.
        dtype: Arithmetic of the model.

    Raises:
        InputError: If the potential has no uncertainty or does not know an element.
    """
    batches = _batches(potential, frames, dtype)
    energy_factor = float(potential.parameters[KEY]["factors"][0, 0])
    assessed: dict[int, FrameAssessment] = {}
    for batch, located in batches:
        deviations = _deviations(potential.model, batches.parameters, batch)
        spreads = _spreads(batches.parameters, deviations)
        arrays = (deviations.energies, *spreads, deviations.grade)
        energies, *per_atom = (np.asarray(array, float) for array in arrays)
        for index, _, atoms in located:
            own = [values[atoms] for values in per_atom]
            total = energies[:, atoms].sum(axis=1)
            spread = energy_factor * float(total.std(ddof=1))
            known = bool(np.isfinite(own[0]).all())
            assessed[index] = FrameAssessment(spread if known else np.inf, *own)
    return [assessed[index] for index in range(len(frames))]


@own_precision()
def grade_frames(
    potential: Potential, frames: list[Frame], dtype: str = "float32"
) -> list[Float[np.ndarray, " atoms"]]:
    """Extrapolation grades of frames, in their order; a tenth of the time of spreads.

    Args:
        potential: A potential with uncertainty.
        frames: Frames with or without labels.
        dtype: Arithmetic of the model.

    Raises:
        InputError: If the potential has no uncertainty or does not know an element.
    """
    batches = _batches(potential, frames, dtype)
    grades: dict[int, np.ndarray] = {}
    for batch, located in batches:
        found = np.asarray(_grades(potential.model, batches.parameters, batch), float)
        grades |= {index: found[atoms] for index, _, atoms in located}
    return [grades[index] for index in range(len(frames))]


def force_residuals(
    frames: list[Frame], predictions: list[FramePrediction], assessed: list[FrameAssessment]
) -> tuple[Float[np.ndarray, "atoms 3"], Float[np.ndarray, " atoms"], Float[np.ndarray, " atoms"]]:
    """Errors of forces (eV/Å), spreads and grades of all atoms that have a label; of cores only."""
    errors, spreads, grades = [np.zeros((0, 3))], [np.zeros(0)], [np.zeros(0)]
    for frame, prediction, known in zip(frames, predictions, assessed, strict=True):
        if frame.forces is not None:
            counts = frame.is_core
            errors.append((prediction.forces - frame.forces)[counts])
            spreads.append(known.force_spreads[counts])
            grades.append(known.grades[counts])
    return np.concatenate(errors), np.concatenate(spreads), np.concatenate(grades)


def energy_residuals(
    frames: list[Frame], predictions: list[FramePrediction], assessed: list[FrameAssessment]
) -> tuple[Float[np.ndarray, "frames 1"], Float[np.ndarray, " frames"]]:
    """Errors and spreads of the energies per atom (eV) of all frames that have a label."""
    rows = [
        ((prediction.energy - frame.energy) / len(frame), known.energy_spread / len(frame))
        for frame, prediction, known in zip(frames, predictions, assessed, strict=True)
        if frame.energy is not None
    ]
    table = np.array(rows).reshape(-1, 2)
    return table[:, :1], table[:, 1]


def frame_reliability(
    frames: list[Frame], predictions: list[FramePrediction], assessed: list[FrameAssessment]
) -> dict[str, Any]:
    """Coverage and rank correlations over frames, for JSON.

    Returns:
        `force` (over atoms) and `energy` (over frames, per atom) as of
        `limlff.training.uncertainty.calibration.reliability`, the `median_grade`, the
        `largest_grade` (None if infinite, of elements that were not trained on), and
        `share_above_1`, that of atoms beyond the training data; of cores where they are marked.
    """
    pairs = zip(frames, assessed, strict=True)
    grades = np.concatenate([known.grades[frame.is_core] for frame, known in pairs])
    return {
        "force": reliability(*force_residuals(frames, predictions, assessed)),
        "energy": reliability(*energy_residuals(frames, predictions, assessed)),
        "median_grade": _finite(np.median(grades)),
        "largest_grade": _finite(grades.max()),
        "share_above_1": float(np.mean(grades > 1)),
    }


def _batches(potential: Potential, frames: list[Frame], dtype: str) -> FrameBatches:
    if not available(potential):
        raise InputError("the potential has no uncertainty; train it with a newer limlff")
    return frame_batches(potential, frames, dtype)


def _finite(value: float) -> float | None:
    """A number that JSON can hold."""
    return float(value) if np.isfinite(value) else None


@partial(jax.jit, static_argnames="model")
def _deviations(model: FeatureModel, parameters: Parameters, batch: Batch) -> Deviations:
    return member_deviations(model, parameters, batch.around(model.cutoff))


@partial(jax.jit, static_argnames="model")
def _grades(
    model: FeatureModel, parameters: Parameters, batch: Batch
) -> Float[jax.Array, " atoms"]:
    return _deviations(model, parameters, batch).grade
