"""Reading HDF5 files that a single writer writes, or had open when it was killed.

HDF5's own reader for such files takes damage for a write under way and tries again, for longer and
longer: a file that was cut short keeps it for minutes. Here the file is opened as if it had been
closed, by clearing the mark of the writer in what is read of its first block, so that damage is an
error at once. Who reads while it is written may meet a write under way, and opens the file again.
"""

from __future__ import annotations

import io
import os
import struct
from pathlib import Path

import h5py

from limlff.file_lock import is_locked_alone
from limlff.hdf5_heaps import check_global_heaps_of
from limlff.paths import open_regular_file

UNREADABLE = (
    OSError,
    KeyError,
    ValueError,
    TypeError,
    RuntimeError,
    AttributeError,
    OverflowError,
    MemoryError,
)
"""What h5py and NumPy raise on files that are damaged, or are not what they seem to be."""

_SIGNATURE = b"\x89HDF\r\n\x1a\n"
_BLOCK = 48  # bytes of the first block, versions 2 and 3, with addresses of 8 bytes
_FLAGS = 11  # where in it the mark is
_END = slice(28, 36)  # where in it the end of the file is
_WRITER = 4  # the bit that says that it is a single writer
_MASK = 0xFFFFFFFF


def open_for_reading(path: Path) -> h5py.File:
    """Open an HDF5 file, also one that is being written or whose writer was killed.

    Raises:
        OSError: If it is missing, no regular file, cut short, damaged or no HDF5 file.
    """
    check_global_heaps_of(path)
    descriptor = open_regular_file(path)
    try:
        block = os.read(descriptor, _BLOCK)
        if not _has_writer(block):
            return h5py.File(path, "r")
        # a single writer gives its lock up; who holds one does something else with the file
        if is_locked_alone(descriptor):
            raise OSError("is locked by another process")
        return h5py.File(_WithoutMark(os.dup(descriptor), block), "r")
    finally:
        os.close(descriptor)


def find_array(group: h5py.Group, name: str) -> h5py.Dataset:
    """An array that lies in the file itself; none that a link takes from another one.

    Raises:
        ValueError: If there is none.
    """
    item: object = group
    for part in name.split("/"):
        if not isinstance(item, h5py.Group) or not isinstance(
            item.get(part, getlink=True), h5py.HardLink
        ):
            raise ValueError(f"it holds no array '{name}'")
        item = item[part]
    if not isinstance(item, h5py.Dataset) or item.is_virtual or item.external:
        raise ValueError(f"its '{name}' is no array of this file")
    return item


def _has_writer(block: bytes) -> bool:
    """Whether the first block is whole and bears the mark of a single writer."""
    if len(block) < _BLOCK or not block.startswith(_SIGNATURE) or block[8:11] != b"\x03\x08\x08":
        return False
    return bool(block[_FLAGS] & _WRITER) and block[-4:] == _sum_of(block[:-4])


class _WithoutMark(io.RawIOBase):
    """The bytes of a file, with a first block that bears no mark of a writer."""

    def __init__(self, descriptor: int, block: bytes) -> None:
        cleared = bytearray(block[:-4])
        cleared[_FLAGS] = 0
        # A write under way notes the new end after what lies there; an end beyond that of the file
        # stays, for HDF5 to refuse.
        size = os.fstat(descriptor).st_size
        if size > int.from_bytes(cleared[_END], "little"):
            cleared[_END] = size.to_bytes(8, "little")
        self._block = bytes(cleared) + _sum_of(bytes(cleared))
        self._descriptor, self._place = descriptor, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        size = os.fstat(self._descriptor).st_size
        self._place = offset + {os.SEEK_SET: 0, os.SEEK_CUR: self._place, os.SEEK_END: size}[whence]
        return self._place

    def tell(self) -> int:
        return self._place

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        count = os.preadv(self._descriptor, [buffer], self._place)
        changed = self._block[self._place : self._place + count]
        buffer[: len(changed)] = changed
        self._place += count
        return count

    def close(self) -> None:
        if not self.closed:
            os.close(self._descriptor)
        super().close()


def _sum_of(data: bytes) -> bytes:
    """The checksum that HDF5 writes behind its first block, of a whole number of words.

    Source: R. Jenkins, lookup3.c (2006), public domain; the HDF5 file format names it.
    """
    start = (0xDEADBEEF + len(data)) & _MASK
    a = b = c = start
    padded = data + bytes(-len(data) % 12)
    words = struct.unpack(f"<{len(padded) // 4}I", padded)
    for first in range(0, len(words), 3):
        a, b, c = (
            (value + word) & _MASK
            for value, word in zip((a, b, c), words[first : first + 3], strict=True)
        )
        if first + 3 < len(words):
            for turn in ((4, 6, 8), (16, 19, 4)):
                a, b, c = _mixed(a, b, c, turn)
    for turn in ((14, 11, 25), (16, 4, 14)):
        c = ((c ^ b) - _rotated(b, turn[0])) & _MASK
        a = ((a ^ c) - _rotated(c, turn[1])) & _MASK
        b = ((b ^ a) - _rotated(a, turn[2])) & _MASK
    c = ((c ^ b) - _rotated(b, 24)) & _MASK
    return struct.pack("<I", c)


def _mixed(a: int, b: int, c: int, turn: tuple[int, int, int]) -> tuple[int, int, int]:
    a = ((a - c) & _MASK) ^ _rotated(c, turn[0])
    c = (c + b) & _MASK
    b = ((b - a) & _MASK) ^ _rotated(a, turn[1])
    a = (a + c) & _MASK
    c = ((c - b) & _MASK) ^ _rotated(b, turn[2])
    return a, (b + a) & _MASK, c


def _rotated(word: int, bits: int) -> int:
    return ((word << bits) | (word >> (32 - bits))) & _MASK
