"""What a model must offer to have an uncertainty, and the arrays that hold it.

The energy of an atom is a linear function of its features, a row of readout weights for each
element; features do not depend on those weights. An ensemble of readouts over shared features is
then a set of rows, and everything that a member says differs from the mean by

    dE[m, i] = sum_p readouts[element of i, m, p] * features[p, i].

The arrays are kept with the parameters of the model, under "uncertainty", elements in the first
axis, so that they travel with them into compiled functions and into the potential file:

    readouts     elements, members, features    deviations from the mean; they sum to zero
    center       elements, features             mean of the training data
    projection   elements, features, features   |projection (features - center)| is the grade
    factors      elements, 2                    calibration of energy and force spread (repeated)
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

from jaxtyping import Array, Bool, Float, Int

from limlff.models.contract import Model, Parameters

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
