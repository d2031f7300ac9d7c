"""Where atoms lie in the space of a potential's own features.

Coordinates are such that the distance from the mean of the training data is the extrapolation
grade: 1 is as far out as the farthest atom of the element that the potential was trained on.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.models.contract import FeatureModel, Parameters
from limlff.models.readouts import KEY
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.training.batches import Batch
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.packing import make_packing
from limlff.training.samples import make_samples
from limlff.uncertainty.assess import available

_DTYPE = "float32"  # ample for distances
_BATCH_ATOMS = 512


@dataclass(frozen=True)
class Described:
    """The surroundings of the atoms of a frame; of its core, where one is marked.

    Attributes:
        atoms: Indices of these atoms.
        species: Index of each atom's element.
        places: Where each atom lies; distances of places of one element are comparable.
    """

    atoms: Int[np.ndarray, " atoms"]
    species: Int[np.ndarray, " atoms"]
    places: Float[np.ndarray, "atoms features"]


@own_precision()
def describe(potential: Potential, frames: Sequence[Frame]) -> list[Described]:
    """The surroundings of the atoms of frames, in their order.

    Raises:
        InputError: If the potential carries no uncertainty, or does not know an element.
    """
    model = potential.model
    if not available(potential):
        raise InputError(
            "the potential has no features with a grade, by which frames are selected; train it "
            "with 'uncertainty' in its recipe, or take select.method: random"
        )
    assert isinstance(model, FeatureModel)
    arrays = potential.parameters[KEY]
    labelled = [LabelledFrame(frame) for frame in frames]
    unshifted = np.zeros((1, len(potential.elements)))
    samples = make_samples(labelled, potential.elements, potential.cutoff, unshifted, _DTYPE)
    if not samples:
        return []
    packing = make_packing(samples, max(_BATCH_ATOMS, *map(len, samples)), 1)
    parameters = jax.tree.map(lambda leaf: jax.numpy.asarray(leaf, _DTYPE), potential.parameters)
    found: dict[int, Described] = {}
    for shape, members in packing.plan(None):
        batch = packing.assemble(shape, members)
        features = np.asarray(_features(model, parameters, batch), float).T
        start = 0
        for index in members:
            species = samples[index].species
            own = features[start : start + len(species)]
            core = np.flatnonzero(samples[index].is_core)
            places = _places(own[core], species[core], arrays)
            found[index] = Described(core, species[core], places)
            start += len(species)
    return [found[index] for index in range(len(samples))]


@partial(jax.jit, static_argnames="model")
def _features(
    model: FeatureModel, parameters: Parameters, batch: Batch
) -> Float[Array, "features atoms"]:
    return model.features(parameters, batch.around(model.cutoff))


def _places(
    features: Float[np.ndarray, "atoms features"],
    species: Int[np.ndarray, " atoms"],
    arrays: Parameters,
) -> Float[np.ndarray, "atoms features"]:
    """Features by the metric of the grade of each atom's element."""
    places = np.empty_like(features)
    for element in np.unique(species):
        own = species == element
        centred = features[own] - np.asarray(arrays["center"][element])
        places[own] = centred @ np.asarray(arrays["projection"][element]).T
    return places
