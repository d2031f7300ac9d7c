"""How XLA calls a foreign function: its call frame, read word by word, and typed pointers."""

from __future__ import annotations

from typing import Any

from numba import types
from numba.extending import intrinsic

from limlff.kernels.lanes import kernel_function


def _pointer_to(dtype: types.Type) -> Any:
    """A function that turns an address into a pointer to numbers of a type."""
    memory = types.CPointer(dtype)

    @intrinsic
    def pointer(typing: Any, address: types.Integer) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(memory))

        return memory(types.int64), generate

    return pointer


float32_at, float64_at = _pointer_to(types.float32), _pointer_to(types.float64)
int32_at, int64_at = _pointer_to(types.int32), _pointer_to(types.int64)

# Places in XLA's C structures, as 8-byte words, from xla/ffi/api/c_api.h: a call frame's extension,
# the addresses of its arguments and of its results; a buffer's data; the metadata of an extension.
EXTENSION, _ARGUMENTS, _RESULTS, _DATA, _METADATA = 1, 9, 14, 3, 3
# Within the metadata, as 4-byte words: version of the interface for which this is written.
_MAJOR, _MINOR = (6, 0), (7, 1)


@kernel_function
def answer_metadata(frame):
    """XLA asks first for which version of its interface a function was written."""
    metadata = int32_at(int64_at(frame[EXTENSION])[_METADATA])
    metadata[_MAJOR[0]] = _MAJOR[1]
    metadata[_MINOR[0]] = _MINOR[1]
    return 0


@kernel_function
def input_of(frame, k):
    """Address of the numbers of argument k."""
    return int64_at(int64_at(frame[_ARGUMENTS])[k])[_DATA]


@kernel_function
def result_of(frame, k):
    """Address of the numbers of result k."""
    return int64_at(int64_at(frame[_RESULTS])[k])[_DATA]


@intrinsic
def address_of(typing: Any, memory: types.CPointer) -> Any:
    """Address to which a pointer points."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], context.get_value_type(types.int64))

    return types.int64(memory), generate
