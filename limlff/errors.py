"""Errors that a user can act on, each with the exit code of the command that meets it.

A message says what was wrong, its value, the limit, and what to do, in one line.
"""

from __future__ import annotations


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
