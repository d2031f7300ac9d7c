"""Figures of a sweep over holes and pressures."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limlff.analysis.survival import kaplan_meier
from limlff.report.page import Figure
from limlff.workflows.figures import drawing, run_color
from limlff.workflows.healing.cases import Case, closings
from limlff.workflows.healing.extrapolation import RADII_NM, end_radius_of
from limlff.workflows.healing.rate_law import Fit, laplace_pressure

COLUMNS = 4  # most panels beside each other


def plot_map(cases: Sequence[Case], surface_energy: float, out: Path) -> Figure:
    """Median closing time against size and pressure, with the pressure of the surface tension."""
    target = Figure(
        out / "closing-map.png",
        "Closing time against size and pressure",
        "Median closing time (Kaplan and Meier) of the runs at each size and pressure, shapes "
        "beside "
        "one another; crosses: the median was not reached in the time simulated. The size is the "
        "radius of a sphere of the same volume. Line: pressure of the surface tension, 2γ/R with "
        f"γ = {surface_energy:g} J/m², which acts on a hole of radius R besides that from outside.",
        wide=True,
    )
    shapes = list(dict.fromkeys(case.shape for case in cases))
    known = [case.median.value for case in cases if math.isfinite(case.median.value)]
    limits = (min(known), max(known)) if known else (1.0, 10.0)
    size = (4.2 * len(shapes) + 1.0, 3.8)
    with drawing(target, columns=len(shapes), size=size) as (figure, axes):
        for axis, shape in zip(axes[0], shapes, strict=True):
            own = [case for case in cases if case.shape == shape]
            colored = _draw_points(axis, own, limits)
            _draw_tension(axis, own, surface_energy)
            axis.set_title(shape, fontsize=10)
            axis.set_xlabel("Radius (Å)")
            axis.set_ylabel("Pressure (GPa)")
        figure.colorbar(colored, ax=axes[0][-1], label="Median closing time (ps)")
    return target


def _draw_points(axis: Any, cases: Sequence[Case], limits: tuple[float, float]) -> Any:
    from matplotlib.colors import LogNorm

    low, high = limits
    closed = [case for case in cases if math.isfinite(case.median.value)]
    still = [case for case in cases if not math.isfinite(case.median.value)]
    axis.plot([c.radius for c in still], [c.pressure_gpa for c in still], "kx", markersize=8)
    return axis.scatter(
        [case.radius for case in closed],
        [case.pressure_gpa for case in closed],
        c=[case.median.value for case in closed],
        s=90,
        cmap="viridis",
        edgecolors="k",
        norm=LogNorm(low, high if high > low else 1.01 * low),
    )


def _draw_tension(axis: Any, cases: Sequence[Case], surface_energy: float) -> None:
    radii = [case.radius for case in cases]
    line = np.linspace(0.9 * min(radii), 1.1 * max(radii), 100)
    axis.plot(line, laplace_pressure(line, surface_energy), color="0.5", label="2γ/R")
    axis.legend(fontsize=8)


def plot_survival(cases: Sequence[Case], out: Path) -> Figure:
    """Part of the holes that are still open against time."""
    target = Figure(
        out / "survival.png",
        "Holes still open",
        "Part of the runs whose hole is still open (Kaplan and Meier), a colour for each pressure. "
        "Vertical strokes: runs that ended with an open hole.",
        wide=True,
    )

    def draw(axis: Any, case: Case, run: int) -> None:
        curve = kaplan_meier(case.times)
        times, part = np.insert(curve.times, 0, 0.0), np.insert(curve.part, 0, 1.0)
        label, color = f"{case.pressure_gpa:g} GPa", run_color(run)
        axis.step(times, part, where="post", color=color, label=label)
        ends = np.array(case.times.censored)
        left = part[np.searchsorted(times, ends, side="right") - 1]
        axis.plot(ends, left, "|", color=color, markersize=9)
        axis.set_ylim(-0.03, 1.05)

    return _panels(target, cases, "Part still open", draw)


def plot_shrinking(cases: Sequence[Case], out: Path) -> Figure:
    """Missing atoms of every run against time."""
    target = Figure(
        out / "shrinking.png",
        "Missing atoms of every run",
        "Atoms missing in the largest hole, a line for each run and a colour for each pressure.",
        wide=True,
    )

    def draw(axis: Any, case: Case, run: int) -> None:
        for number, outcome in enumerate(case.outcomes):
            series = outcome.series
            label = f"{case.pressure_gpa:g} GPa" if number == 0 else None
            missing = series.columns["missing_atoms"]
            axis.plot(series.time_ps, missing, color=run_color(run), linewidth=0.9, label=label)

    return _panels(target, cases, "Missing atoms", draw)


def _panels(target: Figure, cases: Sequence[Case], quantity: str, draw: Any) -> Figure:
    """A panel for each hole, in which all pressures are drawn."""
    holes = list(dict.fromkeys((case.shape, case.missing_atoms) for case in cases))
    pressures = sorted({case.pressure_gpa for case in cases})
    columns = min(COLUMNS, len(holes))
    rows = -(-len(holes) // columns)
    with drawing(target, rows, columns, (3.2 * columns + 0.4, 2.7 * rows + 0.2)) as (_, axes):
        for axis in axes.flat[len(holes) :]:
            axis.axis("off")
        for axis, hole in zip(axes.flat, holes, strict=False):
            for case in cases:
                if (case.shape, case.missing_atoms) == hole:
                    draw(axis, case, pressures.index(case.pressure_gpa))
            axis.set_title(f"{hole[1]} atoms, {hole[0]}", fontsize=10)
            axis.set_xlabel("Time (ps)")
            axis.set_ylabel(quantity)
            axis.set_xlim(left=0)
        axes.flat[0].legend(fontsize=8)
    return target


def plot_law(cases: Sequence[Case], fit: Fit, out: Path) -> Figure:
    """The rate law beside the runs, and where it leads."""
    target = Figure(
        out / "rate-law.png",
        "Rate law",
        "Left: closing time of each run against that of the law; arrows: runs that ended with an "
        "open hole. Right: what the law gives for holes of several radii down to the stack "
        "pressures "
        "of cells (grey), with the limits of 95 % of laws fitted to runs drawn anew. Most of it "
        "lies "
        "far outside of what was simulated, and holds only if nothing else closes or opens a hole.",
        wide=True,
    )
    with drawing(target, columns=2, size=(9.0, 3.8)) as (_, ((left, right),)):
        _draw_agreement(left, cases, fit)
        _draw_extrapolation(right, cases, fit)
    return target


def _draw_agreement(axis: Any, cases: Sequence[Case], fit: Fit) -> None:
    pressures = sorted({case.pressure_gpa for case in cases})
    for case in cases:
        for each in closings(case.outcomes):
            law = math.exp(fit.law.log_time(each.radius, each.end_radius, each.pressure_gpa))
            mark = "o" if each.has_closed else "^"
            color = run_color(pressures.index(case.pressure_gpa))
            axis.plot(law, each.time_ps, mark, color=color, markersize=4)
    low, high = axis.get_xlim()
    axis.plot([max(low, 1e-3), high], [max(low, 1e-3), high], color="0.6", linewidth=0.8)
    axis.set(xscale="log", yscale="log", xlabel="Law (ps)", ylabel="Run (ps)")


def _draw_extrapolation(axis: Any, cases: Sequence[Case], fit: Fit) -> None:
    from limlff.workflows.healing.extrapolation import CELL_PRESSURES_MPA

    pressures = np.logspace(-4, 0, 25)
    end = end_radius_of(cases)
    axis.axvspan(1e-3 * CELL_PRESSURES_MPA[0], 1e-3 * CELL_PRESSURES_MPA[-1], color="0.92")
    for number, radius in enumerate(RADII_NM):
        found = np.array([fit.log_time(10 * radius, end, p) for p in pressures])
        middle, low, high = np.exp(np.clip(found, -300, 300)).T * 1e-12
        color = run_color(number)
        axis.plot(pressures, middle, color=color, label=f"{radius:g} nm")
        axis.fill_between(pressures, low, high, color=color, alpha=0.2, linewidth=0)
    axis.set(xscale="log", yscale="log", xlabel="Pressure (GPa)", ylabel="Time to close (s)")
    axis.legend(fontsize=8)
