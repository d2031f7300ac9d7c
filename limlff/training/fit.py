"""From a recipe and its frames to a potential: set-up, training, final baseline, card."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np

from limlff.errors import InputError
from limlff.forks import refuse_forked_process
from limlff.models.arrays import expected_shapes
from limlff.models.contract import Model, Parameters
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.training.batches import Shape, assemble_batch, make_packing
from limlff.training.coverage import check_elements_are_trained, check_loss_has_labels
from limlff.training.data import TrainingData
from limlff.training.linear import fit_linear, shifted
from limlff.training.loop import Trainer
from limlff.training.metrics import FramePrediction, grouped_errors, predict_frames
from limlff.training.offsets import fit_baseline, free_offsets
from limlff.training.recipe import Recipe
from limlff.training.samples import LabelledFrame, Sample, make_samples, species_of_frame

_ATOMS_TO_ADAPT = 4096  # enough for means and deviations of the invariants
# files of validation are in the summaries of the data, with their digests
_LEFT_OUT: dict[str, Any] = {
    "checkpoint_seconds": True,
    "licence": True,
    "notes": True,
    "uncertainty": True,  # added to what was trained
    "validation": {"files"},
}


class Fit:
    """A training of a model by a recipe; `run` it, then take its `potential`."""

    @own_precision()
    def __init__(self, recipe: Recipe, data: TrainingData, model: Model, folder: Path) -> None:
        """Set up the training.

        Args:
            recipe: The recipe.
            data: Its frames.
            model: Its model.
            folder: Where checkpoints and learning curves go; made if missing.

        Raises:
            InputError: If the data do not suit the model.
        """
        refuse_forked_process()
        expected_shapes(model)  # refuses more parameters than any memory holds
        check_elements_are_trained(data.train, data.validation, model.elements)
        check_loss_has_labels(data.train, recipe.loss)
        folder.mkdir(parents=True, exist_ok=True)
        self._recipe, self._data, self._model = recipe, data, model
        elements = model.elements
        self._free = free_offsets(data.train, elements)
        energies = [item.frame.energy or 0.0 for item in data.train]
        self._baseline, offsets = fit_baseline(data.train, energies, elements, self._free)
        baselines = self._baseline + offsets

        def samples_of(labelled: list[LabelledFrame]) -> list[Sample]:
            return make_samples(labelled, elements, model.cutoff, baselines, recipe.dtype)

        train = samples_of(data.train)
        if not any(sample.slots for sample in train):
            raise InputError(
                f"the cutoff is {model.cutoff} Å, but no two atoms of the data are so close; "
                "raise the cutoff"
            )
        self._shortest = _shortest_distance(train)
        packing = make_packing(train, recipe.batch_atoms, recipe.shapes)
        held_back = samples_of(data.validation)
        validation = None
        if held_back:
            largest = max(len(sample) for sample in held_back)
            validation = make_packing(held_back, max(recipe.batch_atoms, largest), recipe.shapes)
        parameters = initial_parameters(model, train, recipe.seed)
        if recipe.least_squares != "none":
            parameters, shift = fit_linear(
                model, parameters, recipe, packing, validation, self._free
            )
            self._baseline = self._baseline + shift
            packing = shifted(packing, shift)
            validation = validation and shifted(validation, shift)
        self.trainer = Trainer(
            model,
            recipe,
            packing,
            validation,
            parameters,
            self._free,
            folder,
            fingerprint_of(recipe, data, model),
        )

    @own_precision()
    def run(
        self,
        max_seconds: float | None = None,
        stop: Callable[[], bool] = lambda: False,
        quiet: bool = False,
    ) -> None:
        """Train; see `Trainer.run`. Nothing is left to do after least squares alone."""
        if self._recipe.least_squares != "only":
            self.trainer.run(max_seconds, stop, quiet)

    @property
    def has_result(self) -> bool:
        """Whether the parameters are more than a random start."""
        return self._recipe.least_squares != "none" or bool(self.trainer.progress.history)

    @own_precision()
    def potential(self) -> Potential:
        """The best potential so far, its baseline fitted once more, with its card."""
        elements = self._model.elements
        parameters = jax.tree.map(lambda leaf: np.asarray(leaf, float), self.trainer.best["model"])
        labelled = self._data.train + self._data.validation
        predictions = predict_frames(
            Potential(self._model, parameters, self._baseline), [item.frame for item in labelled]
        )
        shift, offsets = self._fit_remainders(predictions)
        in_own_zero = [
            replace(
                prediction,
                energy=prediction.energy
                + float((shift + offsets[item.zero])[species_of_frame(item.frame, elements)].sum()),
            )
            for item, prediction in zip(labelled, predictions, strict=True)
        ]
        number = len(self._data.train)
        errors = {"train": _errors_by_set(self._data.train, in_own_zero[:number])}
        if self._data.validation:
            errors["validation"] = _errors_by_set(self._data.validation, in_own_zero[number:])
        return Potential(
            self._model, parameters, self._baseline + shift, self._card(errors, offsets)
        )

    def _fit_remainders(self, predictions: list[FramePrediction]) -> tuple[np.ndarray, np.ndarray]:
        """Shift of the baseline, and offset of each zero, that the predictions still need (eV)."""
        elements, train = self._model.elements, self._data.train
        # of sets with one zero, the first with an element decides, so that raw energies have no
        # mean error on it
        leading: dict[tuple[int, int], str] = {}
        for item in train:
            for species in species_of_frame(item.frame, elements):
                leading.setdefault((item.zero, int(species)), item.set_name)
        leaders = {(zero, name) for (zero, _), name in leading.items()}
        used = [i for i, item in enumerate(train) if (item.zero, item.set_name) in leaders]
        remainders = [(train[i].frame.energy or 0.0) - predictions[i].energy for i in used]
        return fit_baseline([train[i] for i in used], remainders, elements, self._free)

    def _card(self, errors: dict[str, Any], offsets: np.ndarray) -> dict[str, Any]:
        """What is known of the potential; no times, so that one training gives one file."""
        zeros = {item.set_name: item.zero for item in self._data.train}
        progress = self.trainer.progress
        return {
            "training": {
                "recipe": self._recipe.model_dump(mode="json"),
                "data": self._data.summaries,
                "remarks": self._data.remarks,
                "energy_offsets_ev": {
                    name: dict(zip(self._model.elements, offsets[zero].tolist(), strict=True))
                    for name, zero in zeros.items()
                },
                "epochs": progress.epoch,
                "best_epoch": progress.best_epoch,
                "best_score": progress.best_score,
                "steps": progress.steps,
                "shortest_distance_angstrom": self._shortest,
            },
            "errors": errors,
            "versions": {name: version(name) for name in ("limlff", "jax", "numpy", "optax")},
            "licence": self._recipe.licence,
            "notes": self._recipe.notes,
        }


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
        slots=max(1, *(sample.slots for sample in chosen)),
        atoms=sum(map(len, chosen)),
        frames=len(chosen),
    )
    batch = assemble_batch(chosen, shape)
    exact = replace(batch, vectors=jnp.asarray(batch.vectors, float))
    return model.adapt(parameters, exact.around(model.cutoff))


def fingerprint_of(recipe: Recipe, data: TrainingData, model: Model) -> str:
    """Sha256 of all that decides the result of a training."""
    settings = recipe.model_dump(mode="json", exclude=_LEFT_OUT)
    content = [settings, repr(model), data.summaries]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _shortest_distance(samples: list[Sample]) -> float:
    """Shortest distance between two atoms in the data (Å)."""
    shortest = np.inf
    for sample in samples:
        filled = np.arange(sample.slots)[:, None] < sample.counts
        distances = np.linalg.norm(sample.vectors, axis=0)[filled]
        shortest = min(shortest, float(distances.min(initial=np.inf)))
    return shortest


def _errors_by_set(
    labelled: list[LabelledFrame], predictions: list[FramePrediction]
) -> dict[str, Any]:
    """Errors of each set, of predictions in the set's own zero of energy."""
    errors = {}
    for name in dict.fromkeys(item.set_name for item in labelled):
        members = [i for i, item in enumerate(labelled) if item.set_name == name]
        errors[name] = grouped_errors(
            [labelled[i].frame for i in members], [predictions[i] for i in members]
        )
    return errors
