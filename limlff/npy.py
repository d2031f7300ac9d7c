"""Arrays as bytes in NumPy's file format; headers are not trusted on reading.

NumPy's own reader evaluates the header as Python and allocates what it asks for before it looks at
the data. Here a header is of the one form that NumPy writes for plain numbers, and the data are
what is left of the bytes.
"""

from __future__ import annotations

import io
import math
import re

import numpy as np

LONGEST_HEADER = 1024
"""Bytes before the data; NumPy writes 128 for arrays of up to about 15 axes."""

_MAGIC = b"\x93NUMPY\x01\x00"
_HEADER = re.compile(
    rb"\{'descr': '([<|][biufU]\d{1,10})', 'fortran_order': False, "
    rb"'shape': \(((?:\d{1,18}, ?)*(?:\d{1,18})?)\), \} *\n"
)


def array_to_bytes(array: np.ndarray) -> bytes:
    """An array as the content of an .npy file, the same bytes on every machine."""
    array = np.asarray(array, order="C")
    content = io.BytesIO()
    little_endian = array.astype(array.dtype.newbyteorder("<"), copy=False)
    np.lib.format.write_array(content, little_endian, version=(1, 0), allow_pickle=False)
    return content.getvalue()


def array_from_bytes(data: bytes) -> np.ndarray:
    """The array in the content of an .npy file: numbers, truth values or text, in C order.

    Raises:
        ValueError: If it is no such content, or its size is not what the header says.
    """
    if data[:8] != _MAGIC:
        raise ValueError("is no array in NumPy's format 1.0")
    start = 10 + int.from_bytes(data[8:10], "little")
    header = _HEADER.fullmatch(data[10:start]) if start <= LONGEST_HEADER else None
    if header is None:
        raise ValueError("has a header that NumPy does not write for plain arrays")
    shape = tuple(int(size) for size in header[2].replace(b",", b" ").split())
    try:
        dtype = np.dtype(header[1].decode())
    except TypeError as error:
        raise ValueError(f"has numbers of no kind that NumPy knows: {error}") from error
    claimed, there = math.prod(shape) * dtype.itemsize, len(data) - start
    if claimed != there:
        raise ValueError(f"claims {claimed} bytes, but holds {there}")
    if not dtype.itemsize:
        return np.zeros(shape, dtype)
    return np.frombuffer(data, dtype, offset=start).reshape(shape).copy()
