"""Figures of the healing study, each pressure in its own colour throughout."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limlff.analysis.voids import PROBE_RADIUS
from limlff.md.output.names import TRAJECTORY
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.report.page import Figure
from limlff.workflows.figures import Curve, Mark, curves_of, plot_against_time
from limlff.workflows.healing.outcome import Outcome
from limlff.workflows.scene import ORDER_CLASSES
from limlff.workflows.series import smoothed
from limlff.workflows.snapshots import Panel, draw_snapshots, slice_about, telling_frames

SLAB = 1.9  # half the thickness of what a snapshot shows (Å): about two layers of bcc Li


def draw_snapshots_of(outcomes: Sequence[Outcome], out: Path) -> Figure:
    """The hole at telling times of each run."""
    target = Figure(
        out / "snapshots.png",
        "The hole in the course of time",
        f"A layer of {2 * SLAB:.0f} Å through the middle of the hole, seen along z: at the start, "
        "when half of the missing atoms are there, when the hole has closed, and at the end; at "
        "equal times if it does not close. Atoms are coloured by their local order; n is the "
        "number of missing atoms of the largest hole.",
        wide=True,
    )
    rows = []
    for outcome in outcomes:
        with Trajectory(out / outcome.name / TRAJECTORY) as trajectory:
            picked = telling_frames(outcome.series.time_ps, _events(outcome))
            rows.append([_panel(trajectory[index], outcome, index) for index in picked])
    return draw_snapshots(target, rows, ORDER_CLASSES)


def _events(outcome: Outcome) -> list[float]:
    """When the hole is half filled and when it has closed (ps); empty if it has not."""
    if outcome.closed_at_ps is None:
        return []
    is_half = outcome.series.columns["missing_atoms"] <= 0.5 * outcome.hole.missing_atoms
    return [float(outcome.series.time_ps[np.argmax(is_half)]), outcome.closed_at_ps]


def _panel(frame: TrajectoryFrame, outcome: Outcome, index: int) -> Panel:
    # Drawn about the hole, which therefore is in the middle whatever the drift.
    seen = slice_about(frame.positions, frame.cell, outcome.hole.centre, SLAB)
    missing = outcome.series.columns["missing_atoms"][index]
    return Panel(
        seen,
        classes=outcome.series.orders[index][seen.atoms],
        title=f"{outcome.label}, {outcome.series.time_ps[index]:.1f} ps, n = {missing:.0f}",
    )


def plot_missing_atoms(outcomes: Sequence[Outcome], missing_below: float, out: Path) -> Figure:
    """Missing atoms of the hole and of the cell; closed below a limit."""
    curves, marks = [], []
    for run, outcome in enumerate(outcomes):
        series = outcome.series
        largest = series.columns["missing_atoms"]
        cell = smoothed(series.columns["missing_atoms_of_cell"], 5)
        curves += [
            Curve(series.time_ps, largest, run, f"{outcome.label}, largest hole"),
            Curve(series.time_ps, cell, run, f"{outcome.label}, whole cell", is_second=True),
        ]
        if outcome.closed_at_ps is not None:
            marks.append(Mark(outcome.closed_at_ps, run))
    target = Figure(
        out / "missing-atoms.png",
        "Missing atoms",
        "Atoms missing in the largest hole (solid), and what the whole cell lacks in comparison "
        "with the perfect crystal (dashed, running mean over 5 frames), which holds isolated "
        "vacancies and loose packing too. Dotted: the hole has closed. Grey: the limit below "
        "which it counts as closed.",
    )
    return plot_against_time(target, "Missing atoms", curves, [*marks, Mark(missing_below)])


def plot_void_volume(outcomes: Sequence[Outcome], out: Path) -> Figure:
    """Volume that a probe can sweep."""
    curves = curves_of("void_volume_angstrom3", {each.label: each.series for each in outcomes})
    target = Figure(
        out / "void-volume.png",
        "Void volume",
        f"Volume swept by a sphere of {PROBE_RADIUS} Å radius that fits between the atoms. It "
        "depends on the sphere; the number of missing atoms does not.",
    )
    return plot_against_time(target, "Void volume (Å$^3$)", curves)


def plot_disorder(outcomes: Sequence[Outcome], near_angstrom: float, out: Path) -> Figure:
    """Fraction of the atoms in no crystalline order, near the hole and far from it."""
    curves = []
    for run, outcome in enumerate(outcomes):
        time, columns = outcome.series.time_ps, outcome.series.columns
        near, far = (100 * columns[f"disordered_{group}"] for group in ("near", "far"))
        curves += _near_and_far(run, outcome.label, time, near, far)
    target = Figure(
        out / "disorder.png",
        "Disorder",
        f"Fraction of the atoms that are in no crystalline order, within {near_angstrom:g} Å of "
        f"the surface of the initial hole (solid) and beyond {2 * near_angstrom:g} Å of it "
        "(dashed); running mean over 5 frames.",
    )
    return plot_against_time(target, "Disordered atoms (%)", curves)


def _near_and_far(
    run: int, label: str, time_ps: np.ndarray, near: np.ndarray, far: np.ndarray
) -> list[Curve]:
    return [
        Curve(time_ps, smoothed(near, 5), run, f"{label}, near the hole"),
        Curve(time_ps, smoothed(far, 5), run, f"{label}, far from it", is_second=True),
    ]


def plot_mobility(outcomes: Sequence[Outcome], lag_ps: float, out: Path) -> Figure:
    """Mean-square displacement near the hole and far from it."""
    curves = []
    for run, outcome in enumerate(outcomes):
        time, msd = outcome.series.msd_time_ps, outcome.series.msd
        curves += _near_and_far(run, outcome.label, time, msd["near"], msd["far"])
    vibrations = float(np.mean([outcome.crystal.msd for outcome in outcomes]))
    target = Figure(
        out / "mobility.png",
        "Mobility",
        f"Mean-square displacement over {lag_ps:g} ps of atoms that are near the "
        "hole (solid) and far from it (dashed) when the displacement starts, without the motion "
        "of the cell; running mean over 5 frames. Grey: vibrations of the perfect crystal.",
    )
    quantity = f"Mean-square displacement over {lag_ps:g} ps (Å$^2$)"
    return plot_against_time(target, quantity, curves, [Mark(vibrations, label="perfect crystal")])
