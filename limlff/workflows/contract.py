"""What a study is: settings, runs, what is measured and what is said of it.

A study is one class with these methods. The kit does the rest: it runs them side by side in
folders, within the time allowed, shows progress, resumes, and writes the JSON and the page.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Generic, TypeVar

from pydantic import Field, GetJsonSchemaHandler

from limlff.config import PotentialName, StrictModel
from limlff.md.config import MDConfig
from limlff.quantities import Minutes, is_number
from limlff.workflows.as_json import as_json

if TYPE_CHECKING:
    from limlff.report.page import Report
    from limlff.workflows.workspace import Workspace

CHANGEABLE = ("potential", "max_runtime_minutes", "processes")
"""Settings that may change while a study is under way: of the potential the place, which its runs
know by its content."""


class StudySettings(StrictModel):
    """What the settings of every study hold.

    Attributes:
        study: Name of the study.
        potential: Name of a shipped potential, which comes first, or path of a potential file.
        max_runtime_minutes: Wall time of all simulations; runs not done by then are cut short.
        processes: Runs at the same time, each on one core.
        seed: Seed of all random numbers.
    """

    study: str
    potential: PotentialName = "li"
    max_runtime_minutes: Minutes = 9.0
    processes: Annotated[int, Field(ge=1, le=1024), is_number] = 2
    seed: Annotated[int, Field(ge=0, le=10**15), is_number] = 1

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: Any, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """JSON schema of a file, which may also hold presets."""
        reference = super().__get_pydantic_json_schema__(core_schema, handler)
        handler.resolve_ref_schema(reference)["properties"]["presets"] = {
            "description": "Settings laid over the others, by the name that --preset gives.",
            "type": "object",
            "additionalProperties": {"type": "object"},
        }
        return reference


@dataclass(frozen=True)
class StudyResult:
    """What a study leaves.

    Attributes:
        page: The HTML page.
        numbers: The JSON file with all numbers behind the page.
        summary: Sentences that say what was found.
    """

    page: Path
    numbers: Path
    summary: str


Settings = TypeVar("Settings", bound=StudySettings)
Run = TypeVar("Run")
Outcome = TypeVar("Outcome")


class Study(ABC, Generic[Settings, Run, Outcome]):
    """A study. Its runs are computed in processes of their own, so that `Run` and `Outcome` must
    be classes that another process can import: frozen dataclasses of a module.

    Attributes:
        settings: Class of its settings.
        stages: Parts of a run, each with its molecular dynamics in the folder STAGE-RUN.
    """

    settings: type[Settings]
    stages: ClassVar[tuple[str, ...]]

    @abstractmethod
    def runs(self, settings: Settings) -> Mapping[str, Run]:
        """What each run needs, by the run's name, which is part of the names of its folders.

        Names are of letters, digits and `.+-_`. Two that are alike would be one run.
        """

    @abstractmethod
    def simulate(self, run: Run, workspace: Workspace) -> Outcome:
        """Compute a run; called in a process of its own, and again when the study is resumed.

        Args:
            run: One of `runs`.
            workspace: Its folders, and the molecular dynamics within the time allowed.

        Raises:
            OutOfTime: If not even a start could be made in the time allowed.
        """

    @abstractmethod
    def summarize(self, settings: Settings, outcomes: Sequence[Outcome]) -> str:
        """What was found, in sentences."""

    @abstractmethod
    def report(self, settings: Settings, outcomes: Sequence[Outcome], out: Path) -> Report:
        """The page, but for summary, settings and provenance, which the kit adds.

        Args:
            settings: The study.
            outcomes: Results of the runs, in the order of `runs`.
            out: Folder of the study, which gets the figures.
        """

    def findings(self, settings: Settings, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """What is said of all runs together, such as verdicts, for the JSON by name."""
        return {}

    def elements(self, settings: Settings) -> Sequence[str]:
        """Chemical symbols that the potential must know before anything begins."""
        return ()

    def length_ps(self, run: Run) -> float:
        """Longest simulated time of a run (ps): of all molecular dynamics that it holds."""
        return sum(1e-3 * md.steps * md.timestep_fs for md in _dynamics_in(run))

    def cost(self, run: Run) -> float:
        """What a run takes in comparison with the others, by which they share the time allowed."""
        return 1.0

    def forecast(self, settings: Settings, runs: Mapping[str, Run]) -> str:
        """What all runs together will take, in sentences said before they begin; empty for none."""
        return ""

    def numbers(self, outcome: Outcome) -> dict[str, Any]:
        """One run's results as JSON holds them; by default all fields of the outcome."""
        return as_json(outcome)


def _dynamics_in(run: object) -> Iterator[MDConfig]:
    """Settings of molecular dynamics in a run: itself, its items, or the fields of a dataclass."""
    if isinstance(run, MDConfig):
        yield run
    elif isinstance(run, tuple):
        for item in run:
            yield from _dynamics_in(item)
    elif is_dataclass(run):
        yield from _dynamics_in(tuple(getattr(run, field.name) for field in fields(run)))
