"""A trained potential gets its uncertainty: members, grade, calibration."""

from __future__ import annotations

import logging
from dataclasses import replace

import jax
import numpy as np
from jaxtyping import Float

from limlff.frames.frame import Frame
from limlff.models.contract import FeatureModel
from limlff.models.readouts import KEY
from limlff.models.registry import name_of_architecture
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.training.data import TrainingData
from limlff.training.fitted import fitted_zeros
from limlff.training.frame_predictions import FramePrediction, predict_frames
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.offsets import free_offsets
from limlff.training.packing import make_packing
from limlff.training.recipe import Recipe
from limlff.training.samples import make_samples
from limlff.training.uncertainty.calibration import calibration_factor
from limlff.training.uncertainty.evidence import Evidence, collect_evidence
from limlff.training.uncertainty.frames import (
    assess_frames,
    energy_residuals,
    force_residuals,
    frame_reliability,
)
from limlff.training.uncertainty.posterior import draw_members, fit_grade
from limlff.training.zeros import in_zero_of_potential

logger = logging.getLogger(__name__)

_DTYPE = "float32"  # ample for spreads
_SHAPES = 1  # compiling another shape takes longer than the padding to one
_FEWEST_ATOMS = 100  # to calibrate on


@own_precision()
def add_uncertainty(potential: Potential, data: TrainingData, recipe: Recipe) -> Potential:
    """The same potential with an ensemble of readouts around its own, calibrated, and a grade.

    Energies and forces do not change. The spreads are calibrated on the frames that were held back,
    or on those trained on where these are too few; the card says which.

    Args:
        potential: A potential trained by the recipe on the data.
        data: Its frames.
        recipe: Its recipe. Without `uncertainty` in it, or if the model has no features that its
            energies are linear in, the potential comes back as it is.
    """
    settings = recipe.uncertainty
    if settings is None:
        return potential
    if not isinstance(potential.model, FeatureModel):
        logger.warning(
            "%s has no features that its energies are linear in; the potential gets no uncertainty",
            name_of_architecture(type(potential.model)),
        )
        return potential
    arrays = _fit_members(potential, data.train, recipe, settings.members)
    enough = sum(len(item.frame) for item in data.validation) >= _FEWEST_ATOMS
    chosen = data.validation if enough else data.train
    frames = _in_zero_of_potential(chosen, potential, fitted_zeros(data.train))
    predictions = predict_frames(potential, frames, _DTYPE)
    factors = _factors(_with(potential, arrays), frames, predictions)
    tiled = np.tile(factors, (len(potential.elements), 1))
    calibrated = _with(potential, {**arrays, "factors": tiled})
    assessed = assess_frames(calibrated, frames, _DTYPE)
    card = {
        **potential.card,
        "uncertainty": {
            "members": settings.members,
            "calibrated_on": "frames held back" if enough else "training frames",
            "frames": len(frames),
            "factor_energy": float(factors[0]),
            "factor_force": float(factors[1]),
            **frame_reliability(frames, predictions, assessed),
        },
    }
    return replace(calibrated, card=card)


def _fit_members(
    potential: Potential, train: list[LabelledFrame], recipe: Recipe, members: int
) -> dict[str, np.ndarray]:
    """Arrays of `limlff.models.readouts`, not yet calibrated."""
    elements = len(potential.elements)
    evidence = _evidence(potential, train, recipe)
    center, projection = fit_grade(evidence, elements)
    return {
        "readouts": draw_members(evidence.information, members, elements, recipe.seed),
        "center": center,
        "projection": projection,
        "factors": np.ones((elements, 2)),
    }


def _evidence(potential: Potential, train: list[LabelledFrame], recipe: Recipe) -> Evidence:
    model = potential.model
    assert isinstance(model, FeatureModel)
    free = free_offsets(train, model.elements)
    unshifted = np.zeros((len(free), len(model.elements)))
    samples = make_samples(train, model.elements, model.cutoff, unshifted, _DTYPE)
    packing = make_packing(samples, max(recipe.batch_atoms, *map(len, samples)), _SHAPES)
    parameters = jax.tree.map(lambda leaf: jax.numpy.asarray(leaf, _DTYPE), potential.parameters)
    return collect_evidence(model, parameters, packing, free, recipe.seed)


def _with(potential: Potential, arrays: dict[str, np.ndarray]) -> Potential:
    return replace(potential, parameters={**potential.parameters, KEY: arrays})


def _in_zero_of_potential(
    labelled: list[LabelledFrame], potential: Potential, zeros: set[int]
) -> list[Frame]:
    """The frames with energies in the zero of the potential, without those of unknown zeros."""
    frames = []
    for item in labelled:
        if item.zero in zeros:
            frames += in_zero_of_potential([item.frame], potential, item.set_name)
        else:
            frames.append(replace(item.frame, energy=None))
    return frames


def _factors(
    raw: Potential, frames: list[Frame], predictions: list[FramePrediction]
) -> Float[np.ndarray, " kinds"]:
    """Calibration of energy and force spreads."""
    assessed = assess_frames(raw, frames, _DTYPE)
    energy, energy_spread = energy_residuals(frames, predictions, assessed)
    force, force_spread, _ = force_residuals(frames, predictions, assessed)
    return np.array(
        [
            calibration_factor(energy.ravel(), energy_spread),
            calibration_factor(force.ravel(), np.repeat(force_spread, 3)),
        ]
    )
