"""Work that can be resumed: signals and full disks end it with exit code 4."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limlff.errors import NO_SPACE, InputError, OutOfTime, os_error_in_words


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
