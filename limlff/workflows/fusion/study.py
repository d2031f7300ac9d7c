"""The fusion study: what each run needs, and who computes, draws and tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.workflows.contract import Study
from limlff.workflows.fusion.config import FusionConfig

if TYPE_CHECKING:
    from limlff.report.page import Report
    from limlff.workflows.fusion.outcome import Outcome
    from limlff.workflows.fusion.plan import FusionRun
    from limlff.workflows.workspace import Workspace


class FusionStudy(Study[FusionConfig, "FusionRun", "Outcome"]):
    """Dendrites that grow or come together; a run for each misorientation and seed."""

    settings = FusionConfig
    stages = ("crystal", "relax", "fusion")

    def elements(self, settings: FusionConfig) -> Sequence[str]:
        """Those of the dendrites and the slab."""
        substrate = settings.dendrites.substrate
        own = [settings.dendrites.element]
        return own if substrate is None else [*own, substrate.element]

    def runs(self, settings: FusionConfig) -> Mapping[str, FusionRun]:
        """A run for each misorientation and seed."""
        from limlff.workflows.fusion.plan import plan_runs

        return dict(plan_runs(settings))

    def forecast(self, settings: FusionConfig, runs: Mapping[str, FusionRun]) -> str:
        """Runs, atoms and steps."""
        from limlff.structures.dendrite_settings import build_dendrites

        first = next(iter(runs.values()))
        atoms = len(build_dendrites(first.dendrites))
        most = atoms + (first.growth.atoms if first.growth else 0)
        total = most * sum(run.fusion.steps + run.relax.steps for run in runs.values())
        size = f"{atoms}" if most == atoms else f"{atoms}, in the end {most}"
        return f"{len(runs)} runs of {size} atoms, together {total:.2g} atoms times steps at most"

    def simulate(self, run: FusionRun, workspace: Workspace) -> Outcome:
        """One run; see `limlff.workflows.fusion.simulate`."""
        from limlff.workflows.fusion.simulate import simulate

        return simulate(run, workspace)

    def summarize(self, settings: FusionConfig, outcomes: Sequence[Outcome]) -> str:
        """How far the potential can be trusted, and what became of the dendrites."""
        from limlff.workflows.fusion.narrative import summary

        return summary(outcomes)

    def report(self, settings: FusionConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
        """The page; see `limlff.workflows.fusion.narrative`."""
        from limlff.workflows.fusion.narrative import build_report

        return build_report(settings, outcomes, out)

    def findings(self, settings: FusionConfig, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Published claims with verdicts."""
        from dataclasses import asdict

        from limlff.workflows.fusion.cases import gather
        from limlff.workflows.fusion.claims import judge

        return {"claims": [asdict(claim) for claim in judge(gather(outcomes))]}

    def numbers(self, outcome: Outcome) -> dict[str, Any]:
        """One run's results."""
        return outcome.to_json()
