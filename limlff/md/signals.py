"""Signals that end a run between two chunks."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR1)
"""SIGUSR1 is what batch systems send some time before they kill a job."""


@contextmanager
def stop_signals() -> Iterator[Callable[[], str]]:
    """Turn signals into a wish to stop: the yielded function names what came, or is empty.

    Only the main thread of a process can do so; elsewhere signals keep their meaning.
    """
    wishes: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield lambda: ""
        return

    def note(number: int, frame: FrameType | None) -> None:
        wishes.append(number)

    before = {number: signal.signal(number, note) for number in STOP_SIGNALS}
    try:
        yield lambda: signal.Signals(wishes[0]).name if wishes else ""
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
