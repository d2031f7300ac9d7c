"""Arithmetic of lanes for code that is generated while a kernel compiles."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types

from limlff.simd.lanes import Lanes, call_vector_function, vector_type


class Emitter:
    """Writes arithmetic of lanes into a function under compilation, for generated code."""

    def __init__(self, context: Any, builder: ir.IRBuilder, dtype: types.Float) -> None:
        self.context, self.builder, self.lanes = context, builder, Lanes(dtype)

    def constant(self, value: float) -> Any:
        """A number in every lane."""
        return ir.Constant(vector_type(self.lanes), [value] * self.lanes.width)

    def multiply(self, a: Any, b: Any) -> Any:
        """a * b."""
        return self.builder.fmul(a, b)

    def multiply_add(self, a: Any, b: Any, c: Any) -> Any:
        """a * b + c, rounded once."""
        return call_vector_function(self.builder, "fma", self.lanes, (a, b, c))

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
        return builder.bitcast(builder.gep(self.memory, [element]), vector_type(lanes).as_pointer())

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
