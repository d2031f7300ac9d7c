"""What a worker does with a task."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from limlff.errors import OutOfTime
from limlff.learning.cluster.session import Session
from limlff.precision import own_precision


def run_task(session: Session, function: Callable[..., Any], folder: Path, *others: Any) -> Any:
    """Call `function(folder, *others)` on a worker, alone in that folder.

    Raises:
        OutOfTime: If it was stopped; what it has computed is kept.
    """
    with session.alone(folder), own_precision():
        try:
            return function(folder, *others)
        except OutOfTime as error:  # others of its kind do not survive the way to another process
            raise OutOfTime(str(error)) from None


def told_by(folder: Path, function: Callable[..., Any], *others: Any) -> list[tuple[Any, ...]]:
    """All that `function(folder, *others, tell)` tells."""
    told: list[tuple[Any, ...]] = []
    function(folder, *others, lambda *content: told.append(content))
    return told
