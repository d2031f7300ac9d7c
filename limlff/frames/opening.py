"""Files opened with limits: plain or compressed text that can neither hang nor fill the memory.

A compressed file of some megabytes can unpack to terabytes, a pipe can wait for ever, and a line
without end fills the memory; each is refused as soon as it is seen.
"""

from __future__ import annotations

import bz2
import codecs
import gzip
import io
import lzma
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from limlff.errors import InputError, shown
from limlff.paths import check_is_file, user_path

LONGEST_LINE = 1 << 20
"""Characters of a line; a comment line of labels has some hundred."""
LARGEST_EXPANSION = 50
"""Largest ratio of compression; files of DFT frames have 3 to 10."""
_FREE_SIZE = 1 << 24  # bytes that any compressed file may unpack to
_CHUNK = 1 << 16
_OPENERS: dict[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
COMPRESSED = frozenset(_OPENERS)
"""Suffixes of compressed files."""


def require_file(path: Path, problem: str = "cannot be read") -> None:
    """Refuse a path that is no ordinary file, before anything waits for its content.

    Args:
        path: The file.
        problem: What a message says of it if it is there, or cannot be reached.

    Raises:
        InputError: If it is missing, cannot be a path, or is a folder, pipe, device or socket.
    """
    path = user_path(path)
    if not os.path.lexists(path):
        raise InputError(f"{shown(path)}: {problem}: there is no such file; check the name")
    check_is_file(path, problem)
    if not path.stat().st_size:
        raise InputError(f"{shown(path)}: is empty; give a file with at least one frame")


def require_place(path: Path) -> None:
    """Refuse a path at which there is neither an ordinary file nor a folder.

    Raises:
        InputError: If so.
    """
    if not user_path(path).is_dir():
        require_file(path)


def frame_of(path: Path, index: int) -> str:
    """File and number of a frame, for messages."""
    return f"{shown(path.name)}, frame {index}"


class _Bounded(io.RawIOBase):
    """Unpacked bytes, refused when they become far more than what they were unpacked from."""

    def __init__(self, unpacked: BinaryIO, packed: BinaryIO, path: Path) -> None:
        self._unpacked, self._packed, self._path = unpacked, packed, path
        self._read = 0

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a buffer; see `io.RawIOBase`."""
        content = self._unpacked.read(len(buffer))
        self._read += len(content)
        if self._read > _FREE_SIZE + LARGEST_EXPANSION * self._packed.tell():
            raise InputError(
                f"{shown(self._path)}: unpacks to more than {LARGEST_EXPANSION} times its size; "
                "unpack it yourself if that is meant"
            )
        buffer[: len(content)] = content
        return len(content)

    def close(self) -> None:
        """Close both files."""
        self._unpacked.close()
        self._packed.close()
        super().close()


def open_bytes(path: Path) -> BinaryIO:
    """Open a file for reading, unpacked if its suffix is .gz, .xz or .bz2.

    Raises:
        InputError: If it is no ordinary file, or unpacks to too many bytes.
        OSError: If it cannot be opened.
    """
    require_file(path)
    if path.suffix.lower() not in COMPRESSED:
        return open(path, "rb")
    # Unpacked once for nothing but its size, so that none of it is understood before all is known
    # to be there and not too much; that takes little beside the understanding.
    with _open_packed(path) as file:
        while file.read(_CHUNK):
            pass
    return _open_packed(path)


def _open_packed(path: Path) -> BinaryIO:
    packed = open(path, "rb")  # noqa: SIM115 (closed by whoever closes what is returned)
    unpacked = _OPENERS[path.suffix.lower()](packed, "rb")
    return io.BufferedReader(_Bounded(unpacked, packed, path), _CHUNK)


def open_text(path: Path) -> TextIO:
    """Open a text file, which may be compressed; a byte order mark at its beginning is no text.

    Raises:
        InputError: As `open_bytes`, and if the text is UTF-16.
    """
    file = open_bytes(path)
    if file.peek(2)[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # type: ignore[attr-defined]
        file.close()
        raise InputError(f"{shown(path)}: is UTF-16 text, or none; save it as UTF-8")
    return io.TextIOWrapper(file, encoding="utf-8-sig")


def lines_of(file: TextIO, path: Path) -> Iterator[str]:
    """The lines of a text.

    Raises:
        InputError: If one is too long to be one.
    """
    while line := file.readline(LONGEST_LINE + 1):
        if len(line) > LONGEST_LINE:
            raise InputError(
                f"{shown(path)}: has a line of more than {LONGEST_LINE} characters; "
                "is it a file of frames?"
            )
        yield line


def open_for_writing(path: Path) -> TextIO:
    """Open a text file to write, compressed by its suffix."""
    opener = _OPENERS.get(path.suffix.lower(), open)
    return opener(path, "wt", encoding="utf-8")


@contextmanager
def plain_file(path: Path) -> Iterator[Path]:
    """The file itself, or a copy that is not compressed and has no byte order mark.

    For readers of other packages, which know no limits. The copy lies in a folder for temporary
    files, has the name without the suffix of compression, and is removed at the end.

    Raises:
        InputError: As `open_bytes`.
    """
    with open_bytes(path) as file:
        head = file.peek(4)[:3]  # type: ignore[attr-defined]
        is_packed = path.suffix.lower() in COMPRESSED
        if not is_packed and head != codecs.BOM_UTF8:
            yield path.absolute()
            return
        with tempfile.TemporaryDirectory(prefix="limlff-") as folder:
            name = path.name.removesuffix(path.suffix) if is_packed else path.name
            copy = Path(folder) / (name or "file")
            with open(copy, "wb") as target:
                if head == codecs.BOM_UTF8:
                    file.read(3)
                while content := file.read(_CHUNK):
                    target.write(content)
            yield copy
