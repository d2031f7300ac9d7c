"""What all steps of a campaign share: settings, folder, ledger, and doing each task once."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from limlff.errors import InputError, LimlffError, OutOfTime
from limlff.learning.campaign import Campaign
from limlff.learning.executors import Executors
from limlff.learning.ledger import Ledger
from limlff.learning.tasks import Cost, Task
from limlff.learning.time_limit import NO_LIMIT, TimeLimit

Result = dict[str, Any]
"""What came out of a task, in values that JSON can hold."""


@dataclass(frozen=True)
class Work:
    """A campaign under way.

    Attributes:
        campaign: Its settings.
        folder: Its folder, with its whole path.
        ledger: What is done.
        executors: What runs its tasks.
        tell: Told what happens, a line each.
        limit: When it is to be left.
    """

    campaign: Campaign
    folder: Path
    ledger: Ledger
    executors: Executors
    tell: Callable[[str], None]
    limit: TimeLimit = NO_LIMIT

    def folder_of(self, iteration: int) -> Path:
        """Folder of an iteration, made if missing."""
        folder = self.folder / f"iteration-{iteration:03d}"
        folder.mkdir(exist_ok=True)
        return folder

    def once(
        self,
        task: Task,
        do: Callable[[], tuple[Result, Cost]],
        place: Path | None = None,
        is_there: Callable[[Result], bool] = lambda result: True,
    ) -> Result:
        """The result of a task: from the ledger, or by doing it.

        Args:
            task: The task.
            do: Does it; gives its result and what it took. If it is left by `OutOfTime` or killed,
                it is done again, and goes on from what it keeps itself.
            place: Where its files are.
            is_there: Whether the files of its result are, and are whole.
        """
        known = self.begin(task, is_there)
        if known is not None:
            return known
        begin = time.monotonic()
        try:
            result, cost = do()
        except OutOfTime:
            raise
        except LimlffError as error:
            self.ledger.fail(task, str(error), Cost(0.0, time.monotonic() - begin))
            raise
        where = "" if place is None else str(place.relative_to(self.folder))
        self.ledger.finish(task, result, cost, where)
        return result

    def begin(
        self, task: Task, is_there: Callable[[Result], bool] = lambda result: True
    ) -> Result | None:
        """The result of a task that is done; otherwise it is begun, failed ones anew.

        Args:
            task: The task.
            is_there: Whether the files of its result are, and are whole; else it is done again.

        Raises:
            InputError: If it is under way already.
            OutOfTime: If it would have to begin and the time is over.
        """
        self.ledger.add([task])
        record = self.ledger.get(task)
        assert record is not None
        if record.state == "done":
            if is_there(record.result):
                return record.result
            what = f"{task.kind} {task.key[:12]}"
            self.tell(f"done again, since its files are missing or damaged: {what}")
            self.ledger.redo(task, "its files were missing or damaged")
        self.limit.check()
        self.ledger.retry(task)
        if not self.ledger.start(task):
            raise InputError(
                f"{self.ledger.path}: the task {task.kind} {task.key[:12]} is under way; only one "
                "process may work on a campaign"
            )
        return None


def measured(do: Callable[[], Result]) -> tuple[Result, Cost]:
    """What a function gives, and what it took in this process."""
    begin, cores = time.monotonic(), time.process_time()
    result = do()
    return result, Cost(time.process_time() - cores, time.monotonic() - begin)
