"""Recipe of a training: model, data, weights, optimiser; everything that decides the result.

Two trainings with the same recipe, data and machine give the same potential, bit for bit.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from limlff.config import StrictModel
from limlff.models.settings import different_elements
from limlff.quantities import Count, Positive, Seed, is_number
from limlff.training.data_settings import DataSet, Validation
from limlff.training.loss_settings import LossSettings
from limlff.training.model_settings import ModelSettings, complete_settings
from limlff.training.optimizer_settings import OptimizerSettings


class UncertaintySettings(StrictModel):
    """Ensemble of readouts that tells the spread of energies and forces; see docs/uncertainty.md.

    Attributes:
        members: Readouts; the spread of an atom's force is good to about 1/sqrt(6 * members).
    """

    members: Annotated[int, Field(ge=2, le=256)] = 8


class Recipe(StrictModel):
    """All that decides a training.

    Attributes:
        elements: Chemical symbols of the potential; training frames must hold each of them.
        model: Settings of the model: its `architecture`, and what that one has.
        data: Sets of frames; the first that holds an element decides its zero of energy.
        validation: What is held back.
        loss: Weights of the labels.
        optimizer: Learning rate and averages.
        uncertainty: Ensemble added after the training, which it does not change; null for none.
        start_from: Potential whose parameters are trained further, in place of random ones: name of
            a shipped one, or its file; a relative path is looked for as those of frames are. Its
            model and elements must be those of the recipe.
        least_squares: What is done with the parameters that the energy is linear in (of `moment`
            and `mtp`): "none"; "first", a least-squares fit before the first epoch; "only", the
            same and no epochs.
        epochs: Passes over the data.
        batch_atoms: Atoms per step.
        shapes: Shapes of batches that are compiled; more waste less on padding.
        patience: Validations without a better score after which the training ends; null for never.
        seed: Seed of parameters, held-back frames and order of batches.
        dtype: Arithmetic of the training.
        checkpoint_seconds: Seconds between checkpoints.
        licence: Licence of the potential, for its card.
        notes: What else its card shall say.
    """

    elements: Annotated[list[str], Field(min_length=1, max_length=118, examples=[["Li"]])]
    model: ModelSettings
    data: Annotated[list[DataSet], Field(min_length=1)]
    validation: Validation = Validation()
    loss: LossSettings = LossSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    uncertainty: UncertaintySettings | None = UncertaintySettings()
    start_from: Annotated[str, Field(min_length=1, examples=["pretrained.limlff"])] | None = None
    least_squares: Literal["none", "first", "only"] = "none"
    epochs: Count = 200
    batch_atoms: Annotated[int, Field(ge=8, le=10**7)] = 512
    shapes: Annotated[int, Field(ge=1, le=8), is_number] = 2
    patience: Count | None = None
    seed: Seed = 0
    dtype: Literal["float32", "float64"] = "float32"
    checkpoint_seconds: Positive = 300.0
    licence: str = ""
    notes: str = ""

    @field_validator("elements")
    @classmethod
    def _elements_differ(cls, elements: list[str]) -> list[str]:
        return list(different_elements(tuple(elements)))

    @field_validator("model")
    @classmethod
    def _model_can_be_built(cls, settings: dict[str, Any], info: ValidationInfo) -> dict[str, Any]:
        elements = info.data.get("elements")  # missing if they are wrong themselves
        return complete_settings(settings, elements) if elements else settings

    @model_validator(mode="after")
    def _names_are_of_sets(self) -> Recipe:
        earlier: list[str] = []
        for data_set in self.data:
            if data_set.name in earlier:
                raise ValueError(f"two data sets are named {data_set.name!r}; rename one")
            if data_set.energy_zero is not None and data_set.energy_zero not in earlier:
                raise ValueError(
                    f"set {data_set.name!r}: energy_zero is {data_set.energy_zero!r}, but must be "
                    f"one of the sets before it ({', '.join(earlier) or 'none'})"
                )
            earlier.append(data_set.name)
        unknown = sorted(set(self.validation.files) - set(earlier))
        if unknown:
            raise ValueError(
                f"validation.files names the set {unknown[0]!r}; the sets are {', '.join(earlier)}"
            )
        return self
