"""The arrays of an uncertainty: an ensemble of readouts over shared features, and a grade.

The energy of an atom is a linear function of its features, a row of readout weights for each
element (`limlff.models.contract.FeatureModel`). An ensemble of readouts is then a set of rows, and
everything that a member says differs from the mean by

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

import jax
import numpy as np

from limlff import precision as precision  # first: sets up jax
from limlff.models.arrays import Shape
from limlff.models.contract import FeatureModel, Model, Neighborhoods

MOST_MEMBERS = 4096

KEY = "uncertainty"
"""Where the arrays are among the parameters."""


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
    one = np.zeros((1, 1), np.int32)
    around = Neighborhoods(species, one, one, np.ones((3, 1, 1)), np.ones((1, 1), bool))  # type: ignore[arg-type]
    return int(jax.eval_shape(model.features, parameters, around).shape[0])
