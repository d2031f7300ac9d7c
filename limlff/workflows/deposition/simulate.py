"""Molecular dynamics of the deposition study: plating, a rest without arrivals, stripping."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass

from ase import Atoms

from limlff.catalog import find_potential
from limlff.errors import OutOfTime
from limlff.md.config import MDConfig
from limlff.potential_file import load_potential
from limlff.structures.settings import build_slab
from limlff.workflows.costs import Costs, add_costs
from limlff.workflows.deposition.growth import Growth
from limlff.workflows.deposition.outcome import Outcome
from limlff.workflows.deposition.plan import MONOLAYER, PlatingRun
from limlff.workflows.deposition.rest import Rest, measure_rest
from limlff.workflows.grades import with_grades
from limlff.workflows.series import TimeSeries, Unmeasured
from limlff.workflows.uncertain import write_uncertain
from limlff.workflows.workspace import DynamicsResult, Workspace

_THINNEST = 0.08
"""Atoms per area (1/Å^2) of the thinnest layers that films come in, Li(100) and what is like it."""
_SPARE_LAYERS = 2  # that are followed beyond those that are plated


@dataclass(frozen=True)
class _Stage:
    """A stage of a run: how its molecular dynamics ended, its numbers, and what these cost (s)."""

    last: DynamicsResult
    series: TimeSeries
    analysis_seconds: float = 0.0


def simulate(run: PlatingRun, workspace: Workspace) -> Outcome:
    """Plate, rest, strip, as far as time allows.

    Raises:
        OutOfTime: If a signal came, or not even a frame could be made.
    """
    stages = _simulate(run, workspace)
    begin = time.monotonic()
    potential = load_potential(find_potential(run.plating.potential))
    graded, strangers = {}, {}
    for name, stage in stages.items():
        graded[name], strangers[name] = with_grades(stage.series, potential, workspace.frames(name))
    has_rested = "rest" in stages and stages["rest"].last.finished
    rest = _measure_rest(run, workspace) if has_rested else None
    cuts = write_uncertain(strangers, potential.cutoff, workspace, "plating")
    costs = _costs_of(stages, time.monotonic() - begin)
    costs = add_costs(workspace.folder("plating"), costs, workspace.resume)
    is_done = has_rested and all(stage.last.finished for stage in stages.values())
    return Outcome(
        name=workspace.run,
        run=run,
        plating=graded["plating"],
        rest=rest,
        rest_grades=graded.get("rest"),
        stripping=graded.get("stripping"),
        ended="all stages done" if is_done else "out of time",
        temperature_k=workspace.temperature_k("plating", 0.5),
        rest_temperature_k=(
            workspace.temperature_k("rest", _settled(run)) if has_rested else math.nan
        ),
        uncertain=cuts,
        timing={
            "seconds_per_plated_atom": costs.seconds_per_step * run.rate.every_steps,
            "analysis_share": costs.analysis_share,
        },
    )


def _simulate(run: PlatingRun, workspace: Workspace) -> dict[str, _Stage]:
    """The stages one after the other, up to the one in which time was up."""
    slab = build_slab(run.slab)
    stages = {"plating": _grow("plating", run, run.plating, slab, workspace)}
    atoms = stages["plating"].last.atoms
    if atoms is not None:
        nothing = Unmeasured("rest")
        last = workspace.dynamics("rest", run.rest, atoms, nothing)
        stages["rest"] = _Stage(last, nothing.series())
        atoms = last.atoms
    if atoms is not None and run.stripping is not None:
        stages["stripping"] = _grow("stripping", run, run.stripping, atoms, workspace)
    return stages


def _grow(
    stage: str, run: PlatingRun, settings: MDConfig, atoms: Atoms, workspace: Workspace
) -> _Stage:
    """A stage in which the film grows or shrinks."""
    followed = math.ceil(run.layers * MONOLAYER / _THINNEST) + _SPARE_LAYERS
    grows = stage == "plating"
    target = run.plated if grows else run.left
    growth = Growth(run.slab.element, run.film, followed, target, grows)
    last = workspace.dynamics(stage, settings, atoms, growth)
    series = growth.series()
    if not len(series.time_ps):
        raise OutOfTime(
            f"{workspace.folder(stage)}: time was up before the first frame; increase "
            "max_runtime_minutes"
        )
    return _Stage(last, series, growth.seconds)


def _measure_rest(run: PlatingRun, workspace: Workspace) -> Rest:
    """Means over the frames after the film has settled."""
    frames = [each for each in workspace.frames("rest") if each.time_fs >= 1e3 * run.settle_ps]
    return measure_rest(frames, run.slab.element, run.film, run.lag_ps)


def _settled(run: PlatingRun) -> float:
    """Part of the rest in which the film settles."""
    return run.settle_ps / (1e-3 * run.rest.steps * run.rest.timestep_fs)


def _costs_of(stages: dict[str, _Stage], measuring_seconds: float) -> Costs:
    """Those of this process; nothing of stages in which it only read old frames once more."""
    worked = {name: stage for name, stage in stages.items() if stage.last.steps}
    if not worked:
        return Costs()
    analysis = measuring_seconds + sum(stage.analysis_seconds for stage in worked.values())
    dynamics = sum(stage.last.wall_seconds for stage in worked.values())
    plating = worked["plating"].last if "plating" in worked else None
    return Costs(
        main_seconds=plating.wall_seconds if plating else 0.0,
        main_steps=plating.steps if plating else 0,
        all_seconds=dynamics + measuring_seconds,
        analysis_seconds=analysis,
    )
