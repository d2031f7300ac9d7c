"""A lock on the folder of a run, a training or a study, so that no two write there.

The operating system releases the lock when its process ends, however it ends, so that a file left
by a dead process is simply taken over. Its content, process and host, is only used in messages.
"""

from __future__ import annotations

import errno
import json
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limlff.errors import InputError
from limlff.file_lock import is_locked_alone, lock_alone
from limlff.strict_json import parse_json

LOCK = "run.lock"

# no link is followed and no pipe waited for; Windows has neither flag
_FLAGS = os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
_MOST_BYTES = 4096


@contextmanager
def locked(folder: Path) -> Iterator[str | None]:
    """Lock the folder, which is created if missing.

    Args:
        folder: The folder.

    Yields:
        The holder that died without releasing it, as "process 12 on host"; None without one.

    Raises:
        InputError: If the folder cannot be made or written to, another process holds it, its
            file system has no locks, or a file of another kind has the name of the lock.
    """
    descriptor = _open(folder)
    try:
        before = _take(descriptor, folder)
        _write(descriptor, {"pid": os.getpid(), "host": socket.gethostname()}, folder)
        try:
            yield before
        finally:
            os.ftruncate(descriptor, 0)
    finally:
        os.close(descriptor)


def holder_of(folder: Path) -> str | None:
    """The process that has locked a folder, as "process 12 on host"; None if none has."""
    try:
        descriptor = os.open(folder / LOCK, os.O_RDONLY | _FLAGS & ~(os.O_RDWR | os.O_CREAT))
    except OSError:
        return None
    try:
        holder = _holder(_content(descriptor))
        return holder if holder is not None and is_locked_alone(descriptor) else None
    finally:
        os.close(descriptor)


def _open(folder: Path) -> int:
    """Open the lock file, which is created with its folder if missing."""
    if os.path.exists(folder) and not os.path.isdir(folder):
        raise InputError(f"{folder}: is a file; name a folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return os.open(folder / LOCK, _FLAGS, 0o644)
    except OSError as error:
        if error.errno == errno.ELOOP:
            raise _not_a_lock(folder) from error
        raise InputError(
            f"{folder}: cannot be written to: {error.strerror}; correct its permissions or choose "
            "another folder"
        ) from error


def _take(descriptor: int, folder: Path) -> str | None:
    """Lock the open file; returns the holder that died without releasing it."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1 or status.st_size > _MOST_BYTES:
        raise _not_a_lock(folder)
    content = _content(descriptor)
    holder = _holder(content)
    if content.strip(b"\0") and holder is None:
        raise _not_a_lock(folder)
    try:
        lock_alone(descriptor)
    except (BlockingIOError, PermissionError) as error:
        raise InputError(
            f"{folder}: is in use by {holder or 'another process'}; wait for it, stop it, or "
            "choose another folder"
        ) from error
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be locked: {error.strerror}; choose a folder on a file system that "
            "knows locks, such as a local disk"
        ) from error
    return _holder(_content(descriptor))


def _not_a_lock(folder: Path) -> InputError:
    return InputError(
        f"{folder / LOCK}: is a link or another file, not a lock of limlff, and would be "
        "overwritten; move it away"
    )


def _content(descriptor: int) -> bytes:
    os.lseek(descriptor, 0, os.SEEK_SET)
    return os.read(descriptor, _MOST_BYTES)


def _holder(content: bytes) -> str | None:
    try:
        holder = parse_json(content)
        return f"process {int(holder['pid'])} on {holder['host']}"
    except (ValueError, KeyError, TypeError):
        return None


def _write(descriptor: int, holder: dict[str, int | str], folder: Path) -> None:
    try:
        os.ftruncate(descriptor, 0)
        os.lseek(descriptor, 0, os.SEEK_SET)
        os.write(descriptor, json.dumps(holder).encode())
    except OSError as error:
        raise InputError(f"{folder}: cannot be written to: {error.strerror}; free space") from error
