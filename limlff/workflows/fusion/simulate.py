"""Molecular dynamics of the fusion study: a crystal, dendrites apart, dendrites that meet."""

from __future__ import annotations

import time

from ase import Atoms

from limlff.catalog import find_potential
from limlff.errors import OutOfTime
from limlff.potential_file import load_potential
from limlff.structures.dendrite_settings import build_dendrites
from limlff.structures.lattice import bcc_supercell
from limlff.workflows.costs import Costs, add_costs
from limlff.workflows.fusion.events import what_happened
from limlff.workflows.fusion.landing import CurrentWindow, current_windows
from limlff.workflows.fusion.measure import FusionAnalysis
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.fusion.pair import Pair, pair_of, set_down, started
from limlff.workflows.fusion.plan import FusionRun
from limlff.workflows.grades import with_grades
from limlff.workflows.reference_crystal import measure_crystal
from limlff.workflows.series import TimeSeries, Unmeasured
from limlff.workflows.uncertain import write_uncertain
from limlff.workflows.workspace import DynamicsResult, Workspace


def simulate(run: FusionRun, workspace: Workspace) -> Outcome:
    """Measure the crystal, relax the dendrites apart, and watch them meet as far as time allows.

    Raises:
        OutOfTime: If time was up before the dendrites could meet, or a signal came.
    """
    element, lattice_constant = run.dendrites.element, run.dendrites.lattice_constant
    perfect = bcc_supercell(element, lattice_constant, (run.repeats,) * 3)
    crystal = measure_crystal(workspace, "crystal", run.crystal, perfect, run.settled_ps)
    atoms, pair = _relaxed(run, workspace)
    lag = max(1, round(1e3 * run.lag_ps / (run.fusion.timestep_fs * _every(run))))
    analysis = FusionAnalysis(pair, crystal, run.criteria.near_angstrom, lag)
    last = workspace.dynamics("fusion", run.fusion, atoms, analysis)
    series = analysis.series()
    if not len(series.time_ps):
        raise OutOfTime(
            f"{workspace.folder('fusion')}: time was up before the first frame; increase "
            "max_runtime_minutes"
        )
    begin = time.monotonic()
    potential = load_potential(find_potential(run.fusion.potential))
    graded, strangers = with_grades(series, potential, workspace.frames("fusion"))
    cuts = write_uncertain({"fusion": strangers}, potential.cutoff, workspace, "fusion")
    costs = _costs_of(last, analysis.seconds, time.monotonic() - begin)
    costs = add_costs(workspace.folder("fusion"), costs, workspace.resume)
    return Outcome(
        name=workspace.run,
        run=run,
        pair=pair,
        crystal=crystal,
        series=graded,
        happened=what_happened(series, run.criteria, run.radius),
        windows=_windows(run, analysis, atoms, series),
        ended="all of it done" if last.finished else "out of time",
        temperature_k=workspace.temperature_k("fusion", 0.5),
        uncertain=cuts,
        timing={
            "microseconds_per_atom_step": 1e6 * costs.seconds_per_step / len(atoms),
            "analysis_share": costs.analysis_share,
        },
    )


def _relaxed(run: FusionRun, workspace: Workspace) -> tuple[Atoms, Pair]:
    """The dendrites in thermal motion, as they begin to meet."""
    start = build_dendrites(run.dendrites)
    pair = pair_of(run, start)
    last = workspace.dynamics("relax", run.relax, start, Unmeasured("dendrites relax"))
    if last.atoms is None:
        raise OutOfTime(
            f"{workspace.folder('relax')}: time was up while the dendrites relaxed; increase "
            "max_runtime_minutes, or make dynamics.relax_ps shorter"
        )
    relaxed = last.atoms
    relaxed.set_constraint(start.constraints)
    if run.is_facing:
        return set_down(relaxed, pair, run.gap_angstrom)
    return relaxed, started(relaxed, pair)


def _every(run: FusionRun) -> int:
    """Steps between frames."""
    return run.fusion.output.trajectory_every


def _windows(
    run: FusionRun, analysis: FusionAnalysis, atoms: Atoms, series: TimeSeries
) -> list[CurrentWindow]:
    """Local current density while atoms came, as far as the run got."""
    if run.growth is None or run.rate is None:
        return []
    whole = 1e-3 * run.growth.atoms * run.rate.every_steps * run.fusion.timestep_fs
    until = min(whole, float(series.time_ps[-1]))
    if until <= 0:
        return []
    tiles, count = run.growth.tiles, run.growth.windows
    return current_windows(analysis.landings.all, atoms.cell.array, tiles, until, count)


def _costs_of(last: DynamicsResult, analysis_seconds: float, after_seconds: float) -> Costs:
    """Those of this process; nothing if it only read old frames once more."""
    if not last.steps:
        return Costs()
    return Costs(
        main_seconds=last.wall_seconds,
        main_steps=last.steps,
        all_seconds=last.wall_seconds + after_seconds,
        analysis_seconds=analysis_seconds + after_seconds,
    )
