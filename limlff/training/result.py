"""The potential that a training ends with: its final baseline, its errors, its card."""

from __future__ import annotations

from dataclasses import replace
from importlib.metadata import version
from typing import Any

import jax
import numpy as np
from jaxtyping import Float

from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.training.fitted import fitted_labels, fitted_zeros, without_unfitted
from limlff.training.frame_predictions import FramePrediction, predict_frames
from limlff.training.labelled_frame import LabelledFrame, species_of_frame
from limlff.training.loop import Trainer
from limlff.training.metrics import grouped_errors
from limlff.training.offsets import fit_baseline
from limlff.training.preparation import Preparation
from limlff.training.progress import Progress
from limlff.training.samples import Sample
from limlff.training.start import lineage


@own_precision()
def finish_potential(trainer: Trainer) -> Potential:
    """The best potential of a training so far, its baseline fitted once more, with its card."""
    prepared = trainer.prepared
    model, data = prepared.model, prepared.data
    parameters = jax.tree.map(lambda leaf: np.asarray(leaf, float), trainer.best["model"])
    labelled = data.train + data.validation
    predictions = predict_frames(
        Potential(model, parameters, prepared.baseline), [item.frame for item in labelled]
    )
    shift, offsets = _fit_remainders(prepared, predictions)
    in_own_zero = [
        replace(
            prediction,
            energy=prediction.energy
            + float(
                (shift + offsets[item.zero])[species_of_frame(item.frame, model.elements)].sum()
            ),
        )
        for item, prediction in zip(labelled, predictions, strict=True)
    ]
    number = len(data.train)
    errors = {"train": _errors_by_set(data.train, in_own_zero[:number], prepared)}
    if data.validation:
        errors["validation"] = _errors_by_set(data.validation, in_own_zero[number:], prepared)
    card = _card(prepared, trainer.progress, errors, offsets)
    return Potential(model, parameters, prepared.baseline + shift, card)


def _fit_remainders(
    prepared: Preparation, predictions: list[FramePrediction]
) -> tuple[Float[np.ndarray, " elements"], Float[np.ndarray, "zeros elements"]]:
    """Shift of the baseline, and offset of each zero, that the predictions still need (eV)."""
    elements, train = prepared.model.elements, prepared.data.train
    # of sets with one zero, the first with an element decides, so that raw energies have no
    # mean error on it
    leading: dict[tuple[int, int], str] = {}
    for item in train:
        for species in species_of_frame(item.frame, elements):
            leading.setdefault((item.zero, int(species)), item.set_name)
    leaders = {(zero, name) for (zero, _), name in leading.items()}
    used = [i for i, item in enumerate(train) if (item.zero, item.set_name) in leaders]
    remainders = [(train[i].frame.energy or 0.0) - predictions[i].energy for i in used]
    return fit_baseline([train[i] for i in used], remainders, elements, prepared.free)


def _errors_by_set(
    labelled: list[LabelledFrame], predictions: list[FramePrediction], prepared: Preparation
) -> dict[str, Any]:
    """Errors of each set, of predictions in the set's own zero of energy."""
    errors, zeros = {}, fitted_zeros(prepared.data.train)
    for name in dict.fromkeys(item.set_name for item in labelled):
        members = [i for i, item in enumerate(labelled) if item.set_name == name]
        chosen = [labelled[i] for i in members]
        found = grouped_errors([item.frame for item in chosen], [predictions[i] for i in members])
        errors[name] = without_unfitted(found, chosen, zeros, prepared.recipe.loss)
    return errors


def _card(
    prepared: Preparation, progress: Progress, errors: dict[str, Any], offsets: np.ndarray
) -> dict[str, Any]:
    """What is known of the potential; no times, so that one training gives one file."""
    recipe, data = prepared.recipe, prepared.data
    fitted = fitted_zeros(data.train)
    zeros = {item.set_name: item.zero for item in data.train if item.zero in fitted}
    start = prepared.start
    before = {"started_from": lineage(start, data.summaries)} if start else {}
    return {
        "training": {
            "recipe": recipe.model_dump(mode="json"),
            "data": [
                {**summary, **fitted_labels(data.train, summary["name"], recipe.loss)}
                for summary in data.summaries
            ],
            **before,
            "remarks": data.remarks,
            "energy_offsets_ev": {
                name: dict(zip(prepared.model.elements, offsets[zero].tolist(), strict=True))
                for name, zero in zeros.items()
            },
            "epochs": progress.epoch,
            "best_epoch": progress.best_epoch,
            "best_score": progress.best_score,
            "steps": progress.steps,
            "shortest_distance_angstrom": _shortest_distance(prepared.train.samples),
        },
        "errors": errors,
        "versions": {name: version(name) for name in ("limlff", "jax", "numpy", "optax")},
        "licence": recipe.licence,
        "notes": recipe.notes,
    }


def _shortest_distance(samples: list[Sample]) -> float:
    """Shortest distance between two atoms in the data (Å)."""
    shortest = np.inf
    for sample in samples:
        filled = np.arange(sample.neighbors)[:, None] < sample.counts
        distances = np.linalg.norm(sample.vectors, axis=0)[filled]
        shortest = min(shortest, float(distances.min(initial=np.inf)))
    return shortest
