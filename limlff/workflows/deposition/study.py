"""The deposition study: what each run needs, and who computes, draws and tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.workflows.contract import Study
from limlff.workflows.deposition.config import DepositionConfig

if TYPE_CHECKING:
    from limlff.report.page import Report
    from limlff.workflows.deposition.outcome import Outcome
    from limlff.workflows.deposition.plan import PlatingRun
    from limlff.workflows.workspace import Workspace


class DepositionStudy(Study[DepositionConfig, "PlatingRun", "Outcome"]):
    """Plating and stripping; a run for each slab, rate and seed."""

    settings = DepositionConfig
    stages = ("plating", "rest", "stripping")

    def elements(self, settings: DepositionConfig) -> Sequence[str]:
        """Those of the slabs and the film."""
        return (settings.film, *dict.fromkeys(slab.element for slab in settings.slabs))

    def runs(self, settings: DepositionConfig) -> Mapping[str, PlatingRun]:
        """A run for each slab, rate and seed."""
        from limlff.workflows.deposition.plan import plan_runs

        return dict(plan_runs(settings))

    def simulate(self, run: PlatingRun, workspace: Workspace) -> Outcome:
        """One run; see `limlff.workflows.deposition.simulate`."""
        from limlff.workflows.deposition.simulate import simulate

        return simulate(run, workspace)

    def summarize(self, settings: DepositionConfig, outcomes: Sequence[Outcome]) -> str:
        """How far the potential can be trusted, and what the layers are like."""
        from limlff.workflows.deposition.narrative import summary

        return summary(outcomes)

    def report(self, settings: DepositionConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
        """The page; see `limlff.workflows.deposition.narrative`."""
        from limlff.workflows.deposition.narrative import build_report

        return build_report(settings, outcomes, out)

    def findings(self, settings: DepositionConfig, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Published claims with verdicts."""
        from dataclasses import asdict

        from limlff.workflows.deposition.cases import gather
        from limlff.workflows.deposition.claims import judge

        return {"claims": [asdict(claim) for claim in judge(gather(outcomes))]}

    def numbers(self, outcome: Outcome) -> dict[str, Any]:
        """One run's results."""
        return outcome.to_json()
