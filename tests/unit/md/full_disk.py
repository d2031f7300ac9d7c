"""A disk without space, and how long threads that write to it may take."""

from __future__ import annotations

import errno

SOON = 20.0  # seconds within which a thread must have come to something


def no_space(*arguments):
    raise OSError(errno.ENOSPC, "No space left on device")
