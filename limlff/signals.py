"""Signals that ask a program to stop.

Where results can be kept, `stop_signals` records them, and the code stops at its next opportunity.
Everywhere else in a command `interruptible` turns them into an exception. While a program is
stopping, further signals are ignored.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGTERM", "SIGINT", "SIGHUP", "SIGUSR1", "SIGUSR2", "SIGXCPU")
STOP_SIGNALS = tuple(getattr(signal, name) for name in _NAMES if hasattr(signal, name))
"""A closed terminal sends SIGHUP; batch systems send SIGUSR1, SIGUSR2 or SIGXCPU some time before
they kill a job."""

Handler = Callable[[int, FrameType | None], None]

_REPEAT_SECONDS = 0.02

_heard: list[int] = []  # signals since the outermost block was entered
_open_blocks = 0
_is_stopping = False  # since the outermost block was entered, a signal is being handled
_is_ending = False


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
    """Record signals: the yielded function returns the name of the first one, or "".

    Only the main thread of a process can do so; in others signals keep their effect.
    """
    wishes: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        wishes.append(number)
        _heard.append(number)
        ignore_further_signals()

    with _handled_by(note):
        yield lambda: signal.Signals(wishes[0]).name if wishes else ""


@contextmanager
def interruptible() -> Iterator[Callable[[], int | None]]:
    """Raise `Interrupted` at a signal, unless an earlier one is being handled.

    Yields:
        A function that tells which signal came first, if any; code that catches all exceptions may
        have made another one of it.
    """

    def interrupt(number: int, frame: FrameType | None) -> None:
        _heard.append(number)
        if _is_stopping or _is_being_handled(sys.exc_info()[1]):
            return
        if _is_importing(frame) and not starts_in_an_import:
            repeat(number)
        else:
            raise Interrupted(number)

    def repeat(number: int) -> None:
        """Send a signal again that came when an exception would have done harm or got lost."""
        repeats.append(threading.Timer(_REPEAT_SECONDS, os.kill, (os.getpid(), number)))
        repeats[-1].start()

    def hook(unraisable: sys.UnraisableHookArgs) -> None:
        """An exception in a callback of the interpreter has no caller to go to."""
        if isinstance(unraisable.exc_value, Interrupted):
            repeat(unraisable.exc_value.number)
        else:
            others_hook(unraisable)

    starts_in_an_import = _is_importing(sys._getframe())
    repeats: list[threading.Timer] = []
    others_hook, sys.unraisablehook = sys.unraisablehook, hook
    try:
        with _handled_by(interrupt):
            yield lambda: _heard[0] if _heard else None
    finally:
        sys.unraisablehook = others_hook
        for timer in repeats:
            timer.cancel()


def _is_being_handled(error: BaseException | None) -> bool:
    """Whether an exception is, or comes from, that of an earlier signal."""
    while error is not None and not isinstance(error, Interrupted):
        error = error.__context__
    return error is not None


def _is_importing(frame: FrameType | None) -> bool:
    """Whether a module is being imported; compiled ones do not always survive an exception."""
    while frame is not None and not frame.f_code.co_filename.startswith("<frozen importlib"):
        frame = frame.f_back
    return frame is not None


def ignore_further_signals() -> None:
    """Make open blocks ignore further signals, because the program is stopping."""
    global _is_stopping
    _is_stopping = True


def ignore_signals() -> None:
    """Ignore all signals from now on, also after open blocks end; for the end of a process."""
    global _is_ending
    _is_ending = True
    for number in STOP_SIGNALS:
        signal.signal(number, signal.SIG_IGN)


@contextmanager
def _handled_by(handler: Handler) -> Iterator[None]:
    global _open_blocks, _is_stopping
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    if not _open_blocks:
        _heard.clear()
        _is_stopping = False
    _open_blocks += 1
    before = {
        number: signal.signal(number, handler) for number in STOP_SIGNALS if not _is_ignored(number)
    }
    try:
        yield
    finally:
        for number, old in before.items() if not _is_ending else ():
            signal.signal(number, signal.SIG_DFL if old is None else old)
        _open_blocks -= 1


def _is_ignored(number: int) -> bool:
    """Whether a signal stays ignored: SIGHUP under nohup.

    Not so SIGINT, which shells ignore for what they start in the background: who sends it to a
    process by its number wants it to stop.
    """
    is_hangup = number == getattr(signal, "SIGHUP", None)
    return is_hangup and signal.getsignal(number) is signal.SIG_IGN
