"""Files that are either whole or not there: written beside the place, synced, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

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
    try:
        yield temporary
        with open(temporary, "rb+") as handle:
            os.fsync(handle.fileno())
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
