"""Progress of long computations: a bar on a terminal, occasional lines in a file or pipe."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType

from tqdm import tqdm

LINE_SECONDS = 60.0
"""Longest time between two lines in a file (s)."""


class Progress:
    """Shows how much of a total is done, on standard error.

    Args:
        total: All that is to be done.
        done: What was done before, if this goes on with something.
        units: Name of the unit.
        shown: Whether anything is shown.

    Attributes:
        shown: Whether anything is shown.
    """

    def __init__(self, total: int, done: int = 0, units: str = "steps", shown: bool = True) -> None:
        self._total, self._units = total, units
        self.shown = shown
        self._done = done
        self._last_line = time.monotonic()
        self._measured_from: tuple[float, int] | None = None
        self._bar = None
        if shown and sys.stderr.isatty():
            self._bar = tqdm(
                total=total,
                initial=done,
                unit=f" {units}",
                file=sys.stderr,
                mininterval=0.5,
                smoothing=0.1,
            )

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._bar is not None:
            self._bar.close()

    @property
    def is_bar(self) -> bool:
        """Whether a bar is shown, beside which there is room for lines."""
        return self._bar is not None

    def expect(self, total: int) -> None:
        """Correct the total, where it is known only on the way.

        Args:
            total: All that is to be done.
        """
        self._total = total
        if self._bar is not None:
            self._bar.total = total

    def advance_to(self, done: int, note: Callable[[], str] = lambda: "") -> None:
        """Show that so much is done.

        Args:
            done: Of the total.
            note: What else to say; asked only when it is shown.
        """
        before, self._done = self._done, done
        if self._bar is not None:
            self._bar.set_postfix_str(note(), refresh=False)
            self._bar.update(done - before)
        elif self.shown and done > before:
            if self._line_is_due(before, done):
                self._write_line(note())
            if self._measured_from is None:
                self._measured_from = time.monotonic(), done

    def say(self, text: str) -> None:
        """Print a line of its own on standard output."""
        if self._bar is not None:
            self._bar.write(text)
        elif self.shown:
            print(text, flush=True)

    def _line_is_due(self, before: int, done: int) -> bool:
        another_tenth = 10 * done // self._total > 10 * before // self._total
        return another_tenth or time.monotonic() - self._last_line > LINE_SECONDS

    def _write_line(self, note: str) -> None:
        now, done, total = time.monotonic(), self._done, self._total
        self._last_line = now
        words = [f"{done} of {total} {self._units} ({100 * done // total} %)"]
        if done < total and self._measured_from is not None:  # not of the first, which compiles
            since, then = self._measured_from
            words.append(f"{duration((now - since) * (total - done) / (done - then))} left")
            self._measured_from = now, done
        print(", ".join([*words, *([note] if note else [])]), file=sys.stderr, flush=True)


def duration(seconds: float) -> str:
    """A duration in the unit that suits it."""
    for unit, length in (("days", 86400.0), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 2 * length:
            return f"{seconds / length:.1f} {unit}"
    return f"{seconds:.0f} s"
