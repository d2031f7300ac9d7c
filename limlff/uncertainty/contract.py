"""What a model must offer to have an uncertainty, and the arrays that hold it.

The energy of an atom is a linear function of its features, a row of readout weights for each
element; features do not depend on those weights. An ensemble of readouts over shared features is
then a set of rows, and everything that a member says differs from the mean by

    dE[m, i] = sum_p readouts[element of i, m, p] * features[p, i].

The arrays are kept with the parameters of the model, under "uncertainty", elements in the first
axis, so that they travel with them into compiled functions and into the potential file:

    readouts     elements, members, features    deviations from the mean; they sum to zero
    center       elements, features             mean of the training data
    projection   elements, features, features   |projection (features - center)| is the grade; all
                                                zero for an element without training atoms, whose
                                                grade and spreads are infinite
    factors      elements, 2                    calibration of energy and force spread (repeated)
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import jax
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limlff.models.arrays import Shape
from limlff.models.contract import Model, Parameters

MOST_MEMBERS = 4096

KEY = "uncertainty"
"""Where the arrays are among the parameters."""


@runtime_checkable
class FeatureModel(Model, Protocol):
    """A model whose energies are linear in features."""

    def features(
        self,
        parameters: Parameters,
        species: Int[Array, " atoms"],
        neighbor_species: Int[Array, "slots atoms"],
        vectors: Float[Array, "3 slots atoms"],
        mask: Bool[Array, "slots atoms"],
    ) -> Float[Array, "features atoms"]:
        """Features of each atom, zero in empty atom slots.

        Arguments as those of `limlff.models.contract.Model.energies`. The energy of an atom,
        without baseline and without terms that have no parameters, is the product of these with
        weights of its element.
        """


def uncertainty_shapes(model: Model) -> dict[str, Shape]:
    """Shapes of the arrays for a model; none if its energies are not linear in features."""
    if not isinstance(model, FeatureModel):
        return {}
    elements, width = len(model.elements), _feature_count(model)
    return {
        "readouts": (elements, range(2, MOST_MEMBERS + 1), width),
        "center": (elements, width),
        "projection": (elements, width, width),
        "factors": (elements, 2),
    }


def _feature_count(model: FeatureModel) -> int:
    """Number of features per atom; a model may tell it, else its features are traced."""
    told = getattr(model, "feature_count", None)
    if told is not None:
        return int(told)
    species = np.zeros(1, np.int32)
    parameters = jax.eval_shape(model.initialize, jax.eval_shape(lambda: jax.random.key(0)))
    atom = (species, species[None], np.ones((3, 1, 1)), np.ones((1, 1), bool))
    return int(jax.eval_shape(model.features, parameters, *atom).shape[0])
