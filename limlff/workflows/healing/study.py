"""The healing study: what each run needs, and who computes, draws and tells it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.workflows.contract import Study
from limlff.workflows.healing.config import HealingConfig

if TYPE_CHECKING:
    from limlff.report.page import Report
    from limlff.workflows.healing.outcome import Outcome
    from limlff.workflows.healing.plan import HealingRun
    from limlff.workflows.workspace import Workspace


class HealingStudy(Study[HealingConfig, "HealingRun", "Outcome"]):
    """Healing of holes; a run for each hole, pressure and seed."""

    settings = HealingConfig
    stages = ("sides", "crystal", "hole")

    def elements(self, settings: HealingConfig) -> Sequence[str]:
        """Those of the host."""
        return settings.elements

    def runs(self, settings: HealingConfig) -> Mapping[str, HealingRun]:
        """A run for each hole, pressure and seed."""
        from limlff.workflows.healing.plan import plan_runs

        return dict(plan_runs(settings))

    def length_ps(self, run: HealingRun) -> float:
        """Simulated time of a run (ps); that of a shared crystal in the first run alone."""
        return 1e-3 * run.steps * run.hole_md.timestep_fs

    def cost(self, run: HealingRun) -> float:
        """Atoms times steps: large holes get more of the time."""
        return float(run.atom_steps)

    def forecast(self, settings: HealingConfig, runs: Mapping[str, HealingRun]) -> str:
        """Atoms, time and memory; see `limlff.workflows.healing.healing_forecast`."""
        from limlff.workflows.healing.healing_forecast import forecast_study

        return forecast_study(settings, list(runs.values()))

    def simulate(self, run: HealingRun, workspace: Workspace) -> Outcome:
        """One run; see `limlff.workflows.healing.simulate`."""
        from limlff.workflows.healing.simulate import simulate

        return simulate(run, workspace)

    def summarize(self, settings: HealingConfig, outcomes: Sequence[Outcome]) -> str:
        """Whether and when each hole closed; of a sweep the verdicts and the rate law."""
        from limlff.workflows.healing import narrative, sweep_narrative

        if settings.is_sweep:
            return sweep_narrative.summary(settings, outcomes)
        return " ".join(narrative.sentence(settings.temperature_k, each) for each in outcomes)

    def report(self, settings: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Report:
        """The page; see `limlff.workflows.healing.narrative` and `sweep_narrative`."""
        from limlff.workflows.healing import narrative, sweep_narrative

        if settings.is_sweep:
            return sweep_narrative.build_sweep_report(settings, outcomes, out)
        return narrative.build_report(settings, outcomes, out)

    def findings(self, settings: HealingConfig, outcomes: Sequence[Outcome]) -> dict[str, Any]:
        """Of a sweep closing times, published claims with verdicts, and the rate law."""
        if not settings.is_sweep:
            return {}
        from dataclasses import asdict

        from limlff.workflows.healing import extrapolation, healing_claims, sweep_tables
        from limlff.workflows.healing.cases import gather

        cases, energy = gather(outcomes), settings.surface_energy_j_per_m2
        fit = extrapolation.law_of(outcomes, energy)
        return {
            "cases": sweep_tables.cases_as_json(cases, energy),
            "claims": [asdict(claim) for claim in healing_claims.judge(cases)],
            "rate_law": extrapolation.law_as_json(fit, cases),
        }

    def numbers(self, outcome: Outcome) -> dict[str, Any]:
        """One run's results."""
        return outcome.to_json()
