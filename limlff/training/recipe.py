"""Recipe of a training: model, data, weights, optimiser; everything that decides the result.

Two trainings with the same recipe, data and machine give the same potential, bit for bit.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Literal

from pydantic import (
    Field,
    ValidationInfo,
    field_validator,
    model_validator,
)

from limlff.config import StrictModel
from limlff.models.settings import different_elements
from limlff.quantities import Count, NonNegative, Number, Positive, Seed, is_number
from limlff.training.loss_settings import LossSettings
from limlff.training.loss_settings import ScheduledWeight as ScheduledWeight
from limlff.training.model_settings import ModelSettings, complete_settings

Decay = Annotated[float, Field(ge=0, lt=1)]


class LabelWeights(StrictModel):
    """Factors on the loss of each kind of label; zero leaves the label out.

    Attributes:
        energy: Factor on the energy.
        force: Factor on the forces.
        stress: Factor on the normal stress (xx, yy, zz).
        shear_stress: Factor on the shear stress; the one of `stress` if not given.
    """

    energy: NonNegative = 1.0
    force: NonNegative = 1.0
    stress: NonNegative = 1.0
    shear_stress: NonNegative | None = None

    @property
    def shear(self) -> float:
        """Factor on the shear stress."""
        return self.stress if self.shear_stress is None else self.shear_stress

    def times(self, other: LabelWeights) -> LabelWeights:
        """Product of both, label by label."""
        return LabelWeights.model_construct(  # limits are for each of the factors
            energy=self.energy * other.energy,
            force=self.force * other.force,
            stress=self.stress * other.stress,
            shear_stress=self.shear * other.shear,
        )


class FrameSelection(StrictModel):
    """Which frames of a set are used; a limit that needs a missing label does not apply.

    Attributes:
        groups: Only these groups.
        exclude_groups: Not these groups.
        max_force: Largest force component (eV/Å).
        max_energy_per_atom: Highest energy per atom, as in the file (eV).
        min_volume_per_atom: Smallest volume per atom (Å^3).
        max_volume_per_atom: Largest volume per atom (Å^3).
        max_pressure_gpa: Highest pressure (GPa).
        max_frames: So many of the frames that are left, evenly spaced over the files.
    """

    groups: list[str] | None = None
    exclude_groups: tuple[str, ...] = ()
    max_force: Positive | None = None
    max_energy_per_atom: Number | None = None
    min_volume_per_atom: Positive | None = None
    max_volume_per_atom: Positive | None = None
    max_pressure_gpa: Number | None = None
    max_frames: Count | None = None


class DataSet(StrictModel):
    """Frames of one origin, which share a zero of energy.

    Attributes:
        name: Name for tables and messages.
        files: Files of frames; relative ones are looked for beside the recipe and with the data.
        weights: Factors for all of its frames.
        groups: Further factors by the group of a frame.
        select: Which of the frames are used.
        energy_zero: Name of an earlier set with the same zero of energy. Without it, one offset per
            element that an earlier set holds too is fitted along with the model.
        stress: Whether stresses are fitted. "auto": unless they contradict the energies; what
            `limlff data check` warns of is left out (the normal stress where it is off by a
            constant, all of it where sign or unit are wrong). true: in any case. false: never.
    """

    name: Annotated[str, Field(min_length=1, examples=["own"])]
    files: Annotated[list[str], Field(min_length=1, examples=[["frames.extxyz"]])]
    weights: LabelWeights = LabelWeights()
    groups: dict[str, LabelWeights] = Field(default_factory=dict)
    select: FrameSelection = FrameSelection()
    energy_zero: str | None = None
    stress: Literal["auto"] | Annotated[bool, Field(strict=True)] = "auto"


class Validation(StrictModel):
    """Frames that are not trained on but decide which parameters are kept.

    Attributes:
        fraction: Share of each set that is held back, drawn with the seed; at most 0.9.
        files: Files of frames to validate on, by the name of the set whose zero of energy and
            weights they take; from a set named here no share is held back.
        every_epochs: Epochs from one validation to the next.
    """

    fraction: Annotated[float, Field(ge=0, le=0.9)] = 0.05
    files: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    every_epochs: Count = 1


class OptimizerSettings(StrictModel):
    """Adam with warm-up, decay of the learning rate, clipping, and an average of the parameters.

    Attributes:
        learning_rate: Highest learning rate.
        final_learning_rate: Learning rate at the end.
        warmup_epochs: Epochs over which it rises linearly from zero.
        decay: How it falls after the warm-up.
        clip_norm: Largest norm of the gradient; null for no limit.
        beta1: Decay of the average of gradients.
        beta2: Decay of the average of squared gradients.
        average_decay: Decay per step of the exponential average of parameters that is validated and
            kept; 0 for none.
    """

    learning_rate: Positive = 2e-3
    final_learning_rate: Positive = 1e-6
    warmup_epochs: NonNegative = 0.5
    decay: Literal["cosine", "exponential"] = "cosine"
    clip_norm: Positive | None = 10.0
    beta1: Decay = 0.9
    beta2: Decay = 0.999
    average_decay: Decay = 0.999

    def rate_at(self, epoch: float, epochs: int) -> float:
        """Learning rate after so many epochs, of which a part may be over."""
        if epoch < self.warmup_epochs:
            return self.learning_rate * max(epoch / self.warmup_epochs, 1e-3)
        span = max(epochs - self.warmup_epochs, 1e-9)
        progress = min((epoch - self.warmup_epochs) / span, 1.0)
        if self.decay == "exponential":
            ratio = self.final_learning_rate / self.learning_rate
            return self.learning_rate * math.exp(progress * math.log(ratio))
        swing = 0.5 * (1 + math.cos(math.pi * progress))
        return self.final_learning_rate + (self.learning_rate - self.final_learning_rate) * swing


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
