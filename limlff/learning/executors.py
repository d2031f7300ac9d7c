"""Where the tasks of a campaign run: on this machine, or as a site file says."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from limlff.config import load_config
from limlff.learning.campaign import Campaign
from limlff.learning.cluster.blocks import worker_blocks
from limlff.learning.cluster.site import Site
from limlff.learning.labelling import Label, LabelFailure, label_frame
from limlff.learning.time_limit import NO_LIMIT, TimeLimit
from limlff.workflows.parallel import run_in_processes

_XLA_THREADS = "PJRT_NPROC"


class RunTasks(Protocol):
    """Calls `function(*task, tell)` for each of several tasks, and ends with the last of them.

    The first argument of a task is its folder. What the function tells is passed to `listen`.
    """

    def __call__(
        self,
        function: Callable[..., Any],
        tasks: Sequence[tuple[Any, ...]],
        listen: Callable[..., None],
    ) -> object:
        """Call it; raises what the first call to fail has raised."""
        ...


@dataclass(frozen=True)
class Executors:
    """What the tasks of a campaign are given to.

    Attributes:
        training: Runs trainings.
        dynamics: Runs explorations.
        calculations: Threads that wait for calculations of labels, as many as run side by side.
        label: As `label_frame`: what each of them calls.
    """

    training: RunTasks
    dynamics: RunTasks
    calculations: Executor
    label: Callable[..., Label | LabelFailure] = label_frame


@contextmanager
def open_executors(
    campaign: Campaign, folder: Path, limit: TimeLimit = NO_LIMIT
) -> Iterator[Executors]:
    """Start what the tasks of a campaign run on; it ends with the block.

    Args:
        campaign: Its settings.
        folder: Its folder.
        limit: When the campaign is to be left.

    Raises:
        InputError: If the site file cannot be used.
    """
    with worker_blocks(site_of(campaign), folder, limit) as blocks:
        training, dynamics, dft = (blocks.get(name) for name in ("training", "dynamics", "dft"))
        # on workers all calculations are waited for at once; Parsl has them queue
        threads = campaign.select.frames if dft else campaign.label_at_once
        with ThreadPoolExecutor(threads) as calculations:
            yield Executors(
                training.run if training else run_here,
                dynamics.run if dynamics else partial(_run_beside, campaign.explore.at_once),
                calculations,
                dft.label if dft else label_frame,
            )


def site_of(campaign: Campaign) -> Site:
    """The site of a campaign.

    Raises:
        InputError: If its file is missing or a setting is not allowed.
    """
    return Site() if campaign.site is None else load_config(campaign.site, Site)


def run_here(
    function: Callable[..., Any], tasks: Sequence[tuple[Any, ...]], listen: Callable[..., None]
) -> None:
    """Run tasks in this process, one after the other."""
    for task in tasks:
        function(*task, listen)


def _run_beside(
    at_once: int,
    function: Callable[..., Any],
    tasks: Sequence[tuple[Any, ...]],
    listen: Callable[..., None],
) -> None:
    """Run tasks in processes of this machine, each on a core of its own."""
    with _one_thread_each():
        run_in_processes(function, tasks, at_once, listen)


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Processes started in the block let XLA use one thread, as `limlff md` does."""
    before = os.environ.get(_XLA_THREADS)
    os.environ.setdefault(_XLA_THREADS, "1")
    try:
        yield
    finally:
        if before is None:
            del os.environ[_XLA_THREADS]
