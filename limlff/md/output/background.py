"""A thread that writes while the engine goes on.

What is handed over is done by one thread in the same order, so that what a checkpoint counts on is
on the disk before it. What waits is bounded in bytes: if the disk is slower than the engine, the
engine waits. After a failure nothing more is done, lest a file gets a gap, and whoever hands over
or waits next is told.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Condition
from typing import TypeVar

_MOST_BYTES = 32 << 20

Result = TypeVar("Result")


class BackgroundWriter:
    """Does tasks one after the other in a thread of its own.

    Args:
        most_bytes: Most that may wait or be under way. One task is let in whatever its size, once
            there is no other.
    """

    def __init__(self, most_bytes: int = _MOST_BYTES) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="limlff-output")
        self._changed = Condition()
        self._most_bytes, self._bytes = most_bytes, 0
        self._failure: BaseException | None = None

    def hand_over(self, task: Callable[[], object], size_bytes: int) -> None:
        """Have a task done later; waits while too much is waiting already.

        Args:
            task: What to do. Nothing that it reads may change from now on.
            size_bytes: Memory that it holds until it is done, at least 1.

        Raises:
            BaseException: What an earlier task has raised; this one is then not done.
        """
        with self._changed:
            self._wait_until(
                lambda: not self._bytes or self._bytes + size_bytes <= self._most_bytes
            )
            self._thread.submit(self._do, task, size_bytes)
            self._bytes += size_bytes

    def wait(self) -> None:
        """Wait until all that was handed over is done.

        Raises:
            BaseException: What a task has raised.
        """
        with self._changed:
            self._wait_until(lambda: not self._bytes)

    def ask(self, task: Callable[[], Result]) -> Result:
        """Have a task done after the others, and wait for its result.

        Raises:
            BaseException: What it, or one handed over before, has raised.
        """
        self.wait()
        return self._thread.submit(task).result()

    def close(self, last: Callable[[], None]) -> None:
        """Do what is still waiting, and a last task even after a failure; then end the thread.

        Failures of what was handed over are not raised here: call `wait` before to learn of them.
        """
        try:
            self._thread.submit(last).result()
        finally:
            self._thread.shutdown()

    def _wait_until(self, holds: Callable[[], bool]) -> None:
        """Wait for a condition or a failure, which is raised."""
        self._changed.wait_for(lambda: self._failure is not None or holds())
        if self._failure is not None:
            raise self._failure

    def _do(self, task: Callable[[], object], size_bytes: int) -> None:
        failure = self._failure
        try:
            if failure is None:
                task()
        except BaseException as error:  # the other thread's to handle, whatever it is
            failure = error
        with self._changed:
            self._failure = failure
            self._bytes -= size_bytes
            self._changed.notify_all()
