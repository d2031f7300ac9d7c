"""Runs that differ by their seed only, and when their holes closed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from limlff.analysis.survival import Median, Times, Weibull, fit_weibull, median_time
from limlff.structures.void import Shape
from limlff.workflows.healing.outcome import Outcome, sphere_radius
from limlff.workflows.healing.rate_law import Closing, laplace_pressure


@dataclass(frozen=True)
class Case:
    """Runs of one hole at one pressure.

    Attributes:
        missing_atoms: Atoms taken out.
        shape: Shape of the hole.
        pressure_gpa: Pressure (GPa).
        outcomes: Results of the runs.
    """

    missing_atoms: int
    shape: Shape
    pressure_gpa: float
    outcomes: list[Outcome]

    @property
    def label(self) -> str:
        """Hole and pressure."""
        return f"{self.missing_atoms} atoms, {self.shape}, {self.pressure_gpa:g} GPa"

    @property
    def radius(self) -> float:
        """Radius of the sphere whose volume is that of the missing atoms (Å)."""
        return self.outcomes[0].radius

    def laplace_gpa(self, surface_energy: float) -> float:
        """Pressure 2 gamma / R of the surface tension at the start (GPa)."""
        return float(laplace_pressure(self.radius, surface_energy))

    @cached_property
    def times(self) -> Times:
        """When the holes closed, or how long they were watched (ps)."""
        return Times.of([ending(outcome) for outcome in self.outcomes])

    @cached_property
    def median(self) -> Median:
        """Median closing time."""
        return median_time(self.times)

    @cached_property
    def weibull(self) -> Weibull | None:
        """Distribution of closing times, where there are enough."""
        return fit_weibull(self.times)

    @property
    def share_open(self) -> float:
        """Part of the runs whose hole had not closed when they ended; nan if none came so far."""
        ended = [outcome for outcome in self.outcomes if outcome.ended != "out of time"]
        if not ended:
            return math.nan
        return sum(outcome.closed_at_ps is None for outcome in ended) / len(ended)


def gather(outcomes: Sequence[Outcome]) -> list[Case]:
    """Runs by shape, size and pressure, in this order."""
    found: dict[tuple[str, int, float], list[Outcome]] = {}
    for outcome in outcomes:
        hole = outcome.run.hole
        found.setdefault((hole.shape, hole.missing_atoms, outcome.pressure_gpa), []).append(outcome)
    return [
        Case(missing, runs[0].run.hole.shape, pressure, runs)
        for (_, missing, pressure), runs in sorted(found.items(), key=lambda item: item[0])
    ]


def ending(outcome: Outcome) -> tuple[float, bool]:
    """When the hole closed, or how long it was seen open (ps), and whether it closed.

    A hole that is closed in the first frame closed within the first interval. One that closes so
    late that it is not seen closed for long enough is known to have been open before that alone.
    """
    run, series = outcome.run, outcome.series
    if outcome.closed_at_ps is not None:
        return max(outcome.closed_at_ps, run.frame_every_ps), True
    still_open = series.columns["missing_atoms"] >= run.closed.missing_below
    last = float(series.time_ps[still_open].max(initial=0.0))
    return max(last, run.frame_every_ps), False


def closings(outcomes: Sequence[Outcome]) -> list[Closing]:
    """The runs as the rate law sees them."""
    return [
        Closing(
            radius=outcome.radius,
            end_radius=sphere_radius(
                outcome.run.closed.missing_below, outcome.crystal.volume_per_atom
            ),
            pressure_gpa=outcome.pressure_gpa,
            time_ps=ending(outcome)[0],
            has_closed=ending(outcome)[1],
        )
        for outcome in outcomes
    ]
