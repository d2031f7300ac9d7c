"""A SIMD number type for compiled kernels: one value for each of several atoms.

`Lanes` is a vector register of 32 bytes, 8 float32 or 4 float64, with arithmetic. Kernels that are
written in it are vectorised by construction, each atom in a lane of its own; a compiler's own
vectoriser gave up on most of their loops, or guarded them with checks as costly as the work.

Memory is passed by pointers: `load(memory, i)` is row i of lanes at a pointer, `memory[i]` a
number. Scalars mix with lanes in arithmetic. Usable inside numba's compiled functions only.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, models, register_model

REGISTER_BYTES = 32


# Kernels neither allocate nor are they called from Python; without the code for both they compile
# in a fraction of the time. numba compiles them anew for each constant argument: write np.int64(0)
# where others give variables.
kernel_function = njit(
    _nrt=False, no_cpython_wrapper=True, no_cfunc_wrapper=True, error_model="numpy"
)
# For functions called from one place that call much: LLVM optimises what a function calls once more
# with it, and these are compiled as part of their caller.
part_of_caller = njit(
    _nrt=False,
    no_cpython_wrapper=True,
    no_cfunc_wrapper=True,
    error_model="numpy",
    inline="always",
)


def variant(*marks: object) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Gives a function that is made several times, each with its own constants, a name of its own.

    numba names machine code by the function's name, its arguments and a number that counts in each
    process anew. Two variants that were compiled and kept by two processes could therefore bear the
    same name, and a process that loads both would call one in place of the other.

    Args:
        marks: What the variant differs by.
    """

    def rename(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__qualname__ = "_".join([function.__qualname__, *map(str, marks)])
        return function

    return rename


def width_of(dtype: np.typing.DTypeLike) -> int:
    """Lanes of a register of this type."""
    return REGISTER_BYTES // np.dtype(dtype).itemsize


class Lanes(types.Type):
    """numba's type of a register of float32 or float64."""

    def __init__(self, dtype: types.Float) -> None:
        self.dtype = dtype
        self.width = REGISTER_BYTES * 8 // dtype.bitwidth
        super().__init__(name=f"Lanes({dtype} x {self.width})")


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, vector_type(lanes))


def vector_type(lanes: Lanes) -> ir.VectorType:
    scalar = ir.FloatType() if lanes.dtype.bitwidth == 32 else ir.DoubleType()
    return ir.VectorType(scalar, lanes.width)


def emit_broadcast(builder: ir.IRBuilder, scalar: Any, lanes: Lanes) -> Any:
    vector = vector_type(lanes)
    single = builder.insert_element(
        ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.width), [0] * lanes.width)
    return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), zeros)


def call_vector_function(builder: ir.IRBuilder, name: str, lanes: Lanes, arguments: Any) -> Any:
    """Call one of LLVM's vector functions."""
    vector = vector_type(lanes)
    kind = ir.FunctionType(vector, [vector] * len(arguments))
    full_name = f"llvm.{name}.v{lanes.width}f{lanes.dtype.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, kind, full_name)
    return builder.call(function, arguments)


def row_address(builder: ir.IRBuilder, memory: Any, row: Any, lanes: Lanes) -> Any:
    """Address of a row of a memory."""
    element = builder.mul(row, ir.Constant(row.type, lanes.width))
    return builder.bitcast(builder.gep(memory, [element]), vector_type(lanes).as_pointer())


@intrinsic
def load(typing: Any, memory: types.CPointer, row: types.Integer) -> Any:
    """Row of a memory."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        row_number = context.cast(builder, arguments[1], sig.args[1], types.intp)
        address = row_address(builder, arguments[0], row_number, Lanes(memory.dtype))
        return builder.load(address, align=memory.dtype.bitwidth // 8)

    return Lanes(memory.dtype)(memory, row), generate


@intrinsic
def store(typing: Any, memory: types.CPointer, row: types.Integer, value: Lanes) -> Any:
    """Set a row of a memory."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        row_number = context.cast(builder, arguments[1], sig.args[1], types.intp)
        address = row_address(builder, arguments[0], row_number, Lanes(memory.dtype))
        builder.store(arguments[2], address, align=memory.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(memory, row, value), generate


@intrinsic
def load_broadcast(typing: Any, memory: types.CPointer, index: types.Integer) -> Any:
    """Element of a memory in every lane."""
    lanes = Lanes(memory.dtype)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        place = context.cast(builder, arguments[1], sig.args[1], types.intp)
        return emit_broadcast(builder, builder.load(builder.gep(arguments[0], [place])), lanes)

    return lanes(memory, index), generate


@intrinsic
def offset(typing: Any, memory: types.CPointer, elements: types.Integer) -> Any:
    """The memory that begins so many elements later."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        place = context.cast(builder, arguments[1], sig.args[1], types.intp)
        return builder.gep(arguments[0], [place])

    return memory(memory, elements), generate


@intrinsic
def prefetch(typing: Any, memory: types.CPointer) -> Any:
    """Have the processor bring the line of the memory into its caches."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        address, number = ir.IntType(8).as_pointer(), ir.IntType(32)
        kind = ir.FunctionType(ir.VoidType(), [address] + 3 * [number])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        to_read, keep, data = (ir.Constant(number, value) for value in (0, 3, 1))
        place = builder.bitcast(arguments[0], address)
        builder.call(function, [place, to_read, keep, data])
        return context.get_dummy_value()

    return types.void(memory), generate


@intrinsic
def zero_like(typing: Any, memory: types.CPointer) -> Any:
    """Zero in every lane, of the type of a memory's rows."""
    lanes = Lanes(memory.dtype)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return ir.Constant(vector_type(lanes), [0.0] * lanes.width)

    return lanes(memory), generate


@intrinsic
def multiply_add(typing: Any, a: Lanes, b: Lanes, c: Lanes) -> Any:
    """a * b + c, rounded once."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return call_vector_function(builder, "fma", sig.return_type, arguments)

    return a(a, b, c), generate


@intrinsic
def square_root(typing: Any, a: Lanes) -> Any:
    """Square root of each lane."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return call_vector_function(builder, "sqrt", sig.return_type, arguments)

    return a(a), generate


def _comparison(predicate: str) -> Callable[..., Any]:
    def choose(typing: Any, a: Lanes, b: Lanes) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            first, second = arguments
            return builder.select(builder.fcmp_ordered(predicate, first, second), first, second)

        return a(a, b), generate

    return choose


# One instruction of a processor each, which gives the second argument where either is no number:
# what may be none, and must not be lost, goes there.
smaller = intrinsic(_comparison("<"))
larger = intrinsic(_comparison(">"))


@intrinsic
def broadcast(typing: Any, value: types.Float, like: Lanes) -> Any:
    """A scalar in every lane."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        scalar = context.cast(builder, arguments[0], sig.args[0], like.dtype)
        return emit_broadcast(builder, scalar, like)

    return like(value, like), generate


@intrinsic
def is_not_beyond(typing: Any, a: types.Float, b: types.Float) -> Any:
    """1 if a < b or either is no number, else 0, as a whole number and thus without a branch."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        limit = context.cast(builder, arguments[1], b, a)
        return builder.zext(builder.fcmp_unordered("<", arguments[0], limit), ir.IntType(64))

    return types.int64(a, b), generate


def _lanes_among(arguments: tuple[Any, ...]) -> Lanes | None:
    return next((argument for argument in arguments if isinstance(argument, Lanes)), None)


class _Arithmetic(AbstractTemplate):
    def generic(self, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        lanes = _lanes_among(arguments)
        scalars = [a for a in arguments if not isinstance(a, Lanes)]
        if lanes is None or not all(isinstance(a, types.Number) for a in scalars):
            return None
        return signature(lanes, *arguments)


def _define(function: Any, instruction: str) -> None:
    infer_global(function)(type(f"_{instruction}", (_Arithmetic,), {"key": function}))

    def lower(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        values = []
        for value, kind in zip(arguments, sig.args, strict=True):
            if not isinstance(kind, Lanes):
                scalar = context.cast(builder, value, kind, sig.return_type.dtype)
                value = emit_broadcast(builder, scalar, sig.return_type)
            values.append(value)
        # a product and a sum may become one multiply-add
        return getattr(builder, instruction)(*values, flags=("contract",))

    for pattern in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(function, *pattern)(lower)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
_define(operator.iadd, "fadd")

__all__ = [
    "Lanes",
    "broadcast",
    "is_not_beyond",
    "kernel_function",
    "larger",
    "load",
    "load_broadcast",
    "multiply_add",
    "offset",
    "part_of_caller",
    "prefetch",
    "smaller",
    "square_root",
    "store",
    "variant",
    "width_of",
    "zero_like",
]
