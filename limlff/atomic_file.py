"""Atomic writes: a file is written under a temporary name, synced, then renamed.

Nothing is ever written through a link: what a link points to may belong to somebody else.
"""

from __future__ import annotations

import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from fnmatch import fnmatch
from pathlib import Path
from typing import BinaryIO

from limlff.errors import InputError


@contextmanager
def replaced_when_whole(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder, renamed to `path` when the block succeeds.

    Args:
        path: The file to write; an existing one stays until the new one is complete. A device or a
            pipe is not replaced: the complete content is copied to it.

    Yields:
        The temporary name, with the suffixes of `path`.

    Raises:
        InputError: If the folder does not exist.
        OSError: If it cannot be written.
    """
    if not path.parent.is_dir():
        raise InputError(f"{path}: there is no folder {path.parent}; create it")
    if not can_be_replaced(path):
        with _copied_when_whole(path) as temporary:
            yield temporary
        return
    temporary = path.with_name(f".{os.getpid()}.{path.name}")
    try:
        create_empty(temporary)
        yield temporary
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    except OSError as error:
        if error.errno is not None and error.filename in (None, str(temporary)):
            error.filename = str(path)  # the name that the user knows
        raise
    finally:
        with suppress(OSError):  # of a folder that is gone; the first error is the one that counts
            temporary.unlink(missing_ok=True)


def create_empty(path: Path) -> None:
    """Create an empty file, replacing any file or link of that name.

    Raises:
        OSError: If the name is that of a folder, or the folder cannot be written to.
    """
    path.unlink(missing_ok=True)
    # who makes a file that must not be there follows no link
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666))


def open_at_end(path: Path, keep_bytes: int | None) -> BinaryIO:
    """Open a file for appending.

    Args:
        path: The file. If it is a link, or has other names, it becomes a file of its own first.
        keep_bytes: Length that the file is truncated to first (bytes); None starts a new one.

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


def write_text_whole(path: Path, text: str) -> None:
    """Write a text file (UTF-8), completely or not at all.

    Raises:
        InputError: If the folder does not exist.
        OSError: If it cannot be written.
    """
    with replaced_when_whole(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def can_be_replaced(path: Path) -> bool:
    """Whether a name is free or that of a file; not that of a device, a pipe or an open file."""
    if path.is_relative_to("/dev") and not path.is_relative_to("/dev/shm"):
        return False
    return not path.exists() or path.is_file() or path.is_dir()


def remove_leftovers(folder: Path, patterns: Sequence[str]) -> None:
    """Remove temporary files of processes that were killed.

    Args:
        folder: Where.
        patterns: Glob patterns of the final names of the files.
    """
    for path in folder.glob(".*"):
        parts = re.fullmatch(r"\.(\d{1,9})\.(.+)", path.name)
        is_one = parts and any(fnmatch(parts[2], pattern) for pattern in patterns)
        if parts and is_one and not _is_alive(int(parts[1])):
            with suppress(OSError):
                path.unlink()


def _is_alive(process: int) -> bool:
    if os.name == "nt":  # where signal 0 is Ctrl-C
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


@contextmanager
def _copied_when_whole(path: Path) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        temporary = Path(folder) / path.name
        yield temporary
        with temporary.open("rb") as content, path.open("ab") as target:
            shutil.copyfileobj(content, target)
