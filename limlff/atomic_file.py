"""Files that are either whole or not there: written beside the place, synced, then renamed.

Nothing is ever written through a link: what a link points to belongs to somebody else.
"""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from limlff.errors import InputError


@contextmanager
def replaced_when_whole(path: Path) -> Iterator[Path]:
    """Give a name in the same folder to write to, which becomes `path` when all went well.

    Args:
        path: The file to be; one that is there stays until the new one is whole.

    Yields:
        The temporary name, with the suffixes of `path`.

    Raises:
        InputError: If the folder does not exist.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; create it")
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    create_empty(temporary)
    try:
        yield temporary
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def create_empty(path: Path) -> None:
    """Make a new, empty file in place of whatever has the name, be it a link.

    Raises:
        OSError: If the name is that of a folder, or the folder cannot be written to.
    """
    path.unlink(missing_ok=True)
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    os.close(os.open(path, flags, 0o666))


def open_at_end(path: Path, keep_bytes: int | None) -> BinaryIO:
    """Open a file that grows.

    Args:
        path: The file. If it is a link, or has other names, it becomes a file of its own first.
        keep_bytes: Length to which the file is cut first; None starts a new one.

    Raises:
        OSError: If it cannot be written to.
    """
    if keep_bytes is None:
        create_empty(path)
    else:
        status = path.lstat()
        if stat.S_ISLNK(status.st_mode) or status.st_nlink > 1:
            with replaced_when_whole(path) as temporary:
                shutil.copyfile(path, temporary)
    file = path.open("r+b")
    file.truncate(keep_bytes or 0)
    file.seek(keep_bytes or 0)
    return file


def is_temporary_of(name: str, of: str) -> bool:
    """Whether a file name is what `replaced_when_whole` left of a file when its process died."""
    process, _, rest = name.removeprefix(".").partition(".")
    return name.startswith(".") and process.isdigit() and rest == of
