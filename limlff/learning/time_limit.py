"""The moment at which a campaign is to be left."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from limlff.errors import OutOfTime


@dataclass(frozen=True)
class TimeLimit:
    """A limit that a process of any machine can keep, by the time of day.

    Attributes:
        seconds: Time from the start of the command (s); None without a limit.
        end: When it is over, in seconds since 1970.
    """

    seconds: float | None = None
    end: float = 0.0

    @classmethod
    def from_now(cls, seconds: float | None) -> TimeLimit:
        """A limit that begins now."""
        return cls(seconds, time.time() + (seconds or 0.0))

    @property
    def left(self) -> float | None:
        """Time that is left (s), at least 0; None without a limit."""
        return None if self.seconds is None else max(0.0, self.end - time.time())

    @property
    def is_over(self) -> bool:
        """Whether no time is left."""
        return self.left == 0.0

    def check(self) -> None:
        """Raise if the time is over.

        Raises:
            OutOfTime: If so.
        """
        if self.is_over:
            raise OutOfTime(f"the time limit of {self.seconds:g} s is over")


NO_LIMIT = TimeLimit()


_HOW = re.compile(r"[;,]?( then)? go on with\b.*$")
"""How the task that was left could be gone on with alone."""


@contextmanager
def left_at(limit: TimeLimit, folder: Path) -> Iterator[None]:
    """Say of the campaign, and not of the task that was left, how to go on."""
    try:
        yield
    except OutOfTime as error:
        why = _HOW.sub("", str(error))
        if limit.is_over:
            why = f"the time limit of {limit.seconds:g} s is over"
        raise OutOfTime(f"{folder}: {why}; go on with: limlff resume {folder}") from error
