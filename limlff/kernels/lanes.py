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
        super().__init__(manager, lanes, _vector_type(lanes))


def _vector_type(lanes: Lanes) -> ir.VectorType:
    scalar = ir.FloatType() if lanes.dtype.bitwidth == 32 else ir.DoubleType()
    return ir.VectorType(scalar, lanes.width)


def _broadcast(builder: ir.IRBuilder, scalar: Any, lanes: Lanes) -> Any:
    vector = _vector_type(lanes)
    single = builder.insert_element(
        ir.Constant(vector, ir.Undefined), scalar, ir.Constant(ir.IntType(32), 0)
    )
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.width), [0] * lanes.width)
    return builder.shuffle_vector(single, ir.Constant(vector, ir.Undefined), zeros)


def _call(builder: ir.IRBuilder, name: str, lanes: Lanes, arguments: Any) -> Any:
    """Call one of LLVM's vector functions."""
    vector = _vector_type(lanes)
    kind = ir.FunctionType(vector, [vector] * len(arguments))
    full_name = f"llvm.{name}.v{lanes.width}f{lanes.dtype.bitwidth}"
    function = cgutils.get_or_insert_function(builder.module, kind, full_name)
    return builder.call(function, arguments)


def _row_address(context: Any, builder: Any, kinds: Any, values: Any) -> Any:
    """Address of row `values[1]` of the memory at `values[0]`."""
    lanes = Lanes(kinds[0].dtype)
    row = context.cast(builder, values[1], kinds[1], types.intp)
    element = builder.mul(row, ir.Constant(row.type, lanes.width))
    return builder.bitcast(builder.gep(values[0], [element]), _vector_type(lanes).as_pointer())


@intrinsic
def load(typing: Any, memory: types.CPointer, row: types.Integer) -> Any:
    """Row of a memory."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        address = _row_address(context, builder, sig.args, arguments)
        return builder.load(address, align=memory.dtype.bitwidth // 8)

    return Lanes(memory.dtype)(memory, row), generate


@intrinsic
def store(typing: Any, memory: types.CPointer, row: types.Integer, value: Lanes) -> Any:
    """Set a row of a memory."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        address = _row_address(context, builder, sig.args, arguments)
        builder.store(arguments[2], address, align=memory.dtype.bitwidth // 8)
        return context.get_dummy_value()

    return types.void(memory, row, value), generate


@intrinsic
def splat(typing: Any, memory: types.CPointer, index: types.Integer) -> Any:
    """Element of a memory in every lane."""
    lanes = Lanes(memory.dtype)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        place = context.cast(builder, arguments[1], sig.args[1], types.intp)
        return _broadcast(builder, builder.load(builder.gep(arguments[0], [place])), lanes)

    return lanes(memory, index), generate


@intrinsic
def behind(typing: Any, memory: types.CPointer, elements: types.Integer) -> Any:
    """The memory that begins so many elements later."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        place = context.cast(builder, arguments[1], sig.args[1], types.intp)
        return builder.gep(arguments[0], [place])

    return memory(memory, elements), generate


@intrinsic
def zero_like(typing: Any, memory: types.CPointer) -> Any:
    """Zero in every lane, of the type of a memory's rows."""
    lanes = Lanes(memory.dtype)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return ir.Constant(_vector_type(lanes), [0.0] * lanes.width)

    return lanes(memory), generate


@intrinsic
def multiply_add(typing: Any, a: Lanes, b: Lanes, c: Lanes) -> Any:
    """a * b + c, rounded once."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return _call(builder, "fma", sig.return_type, arguments)

    return a(a, b, c), generate


@intrinsic
def square_root(typing: Any, a: Lanes) -> Any:
    """Square root of each lane."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return _call(builder, "sqrt", sig.return_type, arguments)

    return a(a), generate


class Emitter:
    """Writes arithmetic of lanes into a function under compilation, for generated code."""

    def __init__(self, context: Any, builder: ir.IRBuilder, dtype: types.Float) -> None:
        self.context, self.builder, self.lanes = context, builder, Lanes(dtype)

    def constant(self, value: float) -> Any:
        """A number in every lane."""
        return ir.Constant(_vector_type(self.lanes), [value] * self.lanes.width)

    def multiply(self, a: Any, b: Any) -> Any:
        """a * b."""
        return self.builder.fmul(a, b)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once."""
        return _call(self.builder, "fma", self.lanes, (a, b, c))

    def strided(self, memory: Any, first: Any, stride: Any) -> StridedRows:
        """Rows `first`, `first + stride` and so on of a memory."""
        return StridedRows(self, memory, first, stride)


class StridedRows:
    """Every so many rows of a memory, in generated code."""

    def __init__(self, emit: Emitter, memory: Any, first: Any, stride: Any) -> None:
        self.emit, self.memory, self.first, self.stride = emit, memory, first, stride

    def _address(self, place: int) -> Any:
        builder, lanes = self.emit.builder, self.emit.lanes
        rows = builder.mul(self.stride, ir.Constant(self.stride.type, place))
        element = builder.mul(
            builder.add(self.first, rows), ir.Constant(self.stride.type, lanes.width)
        )
        return builder.bitcast(
            builder.gep(self.memory, [element]), _vector_type(lanes).as_pointer()
        )

    def load(self, place: int) -> Any:
        """Row number `place`."""
        return self.emit.builder.load(
            self._address(place), align=self.emit.lanes.dtype.bitwidth // 8
        )

    def store(self, place: int, value: Any) -> None:
        """Set row number `place`."""
        self.emit.builder.store(
            value, self._address(place), align=self.emit.lanes.dtype.bitwidth // 8
        )


def _comparison(predicate: str) -> Callable[..., Any]:
    def choose(typing: Any, a: Lanes, b: Lanes) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            first, second = arguments
            return builder.select(builder.fcmp_ordered(predicate, first, second), first, second)

        return a(a, b), generate

    return choose


smaller = intrinsic(_comparison("<"))
larger = intrinsic(_comparison(">"))


@intrinsic
def as_lanes(typing: Any, value: types.Float, like: Lanes) -> Any:
    """A scalar in every lane."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        scalar = context.cast(builder, arguments[0], sig.args[0], like.dtype)
        return _broadcast(builder, scalar, like)

    return like(value, like), generate


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
                value = _broadcast(builder, scalar, sig.return_type)
            values.append(value)
        return getattr(builder, instruction)(*values)

    for pattern in ((Lanes, Lanes), (Lanes, types.Number), (types.Number, Lanes)):
        lower_builtin(function, *pattern)(lower)


_define(operator.add, "fadd")
_define(operator.sub, "fsub")
_define(operator.mul, "fmul")
_define(operator.truediv, "fdiv")
_define(operator.iadd, "fadd")

__all__ = [
    "Emitter",
    "Lanes",
    "as_lanes",
    "behind",
    "kernel_function",
    "larger",
    "load",
    "multiply_add",
    "part_of_caller",
    "smaller",
    "splat",
    "square_root",
    "store",
    "width_of",
    "zero_like",
]
