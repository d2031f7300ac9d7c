"""Errors of a potential on labelled frames, of raw energies, in total and per group."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.frames.frame import Frame
from limlff.training.frame_predictions import FramePrediction
from limlff.units import GIGAPASCAL, MILLIELECTRONVOLT


def frame_errors(frames: list[Frame], predictions: list[FramePrediction]) -> dict[str, Any]:
    """Errors over all frames; None where no frame has the label.

    Args:
        frames: Labelled frames.
        predictions: Of the same frames.

    Returns:
        `frames`, `atoms`, `energy_mae_mev_per_atom`, `energy_rmse_mev_per_atom`,
        `force_mae_ev_per_angstrom`, `force_rmse_ev_per_angstrom` (over components), and
        `stress_mae_gpa` (over the six components).
    """
    energy = residuals_of("energy", frames, predictions)
    force = residuals_of("force", frames, predictions)
    stress = residuals_of("stress", frames, predictions)
    return {
        "frames": len(frames),
        "atoms": sum(len(frame) for frame in frames),
        "energy_mae_mev_per_atom": _mean_absolute(energy),
        "energy_rmse_mev_per_atom": _root_mean_square(energy),
        "force_mae_ev_per_angstrom": _mean_absolute(force),
        "force_rmse_ev_per_angstrom": _root_mean_square(force),
        "stress_mae_gpa": _mean_absolute(stress),
    }


def grouped_errors(frames: list[Frame], predictions: list[FramePrediction]) -> dict[str, Any]:
    """`frame_errors` of all frames, and under `groups` those of each group."""
    groups: dict[str, list[int]] = {}
    for index, frame in enumerate(frames):
        groups.setdefault(frame.group, []).append(index)
    return {
        **frame_errors(frames, predictions),
        "groups": {
            name: frame_errors([frames[i] for i in members], [predictions[i] for i in members])
            for name, members in sorted(groups.items())
        },
    }


def label_pairs(
    label: str, frames: list[Frame], predictions: list[FramePrediction]
) -> tuple[Float[np.ndarray, " labels"], Float[np.ndarray, " labels"]]:
    """Labels and predictions of one kind, flat; frames without the label are left out.

    Forces are those on cores where they are marked.

    Args:
        label: "energy" (meV/atom), "force" (eV/Å, components) or "stress" (GPa, six components).
        frames: Labelled frames.
        predictions: Of the same frames.
    """
    true, predicted = [np.zeros(0)], [np.zeros(0)]
    upper = np.triu_indices(3)
    for frame, prediction in zip(frames, predictions, strict=True):
        if label == "energy" and frame.energy is not None:
            scale = len(frame) * MILLIELECTRONVOLT
            true.append(np.array([frame.energy / scale]))
            predicted.append(np.array([prediction.energy / scale]))
        elif label == "force" and frame.forces is not None:
            true.append(frame.forces[frame.is_core].ravel())
            predicted.append(prediction.forces[frame.is_core].ravel())
        elif label == "stress" and frame.stress is not None and prediction.stress is not None:
            true.append(frame.stress[upper] / GIGAPASCAL)
            predicted.append(prediction.stress[upper] / GIGAPASCAL)
    return np.concatenate(true), np.concatenate(predicted)


def residuals_of(
    label: str, frames: list[Frame], predictions: list[FramePrediction]
) -> Float[np.ndarray, " labels"]:
    """Predictions less labels of one kind, in the units of `label_pairs`."""
    true, predicted = label_pairs(label, frames, predictions)
    return predicted - true


def _mean_absolute(residuals: Float[np.ndarray, " labels"]) -> float | None:
    return float(np.mean(np.abs(residuals))) if residuals.size else None


def _root_mean_square(residuals: Float[np.ndarray, " labels"]) -> float | None:
    return float(np.sqrt(np.mean(residuals**2))) if residuals.size else None
