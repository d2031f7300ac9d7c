"""A file of a run that only grows, and is cut to a checkpoint when the run is resumed."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from limlff.atomic_file import open_at_end


class AppendedFile:
    """What is written at the end of such a file, and how it gets to the disk.

    Args:
        path: The file.
        keep_bytes: Length to which an existing file is cut first; None starts a new one.
    """

    def __init__(self, path: Path, keep_bytes: int | None = None) -> None:
        self._file = open_at_end(path, keep_bytes)

    def flush(self) -> int:
        """Hand everything to the operating system; returns the length of the file (bytes)."""
        self._file.flush()
        return self._file.tell()

    def fileno(self) -> int:
        """Descriptor of the open file."""
        return self._file.fileno()

    def sync(self) -> None:
        """Wait until everything is on the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        """Close the file; all that was written was flushed before."""
        with suppress(OSError):  # a full disk has been reported by then
            self._file.close()
