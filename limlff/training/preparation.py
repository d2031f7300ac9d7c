"""What a training starts from: model, frames in batches, baseline, first parameters."""

from __future__ import annotations

import hashlib
import json
import logging
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from limlff.errors import InputError
from limlff.forks import refuse_forked_process
from limlff.models.arrays import expected_shapes
from limlff.models.contract import Model, Parameters
from limlff.models.registry import build_model
from limlff.precision import own_precision
from limlff.training.batches import Shape, assemble_batch
from limlff.training.coverage import check_elements_are_trained, check_loss_has_labels
from limlff.training.data import TrainingData
from limlff.training.frame_predictions import predict_frames
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.linear import fit_linear, shifted
from limlff.training.loss import formula_for
from limlff.training.offsets import fit_baseline, free_offsets
from limlff.training.packing import Packing, make_packing
from limlff.training.recipe import Recipe
from limlff.training.samples import Sample, make_samples
from limlff.training.start import Start, held_back_remarks, load_start
from limlff.training.step import Objective

logger = logging.getLogger(__name__)

_ATOMS_TO_ADAPT = 4096  # enough for means and deviations of the invariants
# files of validation are in the summaries of the data, with their digests
_NO_PART_OF_THE_RESULT: dict[str, Any] = {
    "checkpoint_seconds": True,
    "licence": True,
    "notes": True,
    "start_from": True,  # but for its digest
    "uncertainty": True,  # added to what was trained
    "validation": {"files"},
}


@dataclass(frozen=True)
class Preparation:
    """All that a training starts from.

    Attributes:
        recipe: The recipe.
        data: Its frames.
        model: Its model.
        train: Frames to train on, in batches.
        validation: Frames held back, if any.
        free: Zeros of energy and elements whose offset is trained.
        baseline: Energy per atom of each element that the model does not have to learn (eV).
        parameters: Of the model, random or of the start; those that the energy is linear in are
            solved for already if the recipe says so.
        start: The potential that the training starts from, if any.
    """

    recipe: Recipe
    data: TrainingData
    model: Model
    train: Packing
    validation: Packing | None
    free: Bool[np.ndarray, "zeros elements"]
    baseline: Float[np.ndarray, " elements"]
    parameters: Parameters
    start: Start | None = None

    @property
    def objective(self) -> Objective:
        """What is minimised."""
        formula = formula_for(self.train, self.recipe.batch_atoms, self.recipe.loss.huber)
        return Objective(self.model, formula, tuple(tuple(row) for row in self.free.tolist()))

    @cached_property
    def fingerprint(self) -> str:
        """Sha256 of all that decides the result of the training."""
        settings = self.recipe.model_dump(mode="json", exclude=_NO_PART_OF_THE_RESULT)
        content = [settings, repr(self.model), self.data.summaries]
        content += [self.start.digest] if self.start else []
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


@own_precision()
def prepare_training(recipe: Recipe, data: TrainingData, start: Path | None = None) -> Preparation:
    """Build the model, sort the frames into batches, find baseline and first parameters.

    Args:
        recipe: The recipe.
        data: Its frames.
        start: File of the potential that the recipe starts from, if it names one.

    Raises:
        InputError: If the data or the start do not suit the model, or the process was forked after
            jax had started.
    """
    refuse_forked_process()
    model = build_model({**recipe.model, "elements": recipe.elements})
    expected_shapes(model)  # refuses more parameters than any memory holds
    begin = None if start is None else load_start(recipe, start, model)
    if begin is not None:
        found = held_back_remarks(begin, recipe, data.summaries)
        for remark in found:
            logger.warning("%s", remark)
        data = replace(data, remarks=[*data.remarks, *found])
    check_elements_are_trained(data.train, data.validation, model.elements)
    check_loss_has_labels(data.train, recipe.loss)
    free = free_offsets(data.train, model.elements)
    baseline, offsets = _first_baseline(data.train, model, free, begin)
    train, validation = _in_batches(recipe, data, model, baseline + offsets)
    if begin is None:
        parameters = initial_parameters(model, train.samples, recipe.seed)
    else:
        parameters = begin.potential.parameters
    if recipe.least_squares != "none":
        parameters, shift = fit_linear(model, parameters, recipe, train, validation, free)
        baseline = baseline + shift
        train = shifted(train, shift)
        validation = validation and shifted(validation, shift)
    return Preparation(recipe, data, model, train, validation, free, baseline, parameters, begin)


def _first_baseline(
    train: list[LabelledFrame],
    model: Model,
    free: Bool[np.ndarray, "zeros elements"],
    start: Start | None,
) -> tuple[Float[np.ndarray, " elements"], Float[np.ndarray, "zeros elements"]]:
    """Baseline, and offset of each zero from it: of what a start does not say already (eV)."""
    energies = np.array([item.frame.energy or 0.0 for item in train])
    known = np.zeros(len(model.elements))
    if start is not None:
        predictions = predict_frames(start.potential, [item.frame for item in train])
        energies = energies - [prediction.energy for prediction in predictions]
        known = start.potential.baseline
    shift, offsets = fit_baseline(train, energies.tolist(), model.elements, free)
    return known + shift, offsets


def _in_batches(
    recipe: Recipe,
    data: TrainingData,
    model: Model,
    baselines: Float[np.ndarray, "zeros elements"],
) -> tuple[Packing, Packing | None]:
    """Frames to train on, and those held back if there are any."""

    def samples_of(labelled: list[LabelledFrame]) -> list[Sample]:
        return make_samples(labelled, model.elements, model.cutoff, baselines, recipe.dtype)

    samples = samples_of(data.train)
    if not any(sample.neighbors for sample in samples):
        raise InputError(
            f"the cutoff is {model.cutoff} Å, but no two atoms of the data are so close; "
            "raise the cutoff"
        )
    train = make_packing(samples, recipe.batch_atoms, recipe.shapes)
    held_back = samples_of(data.validation)
    if not held_back:
        return train, None
    atoms = max(recipe.batch_atoms, *map(len, held_back))
    return train, make_packing(held_back, atoms, recipe.shapes)


def initial_parameters(model: Model, samples: list[Sample], seed: int) -> Parameters:
    """Random parameters, normalised on frames drawn with the seed (float64)."""
    parameters = model.initialize(jax.random.key(seed))
    order = np.random.default_rng(seed).permutation(len(samples))
    chosen: list[Sample] = []
    for index in order:
        if chosen and sum(map(len, chosen)) + len(samples[index]) > _ATOMS_TO_ADAPT:
            break
        chosen.append(samples[index])
    shape = Shape(
        neighbors=max(1, *(sample.neighbors for sample in chosen)),
        atoms=sum(map(len, chosen)),
        frames=len(chosen),
    )
    batch = assemble_batch(chosen, shape)
    exact = replace(batch, vectors=jnp.asarray(batch.vectors, float))
    return model.adapt(parameters, exact.around(model.cutoff))
