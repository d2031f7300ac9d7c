"""Errors of a potential on labelled frames, of raw energies, in total and per group."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from limlff import precision as precision  # first: sets up jax
from limlff.frames.frame import Frame
from limlff.potential import Potential
from limlff.training.batches import assemble_batch, make_packing
from limlff.training.loss import predict_batch
from limlff.training.samples import LabelledFrame, make_samples
from limlff.units import GIGAPASCAL, MILLIELECTRONVOLT

_BATCH_ATOMS = 512
_SHAPES = 3
_ATOMS_WORTH_SHAPES = 50_000  # with fewer, compiling more shapes takes longer than padding to one

_predict = jax.jit(predict_batch, static_argnames="model")


@dataclass(frozen=True)
class FramePrediction:
    """What a potential says of a frame.

    Attributes:
        energy: Energy with the baseline (eV).
        forces: Forces (eV/Å).
        stress: Stress, positive in tension (eV/Å^3); None without a cell.
    """

    energy: float
    forces: Float[np.ndarray, "atoms 3"]
    stress: Float[np.ndarray, "3 3"] | None


def predict_frames(
    potential: Potential, frames: list[Frame], dtype: str = "float64"
) -> list[FramePrediction]:
    """Energies, forces and stresses of frames, in their order.

    Args:
        potential: The potential.
        frames: Frames with or without labels.
        dtype: Arithmetic of the model.

    Raises:
        InputError: If a frame holds an element that the potential does not know.
    """
    labelled = [LabelledFrame(frame) for frame in frames]
    unshifted = np.zeros((1, len(potential.elements)))
    samples = make_samples(labelled, potential.elements, potential.cutoff, unshifted, dtype)
    shapes = _SHAPES if sum(map(len, samples)) > _ATOMS_WORTH_SHAPES else 1
    packing = make_packing(samples, max(_BATCH_ATOMS, *map(len, samples)), shapes)
    parameters = jax.tree.map(lambda leaf: jax.numpy.asarray(leaf, dtype), potential.parameters)
    predictions: dict[int, FramePrediction] = {}
    for shape, members in packing.plan(None):
        batch = assemble_batch([samples[i] for i in members], shape)
        energies, forces, virials = (
            np.asarray(array, float) for array in _predict(potential.model, parameters, batch)
        )
        start = 0
        for slot, index in enumerate(members):
            atoms, volume = len(samples[index]), frames[index].volume
            predictions[index] = FramePrediction(
                energy=float(energies[slot] + samples[index].composition @ potential.baseline),
                forces=forces[start : start + atoms],
                stress=-virials[slot] / volume if volume > 0 else None,
            )
            start += atoms
    return [predictions[index] for index in range(len(frames))]


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
            true.append(frame.forces.ravel())
            predicted.append(prediction.forces.ravel())
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
