"""Blocks of workers that Parsl has started, and tasks of a campaign on them."""

from __future__ import annotations

import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limlff.errors import InputError, LimlffError, OutOfTime, shown
from limlff.frames.frame import Frame
from limlff.learning.cluster.parsl_config import config_of_site
from limlff.learning.cluster.session import Session
from limlff.learning.cluster.site import Site
from limlff.learning.cluster.worker import run_task, told_by
from limlff.learning.labeller import Labeller
from limlff.learning.labelling import Label, LabelFailure, label_frame
from limlff.learning.time_limit import NO_LIMIT, TimeLimit

_WAKE_SECONDS = 0.5
_LONGEST_REASON = 300


@dataclass(frozen=True)
class WorkerBlock:
    """A block of workers.

    Attributes:
        name: Its name in the site file.
        pool: Brings tasks to the workers.
        session: The start of the campaign that they work for.
        limit: When it is to be left.
    """

    name: str
    pool: Executor
    session: Session
    limit: TimeLimit = NO_LIMIT

    def submit(self, function: Callable[..., Any], folder: Path, *others: Any) -> Future[Any]:
        """Have a worker call `function(folder, *others)`, alone in that folder."""
        try:
            return self.pool.submit(run_task, self.session, function, folder, *others)
        except Exception as error:
            raise self._in_words(error) from error

    def result(self, future: Future[Any]) -> Any:
        """What a worker has given back.

        Raises:
            OutOfTime: If workers were lost, again and again.
            InputError: If the block cannot be used.
        """
        try:
            return future.result()
        except (LimlffError, OSError, MemoryError):  # each is a line for the user
            raise
        except Exception as error:
            raise self._in_words(error) from error

    def run(
        self,
        function: Callable[..., Any],
        tasks: Sequence[tuple[Any, ...]],
        listen: Callable[..., None],
    ) -> None:
        """Call `function(*task, tell)` for all tasks; the first argument of each is its folder."""
        waiting = {self.submit(told_by, task[0], function, *task[1:]) for task in tasks}
        while waiting:
            # with a limit, since a signal that another thread got waits for this one to wake
            done, waiting = wait(waiting, _WAKE_SECONDS, FIRST_COMPLETED)
            for future in done:
                for content in self.result(future):
                    listen(*content)
            self.limit.check()

    def label(
        self, frame: Frame, labeller: Labeller, folder: Path, safer: bool, stop: threading.Event
    ) -> Label | LabelFailure:
        """As `label_frame`, on a worker."""
        future = self.submit(_label_in, folder, frame, labeller, safer)
        while not wait([future], _WAKE_SECONDS).done:
            if stop.is_set():
                raise OutOfTime("stopped within a calculation, which begins again")
        found: Label | LabelFailure = self.result(future)
        return found

    def _in_words(self, error: Exception) -> Exception:
        """An error of Parsl's as one for the user; others, which are mistakes, as they are."""
        from parsl.errors import ParslError
        from parsl.executors.high_throughput.errors import ManagerLost, VersionMismatch, WorkerLost
        from parsl.jobs.errors import TooManyJobFailuresError

        reason = shown(" ".join(str(error).split()), _LONGEST_REASON)
        if isinstance(error, ManagerLost | WorkerLost):
            return OutOfTime(f"block {self.name}: {reason}; what was computed is kept")
        its_own = (ParslError, TooManyJobFailuresError, VersionMismatch, ImportError)
        if isinstance(error, its_own):
            return InputError(
                f"block {self.name} of the site cannot be used: {reason}; correct it, which "
                "limlff learn --test-site tries"
            )
        return error


def _label_in(folder: Path, frame: Frame, labeller: Labeller, safer: bool) -> Label | LabelFailure:
    return label_frame(frame, labeller, folder, safer)


@contextmanager
def worker_blocks(
    site: Site, campaign: Path, limit: TimeLimit = NO_LIMIT
) -> Iterator[dict[str, WorkerBlock]]:
    """Start the blocks of a site that have workers; at the end these end, too.

    Args:
        site: The site.
        campaign: Folder in which tasks have theirs, and which all workers see.
        limit: When tasks are no longer waited for.

    Raises:
        InputError: If Parsl does not take a setting.
    """
    names = list(site.on_workers())
    if not names:
        yield {}
        return
    from parsl.concurrent import ParslPoolExecutor
    from parsl.dataflow.dflow import DataFlowKernel
    from parsl.log_utils import set_file_logger

    session = Session.begin(campaign)
    config = config_of_site(site, session)
    with ExitStack() as stack:
        stack.enter_context(warnings.catch_warnings())
        # Parsl forks to start programs, and for nothing else, which jax cannot know
        warnings.filterwarnings("ignore", r"os\.fork\(\) was called", RuntimeWarning)
        log = session.folder / "parsl.log"
        stack.callback(set_file_logger(str(log), level=logging.INFO))
        kernel = DataFlowKernel(config)
        stack.callback(kernel.cleanup)
        stack.enter_context(session.shown())
        pools = {name: ParslPoolExecutor(dfk=kernel, executors=[name]) for name in names}
        yield {name: WorkerBlock(name, pool, session, limit) for name, pool in pools.items()}
