"""All runs of a study, several side by side, with their progress."""

from __future__ import annotations

import heapq
import math
import re
import time
from collections.abc import Collection, Sequence
from pathlib import Path

from limlff.errors import InputError, shown
from limlff.progress import Progress
from limlff.workflows.contract import Outcome, Run, Settings, Study
from limlff.workflows.parallel import run_in_processes
from limlff.workflows.workspace import News, Tell, Workspace

MOST_TOLD = 4
"""Runs of which it is told how they are: those that were at work last."""


def simulate_all(
    study: Study[Settings, Run, Outcome],
    settings: Settings,
    out: Path,
    tell: Tell,
    resume: bool = False,
) -> list[Outcome]:
    """Compute every run, several at a time.

    Args:
        study: The study.
        settings: Its settings.
        out: Folder that gets the folders of the runs.
        tell: Told how the runs get on.
        resume: Whether to go on with what is in the folder.

    Raises:
        InputError: If there is no run, or a name cannot be that of a folder.
        OutOfTime: If time did not suffice for a start, or a signal came.
    """
    runs = study.runs(settings)
    _check_names(runs)
    at_once = min(settings.processes, len(runs))
    costs = [study.cost(run) for run in runs.values()]
    seconds = 60.0 * settings.max_runtime_minutes / _length_side_by_side(costs, at_once)
    tasks = [
        (study, run, name, out, seconds * cost, resume)
        for (name, run), cost in zip(runs.items(), costs, strict=True)
    ]
    if at_once == 1:
        return [_simulate(*task, tell) for task in tasks]
    return run_in_processes(_simulate, tasks, at_once, tell)


def _length_side_by_side(costs: Sequence[float], at_once: int) -> float:
    """When all are done if each begins in its turn, as soon as a place is free."""
    places = [0.0] * at_once
    for cost in costs:
        heapq.heapreplace(places, places[0] + cost)
    return max(places)


def _check_names(names: Collection[str]) -> None:
    if not names:
        raise InputError("the settings ask for no run; give at least one")
    for name in names:
        if not re.fullmatch(r"[\w.+-]+", name):
            raise InputError(
                f"a run has the name {shown(repr(name))}, which is part of the names of its "
                "folders; take letters, digits and any of .+-_"
            )


def _simulate(
    study: Study[Settings, Run, Outcome],
    run: Run,
    name: str,
    out: Path,
    seconds: float,
    resume: bool,
    tell: Tell,
) -> Outcome:
    """Compute one run in the wall time that is its share (s)."""
    return study.simulate(run, Workspace(out, name, time.monotonic() + seconds, resume, tell))


def progress_of(
    study: Study[Settings, Run, Outcome], settings: Settings, is_shown: bool
) -> Progress:
    """Progress of all runs together, in ps."""
    whole = sum(study.length_ps(run) for run in study.runs(settings).values())
    return Progress(max(1, math.ceil(whole)), units="ps", shown=is_shown)


def teller(progress: Progress) -> Tell:
    """Takes the news of single runs, and shows how far all are and how each is."""
    done: dict[str, float] = {}
    states: dict[str, str] = {}

    def tell(news: News) -> None:
        # a folder that several runs share is shown again from its beginning to each
        done[news.folder] = max(news.time_ps, done.get(news.folder, 0.0))
        note = f", {news.note}" if news.note else ""
        states.pop(news.run, None)  # so that those that told last stand last
        states[news.run] = f"{news.folder} {news.time_ps:.1f} ps{note}"
        last = [*states.values()][-MOST_TOLD:]
        progress.advance_to(int(sum(done.values())), lambda: "; ".join(last))

    return tell
