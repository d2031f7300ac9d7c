"""What goes down to a compiled function: declared once, checked where it leaves Python, read there.

A task is a `NamedTuple` whose fields are whole numbers and arrays, declared by the kinds of this
module. It is handed down as 8-byte words, an array being its address. Nothing else knows what an
array of the task must be: `call` refuses one of another type, since compiled code would read its
bytes as what they are not, and holds all of them until the function has returned.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from functools import cache
from typing import Annotated, Any, NamedTuple, get_type_hints

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

Whole = Annotated[Any, types.int64]
Float64s = Annotated[Any, types.CPointer(types.float64)]
Int64s = Annotated[Any, types.CPointer(types.int64)]
Int32s = Annotated[Any, types.CPointer(types.int32)]


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
    words = _words_of(task)  # a name of its own: it must live until the function has returned
    return function(words.ctypes.data)


def _words_of(task: NamedTuple) -> np.ndarray:
    """Numbers and addresses of arrays; both must live while they are in use."""
    words = np.empty(len(task), np.int64)
    kinds = _kinds_of(type(task))
    for place, (name, kind, value) in enumerate(zip(task._fields, kinds, task, strict=True)):
        if isinstance(kind, types.CPointer):
            _check_array(f"{type(task).__name__}.{name}", kind, value)
            words[place] = value.ctypes.data
        else:
            words[place] = operator.index(value)
    return words


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
def _kinds_of(task: type) -> tuple[types.Type, ...]:
    """numba's types of the fields of a task, in their order."""
    hints = get_type_hints(task, include_extras=True)
    return tuple(hints[field].__metadata__[0] for field in task._fields)  # type: ignore[attr-defined]


@intrinsic
def read(typing: Any, words: types.CPointer, task: types.NamedTupleClass) -> Any:
    """The task that lies at a pointer to words; usable in compiled functions only."""
    kinds = _kinds_of(task.instance_class)
    result = types.BaseTuple.from_types(kinds, task.instance_class)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        values = []
        for place, kind in enumerate(kinds):
            address = builder.gep(arguments[0], [ir.Constant(ir.IntType(64), place)])
            word = builder.load(address)
            is_address = isinstance(kind, types.CPointer)
            values.append(
                builder.inttoptr(word, context.get_value_type(kind)) if is_address else word
            )
        return context.make_tuple(builder, sig.return_type, values)

    return result(words, task), generate
