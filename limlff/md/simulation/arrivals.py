"""When events happen: at equal intervals, or as a Poisson process.

The steps follow from the settings and the seed alone. A resumed run, which knows how many events
have happened, draws the waiting times of those again and goes on with the next.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from limlff.md.arrival_rate import rate_of
from limlff.md.config import MDConfig
from limlff.md.event_settings import Event, Remove


class Timetable(Protocol):
    """When the events of one kind happen."""

    def step_of(self, count: int) -> int | None:
        """Step of the event after `count` of them; None if there is none any more."""


@dataclass(frozen=True)
class EqualIntervals:
    """Events after equal times, each rounded to a step.

    Attributes:
        first: Time of the first one (steps).
        interval: Time between two of them (steps).
        last: Step after which there is none; None for no end.
    """

    first: float
    interval: float
    last: int | None

    def step_of(self, count: int) -> int | None:
        """Step of the event after `count` of them; None if there is none any more."""
        return _until(self.last, round(self.first + count * self.interval))


@dataclass
class PoissonProcess:
    """Events after independent, exponentially distributed waiting times.

    Times are added up before they are rounded, so that rounding does not change the rate.

    Attributes:
        first: Step from which on the first one is waited for.
        interval: Mean time between two of them (steps).
        last: Step after which there is none; None for no end.
        rng: Source of the waiting times.
    """

    first: int
    interval: float
    last: int | None
    rng: np.random.Generator
    _time: float = 0.0
    _steps: list[int] = field(default_factory=list)

    def step_of(self, count: int) -> int | None:
        """Step of the event after `count` of them; None if there is none any more."""
        while len(self._steps) <= count:
            self._time += self.rng.exponential(self.interval)
            self._steps.append(self.first + round(self._time))
        return _until(self.last, self._steps[count])


def _until(last: int | None, step: int) -> int | None:
    return None if last is not None and step > last else step


def timetables(config: MDConfig, area: float) -> tuple[Timetable, ...]:
    """The timetable of each event of a run.

    Args:
        config: The run.
        area: Area of the first two cell vectors at the start (Å^2).
    """
    return tuple(_timetable(event, i, config, area) for i, event in enumerate(config.events))


def _timetable(event: Event, index: int, config: MDConfig, area: float) -> Timetable:
    if isinstance(event, Remove):
        first = event.every if event.first is None else event.first
        return EqualIntervals(first, event.every, event.last)
    # whole numbers of steps are not divided and multiplied again, so that they stay exact
    interval: float = (
        rate_of(event, config.timestep_fs, area).every_steps if event.every is None else event.every
    )
    if event.arrivals == "poisson":
        # not the numbers of an event at a step, whose key is (seed, index, step)
        numbers = np.random.SeedSequence(config.seed, spawn_key=(index, 1))
        return PoissonProcess(
            event.first or 0, interval, event.last, np.random.default_rng(numbers)
        )
    return EqualIntervals(interval if event.first is None else event.first, interval, event.last)


@dataclass
class EventClock:
    """Which events are due; `counts` is how often each has happened."""

    timetables: tuple[Timetable, ...]
    counts: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * len(self.timetables)

    def due(self, step: int) -> list[int]:
        """Indices of the events that happen at this step; one that happens twice stands twice."""
        found = []
        for index, times in enumerate(self.timetables):
            count = self.counts[index]
            while times.step_of(count) == step:
                found.append(index)
                count += 1
        return found

    def next_step(self) -> int | None:
        """Step of the next event, if there is one."""
        steps = (
            times.step_of(count) for times, count in zip(self.timetables, self.counts, strict=True)
        )
        return min((step for step in steps if step is not None), default=None)
