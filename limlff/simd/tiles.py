"""Tiles of sums that stay in registers while rows pass by: products of small matrices.

A tile of m x n sums takes m rows and n others at a time, and adds the product of each with each.
All sums are independent, so that a core can work on several at once, and each row is loaded once
for all that it is multiplied with. A tile is a tuple of lanes; its size is known while a function
compiles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from limlff.simd.lanes import (
    Lanes,
    call_vector_function,
    emit_broadcast,
    row_address,
    vector_type,
)


class Tile(NamedTuple):
    """Functions for tiles of one size.

    Attributes:
        zero: (memory) Sums of zero, of the type of a memory.
        load: (memory, row, pitch) Sums from a memory, those of the first row from `row` on, the
            others every `pitch` rows.
        store: (memory, row, pitch, sums) The same way back.
    """

    zero: Any
    load: Any
    store: Any


def tile_of(rows: int, columns: int) -> Tile:
    """Functions for tiles of `rows` x `columns` sums."""
    places = [(i, j) for i in range(rows) for j in range(columns)]

    def addresses(context: Any, builder: Any, sig: Any, arguments: Any) -> list[Any]:
        row, pitch = (context.cast(builder, arguments[k], sig.args[k], types.intp) for k in (1, 2))
        lanes = Lanes(sig.args[0].dtype)
        begins = [row]
        for _ in range(rows - 1):
            begins.append(builder.add(begins[-1], pitch))
        return [
            row_address(
                builder, arguments[0], builder.add(begins[i], ir.Constant(row.type, j)), lanes
            )
            for i, j in places
        ]

    @intrinsic
    def load(typing: Any, memory: types.CPointer, row: types.Integer, pitch: types.Integer) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            sums = [
                builder.load(address, align=memory.dtype.bitwidth // 8)
                for address in addresses(context, builder, sig, arguments)
            ]
            return context.make_tuple(builder, sig.return_type, sums)

        return types.UniTuple(Lanes(memory.dtype), len(places))(memory, row, pitch), generate

    @intrinsic
    def store(
        typing: Any,
        memory: types.CPointer,
        row: types.Integer,
        pitch: types.Integer,
        sums: types.UniTuple,
    ) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            for k, address in enumerate(addresses(context, builder, sig, arguments)):
                value = builder.extract_value(arguments[3], k)
                builder.store(value, address, align=memory.dtype.bitwidth // 8)
            return context.get_dummy_value()

        return types.void(memory, row, pitch, sums), generate

    return Tile(_zeros_of(len(places)), load, store)


def _zeros_of(count: int) -> Any:
    @intrinsic
    def zero(typing: Any, memory: types.CPointer) -> Any:
        lanes = Lanes(memory.dtype)

        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            sums = [ir.Constant(vector_type(lanes), [0.0] * lanes.width)] * count
            return context.make_tuple(builder, sig.return_type, sums)

        return types.UniTuple(lanes, count)(memory), generate

    return zero


def rows_of(count: int) -> Any:
    """A function that loads so many rows: (memory, row, pitch), one every `pitch` rows."""
    return tile_of(count, 1).load


def broadcasts_of(count: int) -> Any:
    """A function that loads so many numbers, each into every lane: (memory, index)."""

    @intrinsic
    def load(typing: Any, memory: types.CPointer, index: types.Integer) -> Any:
        lanes = Lanes(memory.dtype)

        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            first = context.cast(builder, arguments[1], sig.args[1], types.intp)
            values = []
            for k in range(count):
                place = builder.add(first, ir.Constant(first.type, k))
                number = builder.load(builder.gep(arguments[0], [place]))
                values.append(emit_broadcast(builder, number, lanes))
            return context.make_tuple(builder, sig.return_type, values)

        return types.UniTuple(lanes, count)(memory, index), generate

    return load


@intrinsic
def add_each_with_each(
    typing: Any, sums: types.UniTuple, left: types.UniTuple, right: types.UniTuple
) -> Any:
    """Add to a tile the products of all rows on the left with all on the right, rounded once."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        added = []
        for i in range(left.count):
            for j in range(right.count):
                factors = (
                    builder.extract_value(arguments[1], i),
                    builder.extract_value(arguments[2], j),
                    builder.extract_value(arguments[0], i * right.count + j),
                )
                added.append(call_vector_function(builder, "fma", sums.dtype, factors))
        return context.make_tuple(builder, sig.return_type, added)

    return sums(sums, left, right), generate
