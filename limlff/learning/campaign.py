"""Settings of a campaign of active learning."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from limlff.config import InputPath, PotentialName, StrictModel
from limlff.learning.check import CheckSettings
from limlff.learning.cut import CutSettings
from limlff.learning.labeller import Labeller
from limlff.learning.selection import SelectSettings
from limlff.md.config import NPT, MDConfig
from limlff.quantities import (
    Count,
    Fraction,
    NonNegative,
    Positive,
    PositiveTemperature,
    Pressure,
    Seed,
    is_number,
)
from limlff.training.data_settings import LabelWeights

CAMPAIGN_SET = "campaign"
"""Name of the set of frames that the campaign has labelled, in its trainings."""

Strain = Annotated[float, Field(gt=-0.5, lt=1.0), is_number]


class Runs(StrictModel):
    """Runs of molecular dynamics that explore one kind of configuration: all combinations.

    Attributes:
        kind: Name of the kind; kinds take turns when frames are selected.
        structures: Files of structures to start from.
        temperatures_k: Temperatures (K).
        pressures_gpa: Pressures (GPa), for an ensemble at constant pressure; left out, its own.
        strains: By how much the structure is stretched along all periodic axes before the run.
        md: The run, as in md.yaml; potential, structure, temperature and seed are set for each. Its
            hard guards end a run, which is reported; frames until then are used.
    """

    kind: Annotated[str, Field(min_length=1, examples=["bulk"])]
    structures: Annotated[tuple[InputPath, ...], Field(min_length=1, examples=[["start.extxyz"]])]
    temperatures_k: Annotated[tuple[PositiveTemperature, ...], Field(min_length=1)] = (300.0,)
    pressures_gpa: tuple[Pressure, ...] = ()
    strains: Annotated[tuple[Strain, ...], Field(min_length=1)] = (0.0,)
    md: MDConfig = Field(examples=[{"steps": 20_000}])

    @model_validator(mode="after")
    def _settings_fit(self) -> Runs:
        if self.md.structure is not None:
            raise ValueError("md.structure has no effect; name it under 'structures'")
        if self.pressures_gpa and not isinstance(self.md.ensemble, NPT):
            raise ValueError("pressures_gpa needs md.ensemble.kind: npt")
        return self


class Explore(StrictModel):
    """How the runs are made, and what is taken from them.

    Attributes:
        at_once: Runs side by side on this machine, each on a core of its own.
        frames_per_run: Most frames of a run that are cut, evenly spaced among those with uncertain
            atoms.
        vary_seeds: Whether velocities of each iteration are others.
    """

    at_once: Count = 1
    frames_per_run: Count = 20
    vary_seeds: bool = True


class Goal(StrictModel):
    """When the potential is good enough: all that is given must hold.

    Attributes:
        test: Files of labelled frames that are never trained on; each iteration is evaluated on
            them.
        test_zero: Name of the set whose zero of energy the test frames have ("campaign" for that of
            the labeller); left out, that of the potential.
        force_mae_ev_per_angstrom: Mean absolute error of forces on the test frames (eV/Å).
        energy_mae_mev_per_atom: Mean absolute error of energies on them (meV/atom).
        uncertain_share: Share of explored frames with an uncertain atom.
    """

    test: tuple[InputPath, ...] = ()
    test_zero: str | None = None
    force_mae_ev_per_angstrom: Positive | None = None
    energy_mae_mev_per_atom: Positive | None = None
    uncertain_share: Fraction | None = None

    @model_validator(mode="after")
    def _errors_need_frames(self) -> Goal:
        limits = (self.force_mae_ev_per_angstrom, self.energy_mae_mev_per_atom)
        if any(limit is not None for limit in limits) and not self.test:
            raise ValueError("a limit on errors needs 'test', files of labelled frames")
        return self


class Budget(StrictModel):
    """What a campaign may take; null is no limit.

    Attributes:
        iterations: Most iterations.
        frames: Most frames that are labelled.
        core_hours: Most processor time of exploring, labelling and training together (h).
        wall_hours: Most time on the clock of all runs, calculations and trainings, added up (h).
    """

    iterations: Count = 10
    frames: Count | None = None
    core_hours: Positive | None = None
    wall_hours: Positive | None = None


class CampaignSet(StrictModel):
    """How labelled frames of the campaign are trained on, beside the sets of the recipe.

    Attributes:
        labels: Files of frames with labels made elsewhere by the same settings, which are trained
            on from the start; relative ones are looked for beside the campaign.
        energy_zero: Set of the recipe with the same zero of energy, being made with the same
            settings; left out, one energy per element is fitted along.
        weights: Factors on its labels.
        min_frames: Frames below which it is not trained on.
    """

    labels: tuple[InputPath, ...] = ()
    energy_zero: str | None = None
    weights: LabelWeights = LabelWeights()
    min_frames: Count = 1


class Continued(StrictModel):
    """How a potential is trained further, in each iteration but the first.

    Attributes:
        from_last: Whether from the parameters of the last potential, where its model is that of
            the recipe; false begins as the recipe says each time.
        epochs: Epochs in place of those of the recipe.
        learning_rate: Highest learning rate in place of that of the recipe.
    """

    from_last: bool = True
    epochs: Count | None = None
    learning_rate: Positive | None = None


class Campaign(StrictModel):
    """A campaign of active learning: explore, cut, select, label, check, train, evaluate, decide.

    Attributes:
        recipe: Recipe of the trainings, a YAML file; its sets are trained on in each.
        potential: Potential of the first exploration; left out, it is trained by the recipe.
        runs: Kinds of runs that look for configurations.
        explore: How they are made, and what is taken from them.
        cut: What is calculated of their frames.
        select: How many frames are labelled, and which.
        labeller: What labels them.
        label_at_once: Calculations side by side on this machine.
        check: What is calculated and believed.
        campaign_set: How labelled frames are trained on.
        continued: How a potential is trained further.
        goal: When the potential is good enough.
        budget: What the campaign may take.
        max_failed_share: Share of the frames of an iteration without a label above which the
            campaign ends.
        seed: Seed of velocities and of random choices.
        site: Site file, which says where tasks run; left out, all run on this machine.
    """

    recipe: InputPath = Field(examples=["train.yaml"])
    potential: PotentialName | None = None
    runs: Annotated[tuple[Runs, ...], Field(min_length=1)]
    explore: Explore = Explore()
    cut: CutSettings = CutSettings()
    select: SelectSettings = SelectSettings()
    labeller: Labeller = Labeller()
    label_at_once: Count = 1
    check: CheckSettings = CheckSettings()
    campaign_set: CampaignSet = CampaignSet()
    continued: Continued = Continued()
    goal: Goal = Goal()
    budget: Budget = Budget()
    max_failed_share: NonNegative = 0.5
    seed: Seed = 0
    site: InputPath | None = Field(None, examples=["site.yaml"])
