"""Global heaps of HDF5 files, checked before HDF5 reads them.

HDF5 keeps text of any length in collections ("global heaps"), each a list of objects that say how
far the next one is. Where damage made that distance zero, HDF5 goes round without end, in its own
code, where no signal and no time limit reaches it.
"""

from __future__ import annotations

import mmap
from pathlib import Path

from limlff.paths import open_regular_file

_SIGNATURE = b"GCOL"
_HEAD = 16  # bytes in front of a collection and of each object in it, the last eight its length
_SMALLEST = 4096  # bytes; HDF5 refuses smaller collections


def check_global_heaps_of(path: Path) -> None:
    """Refuse an HDF5 file that HDF5 would read without end.

    Raises:
        OSError: If it cannot be read, or is such a file.
    """
    with open(open_regular_file(path), "rb") as file:
        if file.seek(0, 2):
            with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
                check_global_heaps(content)


def check_global_heaps(content: bytes | mmap.mmap) -> None:
    """Refuse the content of an HDF5 file that HDF5 would read without end.

    Args:
        content: All bytes of the file.

    Raises:
        OSError: If an object of a collection leads nowhere.

    Source: HDF5 file format specification 3.0, section III.E.
    """
    start = content.find(_SIGNATURE)
    while start >= 0:
        end = start + _length_at(content, start)
        # other bytes may look like a collection by chance, but hardly one that fits into the file
        if start + _SMALLEST <= end <= len(content):
            _walk(content, start + _HEAD, end)
        start = content.find(_SIGNATURE, start + 1)


def _walk(content: bytes | mmap.mmap, place: int, end: int) -> None:
    """Go from object to object as HDF5 does, until what is left is too short for another."""
    while place + _HEAD <= end:
        length = _length_at(content, place)
        if int.from_bytes(content[place : place + 2], "little"):  # free space counts its own head
            length = _HEAD + -(-length // 8) * 8
        if length < _HEAD or place + length > end:
            raise OSError("is damaged: a collection of text in it leads nowhere")
        place += length


def _length_at(content: bytes | mmap.mmap, place: int) -> int:
    return int.from_bytes(content[place + 8 : place + 16], "little")
