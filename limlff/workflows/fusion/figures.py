"""Figures of the fusion study: a colour for each misorientation, quantities against time."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from limlff.report.page import Figure
from limlff.workflows.figures import panels, run_color
from limlff.workflows.fusion.cases import Case
from limlff.workflows.fusion.config import Criteria

_TIME = "Time (ps)"

Panel = tuple[str, str, float]
"""Column, name with its unit, and what the column is multiplied with."""


def plot_neck(cases: Sequence[Case], out: Path, criteria: Criteria, radius: float) -> Figure:
    """Radius of the neck and area of contact."""
    target = Figure(
        out / "neck.png",
        "The neck",
        "Radius of the narrowest section of the solid between the two dendrites (left; grey: from "
        "which on they are one), and its area (right); mean over the runs and, shaded, their "
        "standard deviation.",
        wide=True,
    )
    return _against_time(
        target,
        cases,
        [
            ("neck_radius_angstrom", "Radius of the neck (Å)", 1.0),
            ("contact_area_angstrom2", "Area of contact (Å$^2$)", 1.0),
        ],
        levels={0: criteria.merged_part * radius},
    )


def plot_cavity(cases: Sequence[Case], out: Path, criteria: Criteria) -> Figure:
    """Missing atoms of what is closed in, and how near the feet have come."""
    target = Figure(
        out / "cavity.png",
        "The cavity",
        "Atoms missing in hollows that are closed in (left; grey: from which on they are a "
        "cavity), and the distance of the feet of both dendrites, between which the solid must fit "
        "(right). What is open to the vacuum, or can be walked out of between the necks of "
        "periodic images, does not count.",
        wide=True,
    )
    return _against_time(
        target,
        cases,
        [
            ("enclosed_missing", "Missing atoms closed in", 1.0),
            ("feet_apart_angstrom", "Distance of the feet (Å)", 1.0),
        ],
        levels={0: criteria.cavity_atoms},
    )


def plot_boundary(cases: Sequence[Case], out: Path) -> Figure:
    """What is left between the grains."""
    target = Figure(
        out / "boundary.png",
        "The grain boundary",
        "Misorientation of the two dendrites (left), area between their grains (middle), and atoms "
        "there that are in no bcc order (right); what a turned dendrite has with its slab does not "
        "count.",
        wide=True,
    )
    return _against_time(
        target,
        cases,
        [
            ("misorientation_degrees", "Misorientation (°)", 1.0),
            ("boundary_area_angstrom2", "Boundary (Å$^2$)", 1.0),
            ("boundary_atoms", "Atoms in it, not bcc", 1.0),
        ],
    )


def plot_order(cases: Sequence[Case], out: Path, criteria: Criteria) -> Figure:
    """Disorder near the neck and far from it."""
    near = criteria.near_angstrom
    target = Figure(
        out / "order.png",
        "Order inside the solid",
        f"Part of the atoms inside the solid that are in no crystalline order: within {near:g} Å "
        f"of the neck (left), and beyond {2 * near:g} Å of it or in the slab (right).",
        wide=True,
    )
    return _against_time(
        target,
        cases,
        [
            ("disordered_near", "Disordered near the neck (%)", 100.0),
            ("disordered_far", "Disordered far from it (%)", 100.0),
        ],
    )


def plot_mobility(cases: Sequence[Case], out: Path, lag_ps: float) -> Figure:
    """Displacements near the neck and far from it."""
    target = Figure(
        out / "mobility.png",
        "Mobility inside the solid",
        f"Mean-square displacement over the {lag_ps:g} ps before, of atoms that were inside the "
        "solid near the neck then (left), and far from it (right).",
        wide=True,
    )
    return _against_time(
        target,
        cases,
        [
            ("msd_near", "Displacement² near the neck (Å$^2$)", 1.0),
            ("msd_far", "Displacement² far from it (Å$^2$)", 1.0),
        ],
    )


def plot_grades(cases: Sequence[Case], out: Path) -> Figure:
    """How far the runs are from what the potential was trained on."""
    target = Figure(
        out / "grades.png",
        "Is the potential to be trusted?",
        "Highest extrapolation grade of an atom (left; 1 is the edge of the training data), and "
        "the part of the atoms above 1 (right).",
        wide=True,
    )
    return _against_time(
        target,
        cases,
        [
            ("highest_grade", "Highest grade", 1.0),
            ("share_outside", "Atoms above 1 (%)", 100.0),
        ],
    )


def plot_current(cases: Sequence[Case], out: Path) -> Figure:
    """How uneven the current is, and where it goes in the first run of each case."""
    target = Figure(
        out / "current.png",
        "Local current density",
        "Relative variance of the current density over the tiles beyond shot noise, in each part "
        "of the growth (first panel; mean and standard deviation over the runs); and the current "
        "density on each tile over its mean, over the whole growth of the first run of each "
        "misorientation.",
        wide=True,
    )
    grown = [case for case in cases if case.outcomes[0].windows]
    with panels(target, 1 + len(grown)) as (figure, axes):
        for number, case in enumerate(grown):
            values = [[w.current.unevenness for w in run.windows] for run in case.outcomes]
            first = case.outcomes[0].windows
            middle = [0.5 * (window.begin_ps + window.end_ps) for window in first]
            own = np.array([row for row in values if len(row) == len(first)])
            spread = own.std(axis=0, ddof=1) if len(own) > 1 else np.zeros(len(first))
            axes[0].errorbar(middle, own.mean(axis=0), spread, fmt="o-", markersize=4,
                             color=run_color(number), label=case.label)  # fmt: skip
            counts = np.sum([window.current.counts for window in first], axis=0)
            axis = axes[1 + number]
            image = axis.imshow((counts / max(counts.mean(), 1e-9)).T, origin="lower",
                                cmap="viridis", vmin=0)  # fmt: skip
            axis.set(title=case.label, xlabel="Tile along x", ylabel="Tile along y")
            figure.colorbar(image, ax=axis, shrink=0.6)
        axes[0].axhline(0, color="0.7", linewidth=0.8)
        axes[0].set(xlabel=_TIME, ylabel="Unevenness")
        axes[0].legend(fontsize=7)
    return target


def _against_time(
    target: Figure,
    cases: Sequence[Case],
    quantities: Sequence[Panel],
    levels: dict[int, float] | None = None,
) -> Figure:
    """Quantities against time, all cases in each panel, with a grey line at a level of some."""
    with panels(target, len(quantities)) as (figure, axes):
        for place, (axis, (column, name, scale)) in enumerate(zip(axes, quantities, strict=True)):
            for number, case in enumerate(cases):
                curve = case.curve(column)
                if curve is None:
                    continue
                mean, spread = scale * curve.mean, scale * curve.deviation
                color = run_color(number)
                axis.plot(curve.time_ps, mean, color=color, label=case.label)
                band = (mean - spread, mean + spread)
                axis.fill_between(curve.time_ps, *band, color=color, alpha=0.15, linewidth=0)
            if levels and place in levels:
                axis.axhline(levels[place], color="0.6", linewidth=0.8)
            axis.set(xlabel=_TIME, ylabel=name, xlim=(0, None))
            axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
        known = [axis.get_legend_handles_labels() for axis in axes]
        handles, labels = max(known, key=lambda each: len(each[0]))
        if handles:
            figure.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return target
