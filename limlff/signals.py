"""Signals that ask a program to stop.

Where something can be kept, `stop_signals` notes them, and the code leaves at its next good moment.
Everywhere else in a command `interruptible` makes the first of them an exception. What is stopping
already is not stopped once more: further signals are ignored.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
STOP_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""A closed terminal sends SIGHUP; batch systems send SIGUSR1, SIGUSR2 or SIGXCPU some time before
they kill a job."""

Handler = Callable[[int, FrameType | None], None]

_heard: list[int] = []  # signals since the outermost block was entered
_open_blocks = 0


class Interrupted(KeyboardInterrupt):
    """A signal came.

    Attributes:
        number: Which.
    """

    def __init__(self, number: int) -> None:
        super().__init__(signal.Signals(number).name)
        self.number = number


@contextmanager
def stop_signals() -> Iterator[Callable[[], str]]:
    """Turn signals into a wish to stop: the yielded function names what came, or is empty.

    Only the main thread of a process can do so; elsewhere signals keep their meaning.
    """
    wishes: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        wishes.append(number)
        _heard.append(number)

    with _handled_by(note):
        yield lambda: signal.Signals(wishes[0]).name if wishes else ""


@contextmanager
def interruptible() -> Iterator[Callable[[], int | None]]:
    """Raise `Interrupted` at the first signal and ignore all that follow.

    Yields:
        A function that tells which signal came first, if any; code that catches all exceptions may
        have made another one of it.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        _heard.append(number)
        if len(_heard) == 1:
            raise Interrupted(number)

    with _handled_by(interrupt):
        yield lambda: _heard[0] if _heard else None


def ignore_signals() -> None:
    """Ignore signals from now on, for the last moments of a process."""
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    global _open_blocks
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _open_blocks:
        _heard.clear()
    _open_blocks += 1
    before = {
        number: signal.signal(number, handler) for number in STOP_SIGNALS if not _is_ignored(number)
    }
    try:
        yield
    finally:
        for number, old in before.items():
            signal.signal(number, signal.SIG_DFL if old is None else old)
        _open_blocks -= 1


def _is_ignored(number: int) -> bool:
    """Whether a signal stays ignored: SIGHUP under nohup.

    Not so SIGINT, which shells ignore for what they start in the background: who sends it to a
    process by its number wants it to stop.
    """
    is_hangup = number == getattr(signal, "SIGHUP", None)
    return is_hangup and signal.getsignal(number) is signal.SIG_IGN
