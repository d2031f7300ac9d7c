"""Figures of studies: one style, a colour for each run throughout, quantities against time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from limlff.atomic_file import replaced_when_whole
from limlff.report.page import Figure
from limlff.workflows.series import TimeSeries

# Okabe and Ito's colours, told apart also by the colour-blind.
RUN_COLORS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9")

_PANEL = (3.4, 3.0)  # width and height of one of several panels (inches)

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


@dataclass(frozen=True)
class Curve:
    """A quantity of one run.

    Attributes:
        time_ps: Times (ps).
        values: Values at these times.
        run: Number of the run, from 0; it gives the colour.
        label: Its name in the legend.
        is_second: Whether it is thin and dashed: the second of two kinds in one figure.
    """

    time_ps: Float[np.ndarray, " frames"]
    values: Float[np.ndarray, " frames"]
    run: int
    label: str
    is_second: bool = False


@dataclass(frozen=True)
class Mark:
    """A straight line across a figure: grey at a level, or dotted at a time in a run's colour.

    Attributes:
        at: The level, or the time (ps).
        run: Number of the run whose time it is; None for a level.
        label: Its name in the legend, if it has one.
    """

    at: float
    run: int | None = None
    label: str | None = None


def curves_of(column: str, runs: Mapping[str, TimeSeries]) -> list[Curve]:
    """The curves of one quantity.

    Args:
        column: Name of the quantity in the series.
        runs: Series of each run by its name in the legend.
    """
    return [
        Curve(series.time_ps, series.columns[column], run, label)
        for run, (label, series) in enumerate(runs.items())
    ]


@contextmanager
def drawing(
    target: Figure, rows: int = 1, columns: int = 1, size: tuple[float, float] = (5.4, 3.6)
) -> Iterator[tuple[Any, Any]]:
    """A figure in the style of all studies, written to its file at the end of the block.

    Args:
        target: File, title and caption.
        rows: Rows of axes.
        columns: Columns of axes.
        size: Width and height (inches).

    Yields:
        Matplotlib's figure, and its axes as an array of (rows, columns).
    """
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    with matplotlib.rc_context(STYLE):
        figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=False)
        try:
            yield figure, axes
            with replaced_when_whole(target.path) as temporary:
                figure.savefig(temporary)
        finally:
            plt.close(figure)


@contextmanager
def panels(target: Figure, count: int) -> Iterator[tuple[Any, list[Any]]]:
    """A figure and its panels side by side."""
    count = max(count, 1)
    with drawing(target, 1, count, (count * _PANEL[0], _PANEL[1])) as (figure, axes):
        yield figure, list(axes[0])


def plot_against_time(
    target: Figure,
    quantity: str,
    curves: Sequence[Curve],
    marks: Sequence[Mark] = (),
    from_zero: bool = True,
) -> Figure:
    """Draw a quantity of several runs against time.

    Args:
        target: File, title and caption.
        quantity: What is drawn, with its unit.
        curves: The runs.
        marks: Levels and times to be marked.
        from_zero: Whether the axis of the quantity begins at zero, or below it for negative values.

    Returns:
        The target.
    """
    with drawing(target) as (_, ((axis,),)):
        for curve in curves:
            look = {"linewidth": 0.9, "linestyle": "--"} if curve.is_second else {}
            color = run_color(curve.run)
            axis.plot(curve.time_ps, curve.values, color=color, label=curve.label, **look)
        for mark in marks:
            if mark.run is None:
                axis.axhline(mark.at, color="0.6", linewidth=0.8, label=mark.label)
            else:
                color = run_color(mark.run)
                axis.axvline(mark.at, color=color, linewidth=0.8, linestyle=":", label=mark.label)
        axis.set_xlabel("Time (ps)")
        axis.set_xlim(left=0)
        axis.set_ylabel(quantity)
        if from_zero:
            axis.set_ylim(bottom=min(0.0, axis.get_ylim()[0]))
        axis.legend(fontsize=8)
    return target


def run_color(run: int) -> str:
    """Colour of a run in all figures; beyond the last one they begin again."""
    return RUN_COLORS[run % len(RUN_COLORS)]
