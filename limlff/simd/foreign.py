"""How XLA calls a foreign function: its call frame, read by the fields' names, and typed pointers.

The arguments of a foreign function are declared as a `NamedTuple` of arrays, and so are its results
(`limlff.simd.words`). An array in the arithmetic for which a function is compiled is a `Numbers`.
"""

from __future__ import annotations

from typing import Annotated, Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from limlff.simd.lanes import kernel_function
from limlff.simd.words import kinds_of, load_word, reader

Numbers = Annotated[Any, types.voidptr]


def _pointer_to(dtype: types.Type) -> Any:
    """A function that turns an address into a pointer to numbers of a type."""
    memory = types.CPointer(dtype)

    @intrinsic
    def pointer(typing: Any, address: Any) -> Any:
        is_pointer = isinstance(address, types.RawPointer)

        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            convert = builder.bitcast if is_pointer else builder.inttoptr
            return convert(arguments[0], context.get_value_type(memory))

        return memory(address if is_pointer else types.int64), generate

    return pointer


float32_at, float64_at = _pointer_to(types.float32), _pointer_to(types.float64)
int32_at, int64_at = _pointer_to(types.int32), _pointer_to(types.int64)

# Places in XLA's C structures, as 8-byte words, from xla/ffi/api/c_api.h: a call frame's extension
# and interface, the numbers and addresses of its arguments and of its results; a buffer's type and
# data; the metadata of an extension; the interface's function that makes an error.
EXTENSION, _API, _ARGUMENTS, _RESULTS, _DATA, _METADATA = 1, 2, 9, 14, 3, 3
_ARGUMENT_COUNT, _RESULT_COUNT, _TYPE, _MAKE_ERROR = 7, 12, 2, 6
# What XLA calls types, and a wrong argument.
TYPES = {"int32": 4, "int64": 5, "float32": 11, "float64": 12}
_WRONG_ARGUMENT, _ERROR_WORDS = 3, 4
# Within the metadata, as 4-byte words: version of the interface for which this is written.
_MAJOR, _MINOR = (6, 0), (7, 1)


@kernel_function
def answer_metadata(frame):
    """XLA asks first for which version of its interface a function was written."""
    metadata = int32_at(int64_at(frame[EXTENSION])[_METADATA])
    metadata[_MAJOR[0]] = _MAJOR[1]
    metadata[_MINOR[0]] = _MINOR[1]
    return 0


def _buffers_at(list_place: int) -> Any:
    """A function that reads the addresses of the numbers of arguments or of results."""

    def word_at(builder: ir.IRBuilder, frame: Any, k: int) -> Any:
        buffers = builder.inttoptr(load_word(builder, frame, list_place), frame.type)
        buffer = builder.inttoptr(load_word(builder, buffers, k), frame.type)
        return load_word(builder, buffer, _DATA)

    return reader(word_at)


arguments_of, results_of = _buffers_at(_ARGUMENTS), _buffers_at(_RESULTS)


def dtypes_of(task: type, dtype: str) -> tuple[str, ...]:
    """Types of the arrays of a task for a function compiled for one arithmetic."""
    return tuple(
        dtype if isinstance(kind, types.RawPointer) else kind.dtype.name for kind in kinds_of(task)
    )


@intrinsic
def as_address(typing: Any, memory: types.CPointer) -> Any:
    """Address to which a pointer points."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], context.get_value_type(types.int64))

    return types.int64(memory), generate


@kernel_function
def has_types(frame, arguments, results):
    """Whether the arguments and results of a call are of such types, see `TYPES`."""
    given = int64_at(frame[_ARGUMENTS])
    made = int64_at(frame[_RESULTS])
    if frame[_ARGUMENT_COUNT] != len(arguments) or frame[_RESULT_COUNT] != len(results):
        return False
    wrong = 0
    for k in range(len(arguments)):
        # a whole number of 4 bytes
        wrong += int32_at(given[k] + 8 * _TYPE)[0] != arguments[k]
    for k in range(len(results)):
        wrong += int32_at(made[k] + 8 * _TYPE)[0] != results[k]
    return wrong == 0


def error_of(message: str) -> Any:
    """A function that makes an error of XLA, to be returned by a foreign function."""

    @intrinsic
    def make(typing: Any, frame: types.CPointer) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            word, place = ir.IntType(64), ir.IntType(32)
            text = context.insert_const_string(builder.module, message)
            words = [
                ir.Constant(word, 8 * _ERROR_WORDS),
                ir.Constant(word, 0),
                builder.ptrtoint(text, word),
                ir.Constant(word, _WRONG_ARGUMENT),
            ]
            described = builder.alloca(word, size=ir.Constant(place, len(words)))
            for k, value in enumerate(words):
                builder.store(value, builder.gep(described, [ir.Constant(place, k)]))
            interface = builder.inttoptr(
                builder.load(builder.gep(arguments[0], [ir.Constant(place, _API)])),
                word.as_pointer(),
            )
            function = builder.inttoptr(
                builder.load(builder.gep(interface, [ir.Constant(place, _MAKE_ERROR)])),
                ir.FunctionType(word, [word.as_pointer()]).as_pointer(),
            )
            return builder.call(function, [described])

        return types.int64(frame), generate

    return make
