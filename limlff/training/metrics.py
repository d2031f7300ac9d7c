"""Errors of a potential on labelled frames, of raw energies, in total and per group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from limlff.forks import refuse_forked_process
from limlff.frames.frame import Frame
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.neighbors.matrix import NeighborMatrix
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import predictor_for
from limlff.training.labelled_frame import species_of_frame
from limlff.units import GIGAPASCAL, MILLIELECTRONVOLT


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


@own_precision()
def predict_frames(
    potential: Potential, frames: list[Frame], dtype: str = "float64"
) -> list[FramePrediction]:
    """Energies, forces and stresses of frames, in their order.

    Args:
        potential: The potential.
        frames: Frames with or without labels.
        dtype: Arithmetic of the model.

    Raises:
        InputError: If a frame holds an element that the potential does not know, or the process was
            forked after jax had started.
    """
    refuse_forked_process()
    predictor = predictor_for(potential, dtype)
    predictions: dict[int, FramePrediction] = {}
    for size, members in _by_coarse_size(frames).items():
        chosen = [frames[index] for index in members]
        matrices = _neighbors_of_one_shape(chosen, potential.cutoff, size)
        for index, frame, matrix in zip(members, chosen, matrices, strict=True):
            empty = size - len(frame)
            species = species_of_frame(frame, potential.elements)
            found = jax.device_get(
                predictor.predict(
                    np.pad(species, (0, empty), constant_values=-1),
                    np.pad(frame.positions, ((0, empty), (0, 0))),
                    frame.cell,
                    matrix,
                )
            )
            predictions[index] = FramePrediction(
                energy=float(found.energy),
                forces=found.forces[: len(frame)],
                stress=-found.virial / frame.volume if frame.volume > 0 else None,
            )
    return [predictions[index] for index in range(len(frames))]


def _by_coarse_size(frames: list[Frame]) -> dict[int, list[int]]:
    """Indices of frames of similar size, which share compiled programs."""
    members: dict[int, list[int]] = {}
    for index, frame in enumerate(frames):
        members.setdefault(_coarse_size(len(frame)), []).append(index)
    return members


def _coarse_size(atoms: int) -> int:
    """64, 256, 1024, ...: padded atoms cost the kernel nothing, another shape half a second."""
    size = 64
    while size < atoms:
        size *= 4
    return size


def _neighbors_of_one_shape(
    frames: list[Frame], cutoff: float, padded_atoms: int
) -> Iterator[NeighborMatrix]:
    """Neighbor matrices of frames; they are searched twice, to find the sizes that fit all."""
    capacity = Capacity(1, 0)
    for measure in (True, False):
        for frame in frames:
            matrix, capacity = build_neighbors(
                frame.positions, frame.cell, frame.periodic, cutoff, capacity, padded_atoms
            )
            if not measure:
                yield matrix


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
