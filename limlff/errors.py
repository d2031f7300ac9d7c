"""Errors that a user can act on, each with the exit code of the command that meets it.

A message says what was wrong, its value, the limit, and what to do, in one line.
"""

from __future__ import annotations

import errno
import os

LONGEST_SHOWN = 80
"""Characters of a value that a message shows."""

_LONGEST_SHOWN_PATH = 240
"""The same of a path, the end of which matters most."""

NO_SPACE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
"""What the system says of a full disk, a quota and a limit on the size of files."""

_NOT_ALLOWED = (errno.EACCES, errno.EPERM, errno.EROFS)


class LimlffError(Exception):
    """Base of all errors that end a command with one line instead of a traceback."""

    exit_code = 1


class InputError(LimlffError, ValueError):
    """A file, a setting or a structure that cannot be used as it is (exit code 2)."""

    exit_code = 2


class GuardStop(LimlffError):
    """A run left what can be trusted and was stopped; a checkpoint lies beside it (exit code 3)."""

    exit_code = 3


class OutOfTime(LimlffError):
    """A run reached its time limit or a signal; it can be resumed (exit code 4)."""

    exit_code = 4


class LabellingFailed(LimlffError):
    """A DFT calculation gave no usable label (exit code 5)."""

    exit_code = 5


def shown(value: object, limit: int = LONGEST_SHOWN) -> str:
    """A value for a message: on one line, without control characters, its middle cut if long.

    Args:
        value: Text or a path, shown as it is; anything else, shown as Python writes it.
        limit: Most characters.
    """
    if isinstance(value, os.PathLike):
        value, limit = os.fspath(value), max(limit, _LONGEST_SHOWN_PATH)
    text = value if isinstance(value, str) else repr(value)
    if len(text) > 2 * limit:  # before characters are looked at one by one
        text = f"{text[:limit]}{text[-limit:]}"
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if len(text) <= limit:
        return text
    end = (limit - 3) // 3
    return f"{text[: limit - 3 - end]}...{text[-end:]}"


def os_error_in_words(error: OSError) -> str:
    """Which file, what was wrong, and what to do, in one line."""
    reason = error.strerror or " ".join(str(error).split())[:200]
    if error.errno in NO_SPACE or "No space left" in reason:
        reason += "; free space, or write elsewhere"
    elif error.errno in _NOT_ALLOWED:
        reason += "; correct the permissions, or write elsewhere"
    return f"{error.filename}: {reason}" if error.filename else reason
