"""Advisory locks on open files; the operating system releases them when the process ends.

They protect against other processes that ask for them, not against those that just write.
"""

from __future__ import annotations

import os

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

_LOCKED_BYTE = 1 << 30
"""Windows locks bytes, also against readers: one beyond what any file holds that is locked."""


def lock_alone(descriptor: int) -> None:
    """Take an exclusive lock on an open file, or fail at once.

    Raises:
        OSError: If another process holds it, a `BlockingIOError` where the system tells that from
            a file system that knows no locks.
    """
    if fcntl is not None:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return
    import msvcrt

    os.lseek(descriptor, _LOCKED_BYTE, os.SEEK_SET)
    msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)


def is_locked_alone(descriptor: int) -> bool:
    """Whether another process holds an exclusive lock; False where that cannot be determined."""
    if fcntl is None:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:  # a file system without locks
        return False
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    return False
