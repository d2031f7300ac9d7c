"""Figures of the healing study, each pressure in its own colour throughout."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from limlff.analysis.local_order import Order
from limlff.analysis.voids import PROBE_RADIUS
from limlff.atomic_file import replaced_when_whole
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.report.page import Figure
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.simulate import Outcome

# Okabe and Ito's colours, told apart also by the colour-blind.
RUN_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

ORDER_COLORS = {
    Order.DISORDERED: "#d1495b",
    Order.BCC: "#8fb3d9",
    Order.FCC: "#57a773",
    Order.HCP: "#b38ad1",
}

STYLE: dict[Any, Any] = {
    "font.size": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.8,
    "lines.linewidth": 1.6,
    "legend.frameon": False,
    "figure.constrained_layout.use": True,
    "savefig.dpi": 200,
}

SLAB = 1.9  # half the thickness of what a snapshot shows (Å): about two layers of bcc Li


def run_label(outcome: Outcome) -> str:
    """A run's name in legends and headings."""
    return f"{outcome.pressure_gpa:g} GPa"


def draw_figures(config: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> list[Figure]:
    """Draw all figures.

    Args:
        config: The study.
        outcomes: Its runs.
        out: Folder of the study, in which the runs' folders lie.
    """
    import matplotlib

    matplotlib.use("Agg")
    with matplotlib.rc_context(STYLE):
        return [
            _snapshots(config, outcomes, out),
            _missing(config, outcomes, out),
            _volume(outcomes, out),
            _order(config, outcomes, out),
            _mobility(config, outcomes, out),
        ]


def _snapshots(config: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Figure:
    import matplotlib.pyplot as plt

    columns = 4
    figure, axes = plt.subplots(
        len(outcomes), columns, figsize=(2.5 * columns, 2.62 * len(outcomes)), squeeze=False
    )
    for outcome, row in zip(outcomes, axes, strict=True):
        picked = telling_frames(outcome)
        with Trajectory(out / outcome.name / "trajectory.h5") as trajectory:
            for axis in row:
                axis.set_axis_off()
            for axis, index in zip(row, picked, strict=False):
                _snapshot(axis, trajectory[index], outcome, index)
    _color_legend(figure)
    return _save(
        figure,
        out / "snapshots.png",
        "The hole in the course of time",
        f"A layer of {2 * SLAB:.0f} Å through the middle of the hole, seen along z: at the start, "
        "when half of the missing atoms are there, when the hole has closed, and at the end; at "
        "equal times if it does not close. Atoms are coloured by their local order; n is the "
        "number of missing atoms of the largest hole.",
        wide=True,
    )


def telling_frames(outcome: Outcome) -> list[int]:
    """Start, half filled, closed, end; equal times if the hole has not closed."""
    series = outcome.series
    last = len(series.time_ps) - 1
    if outcome.closed_at_ps is None:
        return sorted({0, round(last / 3), round(2 * last / 3), last})
    missing = series.columns["missing_atoms"]
    half = int(np.argmax(missing <= 0.5 * outcome.hole.missing_atoms))
    closed = int(np.argmax(series.time_ps >= outcome.closed_at_ps))
    return sorted({0, half, closed, last})


def _snapshot(axis: Any, frame: TrajectoryFrame, outcome: Outcome, index: int) -> None:
    # Drawn about the hole, which therefore is in the middle whatever the drift.
    fractional = frame.positions @ np.linalg.inv(frame.cell) - outcome.hole.centre
    offset = (fractional - np.round(fractional)) @ frame.cell
    shown = np.flatnonzero(np.abs(offset[:, 2]) < SLAB)
    shown = shown[np.argsort(offset[shown, 2])]
    colors = [ORDER_COLORS[Order(kind)] for kind in outcome.series.orders[index][shown]]
    x_edge, y_edge = 0.5 * np.linalg.norm(frame.cell, axis=1)[:2]
    axis.set_aspect("equal")
    axis.set_xlim(-x_edge, x_edge)
    axis.set_ylim(-y_edge, y_edge)
    # Points per Å, so that atoms have their true distance of neighbors as diameter.
    points = 72 * 2.3 / (2 * x_edge)
    axis.scatter(
        offset[shown, 0],
        offset[shown, 1],
        s=(2.4 * points) ** 2,
        c=colors,
        edgecolors="#2b3442",
        linewidths=0.4,
    )
    missing = outcome.series.columns["missing_atoms"][index]
    time = outcome.series.time_ps[index]
    axis.set_title(f"{run_label(outcome)}, {time:.1f} ps, n = {missing:.0f}", fontsize=9)


def _color_legend(figure: Any) -> None:
    from matplotlib.lines import Line2D

    marks = [
        Line2D([], [], marker="o", linestyle="", color=color, label=kind.name.lower())
        for kind, color in ORDER_COLORS.items()
    ]
    figure.legend(handles=marks, loc="outside lower center", ncols=len(marks), fontsize=9)


def _missing(config: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Figure:
    def draw(axis: Any) -> None:
        for outcome, color in zip(outcomes, RUN_COLORS, strict=False):
            series = outcome.series
            axis.plot(
                series.time_ps,
                series.columns["missing_atoms"],
                color=color,
                label=f"{run_label(outcome)}, largest hole",
            )
            axis.plot(
                series.time_ps,
                smoothed(series.columns["missing_atoms_of_cell"], 5),
                color=color,
                linewidth=0.9,
                linestyle="--",
                alpha=0.8,
                label=f"{run_label(outcome)}, whole cell",
            )
            if outcome.closed_at_ps is not None:
                axis.axvline(outcome.closed_at_ps, color=color, linewidth=0.8, linestyle=":")
        axis.axhline(config.closed.missing_below, color="0.6", linewidth=0.8)
        axis.set_ylabel("Missing atoms")
        axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
        axis.legend(fontsize=8)

    return _against_time(
        out / "missing-atoms.png",
        draw,
        "Missing atoms",
        "Atoms missing in the largest hole (solid), and what the whole cell lacks in comparison "
        "with the perfect crystal (dashed, running mean over 5 frames), which holds isolated "
        "vacancies and loose packing too. Dotted: the hole has closed. Grey: the limit below "
        "which it counts as closed.",
    )


def _volume(outcomes: Sequence[Outcome], out: Path) -> Figure:
    def draw(axis: Any) -> None:
        for outcome, color in zip(outcomes, RUN_COLORS, strict=False):
            volume = outcome.series.columns["void_volume_angstrom3"]
            axis.plot(outcome.series.time_ps, volume, color=color, label=run_label(outcome))
        axis.set_ylabel("Void volume (Å$^3$)")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)

    return _against_time(
        out / "void-volume.png",
        draw,
        "Void volume",
        f"Volume swept by a sphere of {PROBE_RADIUS} Å radius that fits between the atoms. It "
        "depends on the sphere; the number of missing atoms does not.",
    )


def _order(config: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Figure:
    def draw(axis: Any) -> None:
        for outcome, color in zip(outcomes, RUN_COLORS, strict=False):
            for group, line in (("near", "-"), ("far", "--")):
                disorder = 100 * outcome.series.columns[f"disordered_{group}"]
                axis.plot(
                    outcome.series.time_ps,
                    smoothed(disorder, 5),
                    color=color,
                    linestyle=line,
                    linewidth=1.6 if group == "near" else 0.9,
                    label=f"{run_label(outcome)}, {group} the hole"
                    if group == "near"
                    else f"{run_label(outcome)}, far from it",
                )
        axis.set_ylabel("Disordered atoms (%)")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)

    return _against_time(
        out / "disorder.png",
        draw,
        "Disorder",
        f"Part of the atoms that are in no crystalline order, within {config.near_angstrom:g} Å of "
        f"the surface of the initial hole (solid) and beyond {2 * config.near_angstrom:g} Å of it "
        "(dashed); running mean over 5 frames.",
    )


def _mobility(config: HealingConfig, outcomes: Sequence[Outcome], out: Path) -> Figure:
    def draw(axis: Any) -> None:
        for outcome, color in zip(outcomes, RUN_COLORS, strict=False):
            series = outcome.series
            for group, line in (("near", "-"), ("far", "--")):
                axis.plot(
                    series.msd_time_ps,
                    smoothed(series.msd[group], 5),
                    color=color,
                    linestyle=line,
                    linewidth=1.6 if group == "near" else 0.9,
                    label=f"{run_label(outcome)}, {group}",
                )
        vibrations = np.mean([outcome.crystal.msd for outcome in outcomes])
        axis.axhline(vibrations, color="0.6", linewidth=0.8, label="perfect crystal")
        axis.set_ylabel(f"Square displacement in {config.mobility_lag_ps:g} ps (Å$^2$)")
        axis.set_ylim(bottom=0)
        axis.legend(fontsize=8)

    return _against_time(
        out / "mobility.png",
        draw,
        "Mobility",
        f"Mean-square displacement over {config.mobility_lag_ps:g} ps of atoms that are near the "
        "hole (solid) and far from it (dashed) when the displacement starts, without the motion "
        "of the cell; running mean over 5 frames. Grey: vibrations of the perfect crystal.",
    )


def smoothed(values: np.ndarray, width: int) -> np.ndarray:
    """Running mean over `width` values, over fewer at both ends."""
    if not len(values):
        return values
    kernel = np.ones(min(width, len(values)))
    counts = np.convolve(np.ones(len(values)), kernel, mode="same")
    return np.asarray(np.convolve(values, kernel, mode="same") / counts)


def _against_time(path: Path, draw: Callable[[Any], None], title: str, caption: str) -> Figure:
    import matplotlib.pyplot as plt

    figure, axis = plt.subplots(figsize=(5.4, 3.6))
    draw(axis)
    axis.set_xlabel("Time (ps)")
    axis.set_xlim(left=0)
    return _save(figure, path, title, caption)


def _save(figure: Any, path: Path, title: str, caption: str, wide: bool = False) -> Figure:
    import matplotlib.pyplot as plt

    with replaced_when_whole(path) as temporary:
        figure.savefig(temporary)
    plt.close(figure)
    return Figure(path, title, caption, wide)
