"""The healing study: what each pressure's run needs, and who computes, draws and tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.workflows.contract import Study
from limlff.workflows.healing.config import HealingConfig, run_name

if TYPE_CHECKING:
    from limlff.report.page import Report
    from limlff.workflows.healing.simulate import HealingRun, Outcome
    from limlff.workflows.workspace import Workspace


class HealingStudy(Study[HealingConfig, "HealingRun", "Outcome"]):
    """Healing of a hole; a run for each pressure."""

    settings = HealingConfig
    stages = ("crystal", "hole")

    def elements(self, settings: HealingConfig) -> Sequence[str]:
        """That of the crystal."""
        return (settings.element,)

    def runs(self, settings: HealingConfig) -> Mapping[str, HealingRun]:
        """A run for each pressure."""
        from limlff.workflows.healing.simulate import plan_run

        return {
            run_name(pressure): plan_run(settings, index)
            for index, pressure in enumerate(settings.pressures_gpa)
        }

    def simulate(self, run: HealingRun, workspace: Workspace) -> Outcome:
        """One pressure; see `limlff.workflows.healing.simulate`."""
        from limlff.workflows.healing.simulate import simulate

        return simulate(run, workspace)

    def summarize(self, settings: HealingConfig, outcomes: Sequence[Outcome]) -> str:
        """Whether and when each hole closed."""
        from limlff.workflows.healing.narrative import sentence

        return " ".join(sentence(settings.temperature_k, outcome) for outcome in outcomes)

    def report(self, settings: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
        """The page; see `limlff.workflows.healing.narrative`."""
        from limlff.workflows.healing.narrative import build_report

        return build_report(settings, outcomes, out)

    def numbers(self, outcome: Outcome) -> dict[str, Any]:
        """One pressure's results."""
        return outcome.to_json()
