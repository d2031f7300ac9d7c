"""All runs of a study, several side by side, with their progress."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Collection
from pathlib import Path

from limlff.errors import InputError, shown
from limlff.progress import Progress
from limlff.workflows.contract import Outcome, Run, Settings, Study
from limlff.workflows.parallel import run_in_processes
from limlff.workflows.workspace import News, Tell, Workspace


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
    share = 60.0 * settings.max_runtime_minutes / -(-len(runs) // at_once)
    tasks = [(study, run, name, out, share, resume) for name, run in runs.items()]
    if at_once == 1:
        return [_simulate(*task, tell) for task in tasks]
    return run_in_processes(_simulate, tasks, at_once, tell)


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
        done[news.folder] = news.time_ps
        note = f", {news.note}" if news.note else ""
        states[news.run] = f"{news.folder} {news.time_ps:.1f} ps{note}"
        progress.advance_to(int(sum(done.values())), lambda: "; ".join(states.values()))

    return tell
