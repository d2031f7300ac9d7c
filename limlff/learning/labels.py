"""Labels of many frames: each calculated once, checked, retried once, and kept in the ledger.

What cannot be used is kept apart with its reason. A second try, with safer settings, is a task of
its own.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, replace
from pathlib import Path

from limlff.errors import LabellingFailed
from limlff.frames.digest import frames_digest
from limlff.frames.frame import Frame
from limlff.learning.check import CheckSettings, Known, fault_of_label, fault_of_structure
from limlff.learning.executors import Executors
from limlff.learning.label_json import label_from_json, label_to_json
from limlff.learning.labeller import Labeller
from limlff.learning.labelling import RESULT, RETRIED, Failing, Label, LabelFailure
from limlff.learning.ledger import Ledger
from limlff.learning.tasks import Cost, Record, Task
from limlff.learning.time_limit import NO_LIMIT, TimeLimit

KIND = "label"
"""Of the ledger's tasks."""

FOLDER = "labels"
"""Where calculations run, in the folder of a campaign."""

_REPAIRED: tuple[Failing, ...] = ("time", "memory", "crash", "error", "implausible")
"""What may go better once the user has changed limits, environment, launcher or Python."""

ADVICE = (
    "correct python, environment, launcher, memory_gib or wall_minutes of 'labeller' in the "
    "campaign's folder and go on: what failed by them is calculated again"
)
"""What to do when too few frames get a label."""

_WAKE_SECONDS = 1.0


@dataclass(frozen=True)
class Rejected:
    """A frame without a label that can be used, and why."""

    frame: Frame
    reason: str


@dataclass(frozen=True)
class LabelledBatch:
    """What became of frames.

    Attributes:
        outcomes: Of each frame, in their order.
    """

    outcomes: list[Label | Rejected]

    @property
    def labels(self) -> list[Label]:
        """Labels that can be used."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Label)]

    @property
    def rejected(self) -> list[Rejected]:
        """Frames without such a label."""
        return [outcome for outcome in self.outcomes if isinstance(outcome, Rejected)]


@dataclass(frozen=True)
class LabelTask:
    """A frame to be labelled.

    Attributes:
        frame: The structure.
        settings: Digest of the labeller's settings.
        safer: Whether this is the second try.
    """

    frame: Frame
    settings: str
    safer: bool = False

    @property
    def task(self) -> Task:
        """The task of the ledger: the same for the same structure, wherever it came from."""
        bare = replace(self.frame, energy=None, forces=None, stress=None, core=None, group="")
        inputs = {"structure": frames_digest([bare]), "settings": self.settings}
        return Task(KIND, {**inputs, "safer": self.safer})


@dataclass(frozen=True)
class LabelQueue:
    """What labels frames, and where what comes out is kept.

    Attributes:
        labeller: Code, settings and limits.
        check: Limits of what is believed.
        ledger: Where results are kept.
        folder: Folder of the campaign.
        executors: What runs the calculations.
        tell: Told of each calculation that ends.
        limit: When it is to be left.
        max_failed_share: Share of the frames without a label above which the campaign ends.
    """

    labeller: Labeller
    check: CheckSettings
    ledger: Ledger
    folder: Path
    executors: Executors
    tell: Callable[[str], None] = lambda text: None
    limit: TimeLimit = NO_LIMIT
    max_failed_share: float = 1.0

    def label(self, frames: Sequence[Frame], known: Known | None) -> LabelledBatch:
        """Label frames; what has been labelled before is taken from the ledger.

        What failed before is not tried again, unless so much did that it ended the campaign: who
        goes on after that has repaired something.

        Args:
            frames: The structures.
            known: What labels that are right look like.

        Raises:
            LabellingFailed: If the calculator cannot be made, or none of the frames got a label.
            OutOfTime: If a signal came or the time is over.
        """
        faults = [fault_of_structure(frame, known, self.check) for frame in frames]
        sound = [frame for frame, fault in zip(frames, faults, strict=True) if fault is None]
        failed = [frame for frame in sound if self._has_failed(frame)]
        if self._are_too_many(len(frames) - len(sound) + len(failed), len(frames)):
            for frame in failed:
                self._queue_again(frame)
        _Round(self, known).run(sound)
        outcomes: list[Label | Rejected] = []
        for frame, fault in zip(frames, faults, strict=True):
            found = fault or self._outcome(frame)
            outcomes.append(found if isinstance(found, Label) else Rejected(frame, found))
        batch = LabelledBatch(outcomes)
        if batch.rejected and not batch.labels:
            raise LabellingFailed(
                f"none of {len(frames)} frames got a label that can be used, the first because "
                f"{batch.rejected[0].reason}; {ADVICE}"
            )
        return batch

    def folder_of(self, item: LabelTask) -> Path:
        """Folder of a calculation."""
        name = f"{item.task.key[:16]}{'-safer' if item.safer else ''}"
        return self.folder / FOLDER / name

    def _are_too_many(self, failed: int, of: int) -> bool:
        """Whether so many frames without a label end the campaign."""
        return failed > self.max_failed_share * of or 0 < failed == of

    def _tries(self, frame: Frame) -> list[tuple[LabelTask, Record]]:
        """What the ledger has of a frame: the first try, and the safer one."""
        items = [LabelTask(frame, self.labeller.digest, safer) for safer in (False, True)]
        found = [(item, self.ledger.get(item.task)) for item in items]
        return [(item, record) for item, record in found if record is not None]

    def _has_failed(self, frame: Frame) -> bool:
        tries = self._tries(frame)
        return bool(tries) and all(record.state == "failed" for _, record in tries)

    def _queue_again(self, frame: Frame) -> None:
        """Queue the first try that a repair may help; the safer one follows by itself."""
        for item, record in self._tries(frame):
            if _kind_of(record) in _REPAIRED:
                # labels that cannot be right are not taken once more
                (self.folder_of(item) / RESULT).unlink(missing_ok=True)
                self.ledger.retry(item.task)
                return

    def _outcome(self, frame: Frame) -> Label | str:
        """What the ledger says of a frame: its label, or why there is none."""
        reason = ""
        for _, record in self._tries(frame):
            if record.state == "done":
                return label_from_json(frame, record.result, record.cost)
            reason = record.reason
        return reason


class _Round:
    """The calculations of some frames, until the last has ended."""

    def __init__(self, queue: LabelQueue, known: Known | None) -> None:
        self._queue, self._known = queue, known
        self._stop = threading.Event()
        self._running: dict[Future[Label | LabelFailure], LabelTask] = {}

    def run(self, frames: Sequence[Frame]) -> None:
        """Calculate what has not been, and keep it."""
        try:
            for frame in frames:
                self._begin(LabelTask(frame, self._queue.labeller.digest))
            while self._running:
                # with a limit, since a signal that another thread got waits for this one to wake
                for future in wait(self._running, _WAKE_SECONDS, FIRST_COMPLETED).done:
                    item = self._running.pop(future)
                    self._keep(item, future.result())
                    self._retry(item, anew=True)
                self._queue.limit.check()
        except BaseException:
            self._give_back()
            raise

    def _give_back(self) -> None:
        """End what runs, and queue it for the next time."""
        self._stop.set()
        for future in self._running:
            future.cancel()
        wait(self._running)
        for item in self._running.values():
            self._queue.ledger.fail(item.task, "stopped together with the campaign", Cost())
            self._queue.ledger.retry(item.task)

    def _begin(self, item: LabelTask) -> None:
        """Start a calculation; one that was made, or runs for the same structure, is not."""
        ledger = self._queue.ledger
        ledger.add([item.task])
        if ledger.start(item.task):
            pool = self._queue.executors.calculations
            self._running[pool.submit(self._calculate, item)] = item
        else:
            self._retry(item)

    def _retry(self, item: LabelTask, anew: bool = False) -> None:
        """Try a frame with safer settings, if that may help.

        Args:
            item: The try that has ended.
            anew: Whether it has ended now, so that a safer one before it does not count.
        """
        record = self._queue.ledger.get(item.task)
        assert record is not None
        if record.state == "failed" and _kind_of(record) in RETRIED and not item.safer:
            safer = replace(item, safer=True)
            if anew:
                self._queue.ledger.retry(safer.task)
            self._begin(safer)

    def _calculate(self, item: LabelTask) -> Label | LabelFailure:
        folder = self._queue.folder_of(item)
        label = self._queue.executors.label
        return label(item.frame, self._queue.labeller, folder, item.safer, self._stop)

    def _keep(self, item: LabelTask, found: Label | LabelFailure) -> None:
        """Check a label, and write what came out into the ledger."""
        queue = self._queue
        if isinstance(found, Label):
            fault = fault_of_label(found, self._expected(found), self._known, queue.check)
            if fault is None:
                queue.ledger.finish(item.task, label_to_json(found), found.cost)
                queue.tell(f"labelled {len(found.frame)} atoms in {found.cost.wall_seconds:.0f} s")
                return
            found = LabelFailure("implausible", fault, found.cost)
        queue.ledger.fail(item.task, f"{found.kind}: {found.reason}", found.cost)
        queue.tell(f"no label, {found.kind}: {found.reason}")
        if found.kind == "setup":
            queue.ledger.retry(item.task)  # whoever repairs it finds it queued
            raise LabellingFailed(
                f"the calculator of the labeller cannot be used: {found.reason}; correct the "
                "settings of 'labeller', then go on"
            )

    def _expected(self, label: Label) -> tuple[str, str]:
        """Settings and code that labels of this campaign have: the code of the first."""
        first = self._queue.ledger.records(KIND, "done")[:1]
        code = first[0].result["code"] if first else label.code
        return self._queue.labeller.digest, code


def _kind_of(record: Record) -> str:
    """What failed, of a task that failed."""
    return record.reason.partition(":")[0]
