"""Members of a zip without compression.

limlff writes no other: no compressed stream can be damaged, or unpack to more than the file holds.
"""

from __future__ import annotations

import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limlff.errors import shown
from limlff.paths import check_is_file, user_path

DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    ArithmeticError,
    AttributeError,
    EOFError,
    LookupError,
    MemoryError,
    RuntimeError,
    TypeError,
    ValueError,
)
"""What reading a damaged zip may raise; a file that cannot be read raises OSError."""

_HEADER = struct.Struct("<4s5H3L2H")
"""Before the content of a member: signature, version, flags, method, ..., length of the name."""


class Members:
    """Names and contents of the members of an open zip.

    Attributes:
        names: Their names, in the order of the zip.
    """

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._known = {member.filename: member for member in archive.infolist()}
        self.names = list(self._known)
        if len(self.names) < len(archive.infolist()):
            raise ValueError("a member stands twice in it")

    def read(self, name: str, most: int) -> bytes:
        """Content of a member.

        Args:
            name: Its name.
            most: Bytes it may have.

        Raises:
            ValueError: If there is none, it is compressed or encrypted, or larger.
        """
        if name not in self._known:
            raise ValueError(f"it has no {shown(name)}")
        member = self._known[name]
        if member.compress_type != zipfile.ZIP_STORED or member.flag_bits & 1:
            raise ValueError(f"{shown(name)} is compressed or encrypted, as limlff writes none")
        if member.file_size != member.compress_size:
            raise ValueError(
                f"{shown(name)} is {member.compress_size} bytes in the file and "
                f"{member.file_size} out of it"
            )
        if member.file_size > most:
            raise ValueError(f"{shown(name)} has {member.file_size} bytes, more than {most}")
        self._check_header(member)
        return self._archive.read(member)

    def _check_header(self, member: zipfile.ZipInfo) -> None:
        """Refuse a header before the content that says other things than the directory does."""
        assert self._archive.fp is not None
        self._archive.fp.seek(member.header_offset)
        _, _, flags, method, *_, names, _ = _HEADER.unpack(self._archive.fp.read(_HEADER.size))
        name = self._archive.fp.read(names)
        if (flags, method, name) != (member.flag_bits, zipfile.ZIP_STORED, _encoded(member)):
            raise ValueError(f"{shown(member.filename)} has another header than the directory says")


def _encoded(member: zipfile.ZipInfo) -> bytes:
    return member.filename.encode("utf-8" if member.flag_bits & 0x800 else "cp437")


@contextmanager
def open_members(path: str | Path) -> Iterator[Members]:
    """Open a zip.

    Raises:
        InputError: If the path is no file that can be read.
        OSError: If reading fails.
        DAMAGED: One of these, if it is no zip or a damaged one.
    """
    path = user_path(path)
    check_is_file(path)
    with zipfile.ZipFile(path) as archive:
        yield Members(archive)
