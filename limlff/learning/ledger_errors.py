"""What an error of SQLite means for who works on a campaign."""

from __future__ import annotations

import errno
import os
import sqlite3
from pathlib import Path

from limlff.errors import InputError, shown

_OF_THE_SYSTEM = {
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_BUSY: errno.EAGAIN,
    sqlite3.SQLITE_LOCKED: errno.EAGAIN,
}
"""What passes: the campaign can go on then as it is."""

_NOT_ALLOWED = (sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM, sqlite3.SQLITE_CANTOPEN)

_PRIMARY = 0xFF
"""Bits of an extended code that tell its kind."""


def error_of_user(path: Path, error: sqlite3.Error, waited_seconds: float) -> Exception:
    """The error to raise in place of one of SQLite.

    Args:
        path: The ledger.
        error: What SQLite raised.
        waited_seconds: How long it has waited for other processes (s).

    Returns:
        An `OSError` for a full or failing disk and for another process that holds the ledger, after
        which the campaign goes on as it is; an `InputError` for a file that cannot be used.
    """
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_ERROR) & _PRIMARY
    name = os.fspath(path)
    number = _OF_THE_SYSTEM.get(code)
    if number == errno.EAGAIN:
        text = f"another process has held it for {waited_seconds:g} s; wait for it or stop it"
        return OSError(number, text, name)
    if number is not None:
        return OSError(number, str(error), name)
    if code in _NOT_ALLOWED:
        advice = "correct the permissions, then go on"
    else:
        advice = "it is damaged or no ledger: restore it from a copy, or begin a new campaign"
    return InputError(f"{shown(name)}: {error}; {advice}")
