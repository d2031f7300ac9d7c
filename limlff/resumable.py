"""Work that can be resumed: signals and full disks end it with exit code 4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from numbers import Real
from pathlib import Path

from limlff.errors import NO_SPACE, InputError, OutOfTime, os_error_in_words, shown


@contextmanager
def resumable(folder: Path, how: str, kept: str) -> Iterator[None]:
    """Turn a signal or a failing disk in the block into `OutOfTime`.

    Args:
        folder: Folder of the work.
        how: The command that resumes it.
        kept: Pattern of names in the folder; where none is there yet, a signal stays a signal, and
            the work has to be started again.

    Raises:
        OutOfTime: In place of these; its message says how to resume.
    """

    def advice() -> str:
        return f"go on with: {how}" if any(folder.glob(kept)) else "start again, nothing is kept"

    try:
        yield
    except KeyboardInterrupt as interrupt:
        if not any(folder.glob(kept)):
            raise
        reason = f"interrupted by {str(interrupt) or 'SIGINT'}"
        raise OutOfTime(f"{folder}: {reason}; {advice()}") from interrupt
    except OSError as error:
        raise OutOfTime(f"{folder}: {os_error_in_words(error)}; then {advice()}") from error
    except InputError as error:
        cause = error.__cause__
        if not isinstance(cause, OSError):
            raise
        remedy = "free space" if cause.errno in NO_SPACE else "correct that"
        raise OutOfTime(f"{folder}: {error}; {remedy}, then {advice()}") from error


def checked_runtime(max_runtime_seconds: float | None) -> float | None:
    """The wall time after which a script wants work to be left (s); None without a limit.

    Raises:
        InputError: If it is no number of seconds.
    """
    if max_runtime_seconds is None:
        return None
    is_number = isinstance(max_runtime_seconds, Real) and not isinstance(max_runtime_seconds, bool)
    if not is_number or not max_runtime_seconds >= 0:
        raise InputError(
            f"max_runtime_seconds is {shown(repr(max_runtime_seconds))}; give a number of seconds "
            "from 0 on, or None for no limit"
        )
    return float(max_runtime_seconds)
