"""Energies, forces and stresses of frames."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float

from limlff.forks import refuse_forked_process
from limlff.frames.frame import Frame
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.neighbors.matrix import NeighborMatrix
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import Predictor, predictor_for
from limlff.training.frame_batches import frame_batches
from limlff.training.labelled_frame import species_of_frame
from limlff.training.loss import compiled_predict_batch

_SHAPES = 3
_ATOMS_WORTH_SHAPES = 50_000  # with fewer, compiling more shapes takes longer than padding to one


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
    if predictor.is_formula:
        return _predict_in_batches(predictor, frames)
    return _predict_each(predictor, frames)


def _predict_each(predictor: Predictor, frames: list[Frame]) -> list[FramePrediction]:
    """One frame after the other, those of similar size in arrays of the same shape."""
    potential = predictor.potential
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


def _predict_in_batches(predictor: Predictor, frames: list[Frame]) -> list[FramePrediction]:
    """Several frames at once, since padded atoms cost a formula as much as others."""
    potential = predictor.potential
    shapes = _SHAPES if sum(map(len, frames)) > _ATOMS_WORTH_SHAPES else 1
    batches = frame_batches(potential, frames, predictor.dtype, shapes)
    predictions: dict[int, FramePrediction] = {}
    for batch, located in batches:
        found = compiled_predict_batch(potential.model, batches.parameters, batch)
        energies, forces, virials = (np.asarray(array, float) for array in found)
        for slot, (index, sample, atoms) in enumerate(located):
            volume = frames[index].volume
            predictions[index] = FramePrediction(
                energy=float(energies[slot] + sample.composition @ potential.baseline),
                forces=forces[atoms],
                stress=-virials[slot] / volume if volume > 0 else None,
            )
    return [predictions[index] for index in range(len(frames))]
