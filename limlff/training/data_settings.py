"""The sections `data` and `validation` of a recipe: sets of frames, their weights."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from limlff.config import StrictModel
from limlff.quantities import Count, NonNegative, Number, Positive


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
        groups: Only these groups; names, or patterns such as "cu110_*".
        exclude_groups: Not these groups.
        max_force: Largest force component (eV/Å), on the core where one is marked.
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
        groups: Further factors by the group of a frame, or by a pattern such as "cu110_*"; those of
            all that match are multiplied.
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
