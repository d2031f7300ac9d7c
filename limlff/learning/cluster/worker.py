"""What a worker does with a task: alone, and only as long as somebody waits for it."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from limlff.errors import OutOfTime
from limlff.learning.cluster.session import Session
from limlff.precision import own_precision

_LOOK_SECONDS = 1.0
_STOP_SECONDS = 60.0
"""Time that a task has for its checkpoint when it is to stop (s)."""


def run_task(session: Session, function: Callable[..., Any], folder: Path, *others: Any) -> Any:
    """Call `function(folder, *others)` on a worker.

    Raises:
        OutOfTime: If it was stopped; what it has computed is kept.
    """
    with _stopped_with(session), session.alone(folder), own_precision():
        try:
            return function(folder, *others)
        except OutOfTime as error:  # others of its kind do not survive the way to another process
            raise OutOfTime(str(error)) from None


def told_by(folder: Path, function: Callable[..., Any], *others: Any) -> list[tuple[Any, ...]]:
    """All that `function(folder, *others, tell)` tells."""
    told: list[tuple[Any, ...]] = []
    function(folder, *others, lambda *content: told.append(content))
    return told


@contextmanager
def _stopped_with(session: Session) -> Iterator[None]:
    """Stop what runs in the block when its session ends: by a signal, then for good."""
    done = threading.Event()

    def watch() -> None:
        while session.goes_on():
            if done.wait(_LOOK_SECONDS):
                return
        os.kill(os.getpid(), signal.SIGTERM)
        if not done.wait(_STOP_SECONDS):
            os._exit(1)

    threading.Thread(target=watch, daemon=True, name="limlff-session").start()
    try:
        yield
    finally:
        done.set()
