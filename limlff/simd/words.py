"""What goes down to a compiled function: declared once, checked where it leaves Python, read there.

A task is a `NamedTuple` whose fields are whole numbers, arrays and tasks, declared by the kinds of
this module. It is handed down as 8-byte words in the order of the fields, an array being its
address and a task within a task its own words. Nothing else knows what an array of the task must
be: `call` refuses one of another type, since compiled code would read its bytes as what they are
not, and holds all of them until the function has returned.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterator
from functools import cache
from itertools import count
from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

Whole = Annotated[int, types.int64]
Float64s = Annotated[Any, types.CPointer(types.float64)]
Int64s = Annotated[Any, types.CPointer(types.int64)]
Int32s = Annotated[Any, types.CPointer(types.int32)]
_WORD = ir.IntType(64)


def call(function: Callable[[int], int], task: NamedTuple) -> int:
    """Call a compiled function with a task.

    Args:
        function: Takes the address of the words of a task.
        task: The task; its arrays are neither converted nor copied, so that results can be written
            into them.

    Returns:
        What the function returns.

    Raises:
        TypeError: If a number or an array is not of the kind that the task declares.
    """
    words = np.array(list(_words_of(task)), np.int64)  # named, to live until the function returns
    return function(words.ctypes.data)


def _words_of(task: NamedTuple) -> Iterator[int]:
    """Numbers and addresses of arrays; the arrays must live while these are in use."""
    for name, kind, value in zip(task._fields, kinds_of(type(task)), task, strict=True):
        if isinstance(kind, types.CPointer):
            _check_array(f"{type(task).__name__}.{name}", kind, value)
            yield value.ctypes.data
        elif isinstance(kind, types.BaseTuple):
            if not isinstance(value, kind.instance_class):
                raise TypeError(f"{type(task).__name__}.{name} is {type(value).__name__}")
            yield from _words_of(value)
        else:
            yield operator.index(value)


def _check_array(name: str, kind: types.CPointer, value: Any) -> None:
    wanted = np.dtype(kind.dtype.name)
    if not isinstance(value, np.ndarray):
        raise TypeError(f"{name} is {type(value).__name__}; it must be an array of {wanted}")
    if value.dtype != wanted or not (value.flags.c_contiguous and value.flags.aligned):
        raise TypeError(
            f"{name} is an array of {value.dtype} with strides {value.strides}; compiled code "
            f"needs one of {wanted} without gaps"
        )


@cache
def kinds_of(task: type) -> tuple[types.Type, ...]:
    """numba's types of the fields of a task, in their order."""
    hints = get_type_hints(task, include_extras=True)
    return tuple(_kind_of(hints[field]) for field in task._fields)  # type: ignore[attr-defined]


def _kind_of(hint: Any) -> types.Type:
    if hasattr(hint, "_fields"):
        return types.BaseTuple.from_types(kinds_of(hint), hint)
    return hint.__metadata__[0]


def reader(word_at: Callable[[ir.IRBuilder, Any, int], Any]) -> Any:
    """A function that reads a task; usable in compiled functions only.

    Args:
        word_at: Given a builder, a pointer and a place, generates code for the word there.
    """

    @intrinsic
    def read(typing: Any, pointer: types.CPointer, task: types.NamedTupleClass) -> Any:
        """The task that lies at a pointer to words."""
        result = types.BaseTuple.from_types(kinds_of(task.instance_class), task.instance_class)

        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            places = count()

            def value_of(kind: types.Type) -> Any:
                if isinstance(kind, types.BaseTuple):
                    return context.make_tuple(builder, kind, [value_of(part) for part in kind])
                word = word_at(builder, arguments[0], next(places))
                is_address = isinstance(kind, types.CPointer | types.RawPointer)
                return builder.inttoptr(word, context.get_value_type(kind)) if is_address else word

            return value_of(result)

        return result(pointer, task), generate

    return read


def load_word(builder: ir.IRBuilder, pointer: Any, place: int) -> Any:
    """Code for the word at a place behind a pointer to words."""
    return builder.load(builder.gep(pointer, [ir.Constant(_WORD, place)]))


read = reader(load_word)


@intrinsic
def write(typing: Any, words: types.CPointer, task: types.BaseTuple) -> Any:
    """Write a task of numbers to where a pointer to words points; in compiled functions only."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        for place, kind in enumerate(task):
            value = context.cast(
                builder, builder.extract_value(arguments[1], place), kind, types.int64
            )
            builder.store(value, builder.gep(arguments[0], [ir.Constant(_WORD, place)]))
        return context.get_dummy_value()

    return types.void(words, task), generate
