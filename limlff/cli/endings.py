"""How a command ends that cannot be done: one line on standard error, and an exit code."""

from __future__ import annotations

import sys
from importlib.metadata import PackageNotFoundError

from limlff.errors import InputError, LimlffError, os_error_in_words, shown
from limlff.signals import Interrupted

_SIGNAL_CODE = 128  # what shells add to the number of a signal


def tell(command: str, message: str) -> None:
    """Print one line, whatever the message holds; control characters are written out."""
    line = " ".join(f"limlff {command}: {message}".split())
    print(shown(line, len(line)), file=sys.stderr)


def ending_of(error: BaseException) -> tuple[str, int] | None:
    """The line and the exit code for an error; None for a mistake of the code."""
    if isinstance(error, LimlffError):
        return str(error), error.exit_code
    if isinstance(error, Interrupted):
        return f"interrupted by {error}", _SIGNAL_CODE + error.number
    if isinstance(error, MemoryError) or "RESOURCE_EXHAUSTED" in str(error):
        return (
            f"out of memory ({str(error)[:120] or 'no more is left'}); take fewer atoms or smaller "
            "batches, or a machine with more"
        ), InputError.exit_code
    if isinstance(error, OSError):
        return os_error_in_words(error), InputError.exit_code
    if isinstance(error, RuntimeError) and "errno = " in str(error):  # HDF5 when it closes a file
        return str(error)[:200], InputError.exit_code
    if isinstance(error, PackageNotFoundError) and error.name == "limlff":
        return "limlff is not installed; in its checkout: pip install .", InputError.exit_code
    if isinstance(error, ModuleNotFoundError) and not str(error.name).startswith("limlff"):
        package = str(error.name).partition(".")[0]
        return (
            f"the Python package '{package}' is not installed; install it: pip install {package}"
        ), InputError.exit_code
    return None
