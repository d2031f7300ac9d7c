"""What training frames say about readout weights, and where their atoms lie in feature space."""

from __future__ import annotations

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Bool, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.models.contract import FeatureModel, Parameters
from limlff.training.batches import Batch
from limlff.training.loss import ENERGY_SCALE, FORCE_SCALE, VIRIAL_SCALE
from limlff.training.packing import Packing
from limlff.training.uncertainty.design import Design, batch_design

PROBES = 8
"""Random vectors per frame: with 200 frames, ten rows per readout weight of a usual model."""


@dataclass(frozen=True)
class Evidence:
    """Sums over training frames.

    Attributes:
        information: Second derivative of the sum of squared residuals over labels, each divided by
            the accuracy that is wanted of it (`limlff.training.loss`), halved, by the readouts of
            all elements (1/eV^2).
        features: Features of all atoms; of a cell that was cut out, of those of its core: the
            surroundings of the others, which no one meets, shall not count as known.
        species: Their elements.
    """

    information: Float[np.ndarray, "readouts readouts"]
    features: Float[np.ndarray, "features atoms"]
    species: Int[np.ndarray, " atoms"]


def collect_evidence(
    model: FeatureModel,
    parameters: Parameters,
    packing: Packing,
    free: Bool[np.ndarray, "zeros elements"],
    seed: int,
) -> Evidence:
    """Go through the frames once.

    Args:
        model: The model.
        parameters: Its parameters in the dtype of the samples.
        packing: The frames.
        free: Zeros of energy whose offset was fitted along with the model; what they can explain
            says nothing of the readouts.
        seed: Of the random probes of the forces.
    """
    total = 0.0
    features, species = [], []
    for number, (shape, members) in enumerate(packing.plan(None)):
        batch = packing.assemble(shape, members)
        key = jax.random.fold_in(jax.random.key(seed), number)
        design = jax.device_get(batch_design(model, parameters, batch, key, PROBES))
        rows = _scaled_rows(design, batch, free)
        total = total + rows @ rows.T
        features.append(design.features[:, batch.is_core])
        species.append(batch.species[batch.is_core])
    readouts = len(model.elements) * features[0].shape[0]
    return Evidence(
        _without_nuisance(np.asarray(total), readouts),
        np.concatenate(features, axis=1),
        np.concatenate(species),
    )


def _scaled_rows(
    design: Design, batch: Batch, free: Bool[np.ndarray, "zeros elements"]
) -> Float[np.ndarray, "unknowns labels"]:
    """Coefficients of all labels in units of the accuracy wanted; last those of free offsets."""
    used = np.asarray(batch.weights) > 0
    per_atom = 1.0 / np.asarray(batch.atoms, float)
    energy = used[:, 0] * per_atom / ENERGY_SCALE
    force = used[:, 1] / (FORCE_SCALE * np.sqrt(len(design.probes)))
    normal, shear = (used[:, k] * per_atom / VIRIAL_SCALE for k in (2, 3))
    # the loss holds each shear component twice
    virial = np.stack([normal] * 3 + [np.sqrt(2) * shear] * 3)
    blocks = [
        design.energies * energy,
        *(design.probes * force),
        *(design.virials * virial[:, None, :]),
    ]
    readout_rows = np.concatenate([np.asarray(block, float) for block in blocks], axis=1)
    zeros, elements = np.nonzero(free)
    offset_rows = np.zeros((len(zeros), readout_rows.shape[1]))
    offset_rows[:, : len(energy)] = (
        np.asarray(batch.composition, float)[:, elements].T
        * (np.asarray(batch.zero) == zeros[:, None])
        * energy
    )
    return np.concatenate([readout_rows, offset_rows])


def _without_nuisance(
    information: Float[np.ndarray, "unknowns unknowns"], readouts: int
) -> Float[np.ndarray, "readouts readouts"]:
    """Information about the first unknowns when the others are fitted too (Schur complement)."""
    own, cross = information[:readouts, :readouts], information[:readouts, readouts:]
    return own - cross @ np.linalg.pinv(information[readouts:, readouts:]) @ cross.T
