"""Where atoms lie in the space of a potential's own features.

Coordinates are such that the distance from the mean of the training data is the extrapolation
grade: 1 is as far out as the farthest atom of the element that the potential was trained on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
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
from limlff.training.frame_batches import frame_batches
from limlff.uncertainty.assess import available

_DTYPE = "float32"  # ample for distances


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

    def by_element(self) -> Iterator[tuple[int, Int[np.ndarray, " atoms"]]]:
        """Each element among these atoms, with the rows of its atoms."""
        for element in np.unique(self.species).tolist():
            yield element, np.flatnonzero(self.species == element)


def merged(parts: Sequence[Described]) -> Described:
    """All surroundings as one, since few large products are quicker than many small ones."""
    if not parts:
        return Described(np.zeros(0, int), np.zeros(0, int), np.zeros((0, 0)))
    return Described(
        np.concatenate([part.atoms for part in parts]),
        np.concatenate([part.species for part in parts]),
        np.concatenate([part.places for part in parts]),
    )


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
            "with 'uncertainty' in its recipe and a model that has features, such as moment, or "
            "take select.features: soap or select.method: random"
        )
    assert isinstance(model, FeatureModel)
    arrays = potential.parameters[KEY]
    if not frames:
        return []
    batches = frame_batches(potential, frames, _DTYPE)
    found: dict[int, Described] = {}
    for batch, located in batches:
        features = np.asarray(_features(model, batches.parameters, batch), float).T
        for index, sample, atoms in located:
            core = np.flatnonzero(sample.is_core)
            places = _places(features[atoms][core], sample.species[core], arrays)
            found[index] = Described(core, sample.species[core], places)
    return [found[index] for index in range(len(frames))]


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
