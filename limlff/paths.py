"""Paths as users write them: one place that knows `~`, and what is a file that can be read."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from limlff.errors import InputError, shown

_LONGEST_NAME = 255
"""Bytes of a file's name, on every file system in use."""

_LONGEST_PATH = 4095
"""Bytes of a whole path on Linux."""

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def user_path(path: str | os.PathLike[str]) -> Path:
    """A path with `~` and `~name` at its beginning replaced by home folders.

    Every path that comes from outside (arguments, YAML files, environment variables, Python) goes
    through here. A file that is itself called `~` is reached by `./~`.

    Args:
        path: As it was written.

    Raises:
        InputError: If it is empty, holds a NUL, is too long for any file system, or names the home
            folder of a user who does not exist.
    """
    text = os.fspath(path)
    if not text:
        raise InputError("a path is empty; name a file or a folder")
    if "\0" in text:
        raise InputError(f"{shown(text)}: holds a NUL character, which no path can; remove it")
    try:
        expanded = Path(text).expanduser()
    except RuntimeError as error:
        name = Path(text).parts[0]
        raise InputError(
            f"{shown(text)}: there is no home folder for {shown(name)}; write the whole path, or "
            f"./{shown(name)} for a file of that name"
        ) from error
    longest = max((len(os.fsencode(part)) for part in expanded.parts), default=0)
    if longest > _LONGEST_NAME or len(os.fsencode(expanded)) > _LONGEST_PATH:
        raise InputError(
            f"{shown(text)}: is too long for a path; the limits are {_LONGEST_NAME} bytes for a "
            f"name and {_LONGEST_PATH} for all of it"
        )
    return expanded


def open_regular_file(path: Path) -> int:
    """A descriptor of a file to read from; what is no file is not waited for.

    Raises:
        OSError: If it is missing, cannot be read, or is a folder, pipe, socket or device.
    """
    # Windows has no pipes among its files, but lines that are ended in two ways
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    descriptor = os.open(path, flags)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise OSError(errno.EINVAL, "is no regular file")
    return descriptor


def check_is_file(path: Path, problem: str = "cannot be read") -> None:
    """Refuse what cannot be read as a file, or would be waited for without end.

    Args:
        path: A path from `user_path`.
        problem: What a message says of it before the reason.

    Raises:
        InputError: If it is missing, not reachable, or a folder, pipe, socket or device.
    """
    try:
        kind = stat.S_IFMT(path.stat().st_mode)
    except OSError as error:
        raise InputError(f"{shown(path)}: {problem}: {error.strerror}") from error
    if kind != stat.S_IFREG:
        what = _KINDS.get(kind, "no regular file")
        raise InputError(f"{shown(path)}: {problem}: it is {what}; name a file")
