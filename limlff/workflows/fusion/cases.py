"""Runs that differ by their seed only, and what they say together."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limlff.workflows.fusion.config import Misorientation, misorientation_name
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.grades import longest_outside_ps
from limlff.workflows.statistics import Spread

POINTS = 200
"""Times at which curves of several runs are averaged."""


@dataclass(frozen=True)
class Curve:
    """Mean and spread of a quantity over runs, against time.

    Attributes:
        time_ps: Times (ps).
        mean: Means.
        deviation: Standard deviations; zero for a single run.
    """

    time_ps: Float[np.ndarray, " times"]
    mean: Float[np.ndarray, " times"]
    deviation: Float[np.ndarray, " times"]


@dataclass(frozen=True)
class Case:
    """Runs of one misorientation.

    Attributes:
        misorientation: The misorientation.
        outcomes: Results of the runs.
    """

    misorientation: Misorientation
    outcomes: list[Outcome]

    @property
    def label(self) -> str:
        """Angle and axis, for headings and legends."""
        angle, axis = self.misorientation.angle_degrees, self.misorientation.axis
        if not angle:
            return "not turned"
        return f"turned by {angle:g}° about [{' '.join(f'{part:g}' for part in axis)}]"

    def spread(self, value: Callable[[Outcome], float | None]) -> Spread:
        """Mean and spread of a number over the runs that have it."""
        found = [value(each) for each in self.outcomes]
        return Spread.of([math.nan if each is None else each for each in found])

    def last(self, column: str) -> Spread:
        """That of a quantity over the last tenth of each run."""
        return self.spread(lambda each: last_known(each.series.columns[column]))

    def count(self, holds: Callable[[Outcome], bool]) -> int:
        """Runs of which something holds."""
        return sum(map(holds, self.outcomes))

    @property
    def longest_outside_ps(self) -> float:
        """Longest time without a break with more than 1 % of the atoms of a run outside (ps)."""
        return max(longest_outside_ps(each.series) for each in self.outcomes)

    @property
    def highest_grade(self) -> float:
        """Highest grade of an atom in any frame; not a number if grades are not known."""
        return max(float(np.max(each.series.columns["highest_grade"])) for each in self.outcomes)

    def curve(self, column: str) -> Curve | None:
        """A quantity against time, over the runs, as long as all of them last.

        None if no run has a number of it.
        """
        parts = []
        for run in self.outcomes:
            values = run.series.columns[column]
            known = np.isfinite(values)
            if known.sum() > 1:
                parts.append((run.series.time_ps[known], values[known]))
        if not parts:
            return None
        begin = max(time[0] for time, _ in parts)
        end = max(begin, min(time[-1] for time, _ in parts))
        grid = np.linspace(begin, end, POINTS)
        values = np.array([np.interp(grid, time, values) for time, values in parts])
        deviation = values.std(axis=0, ddof=1) if len(values) > 1 else np.zeros(POINTS)
        return Curve(grid, values.mean(axis=0), deviation)


def last_known(values: Float[np.ndarray, " frames"], part: float = 0.1) -> float:
    """Mean over the last part of a run, of the frames that have a number."""
    end = values[-max(1, round(part * len(values))) :]
    known = end[np.isfinite(end)]
    return float(known.mean()) if len(known) else math.nan


def gather(outcomes: Sequence[Outcome]) -> list[Case]:
    """Runs by misorientation, in the order of the settings."""
    found: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        found.setdefault(misorientation_name(outcome.run.misorientation), []).append(outcome)
    return [Case(runs[0].run.misorientation, runs) for runs in found.values()]
