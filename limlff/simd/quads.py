"""Vectors of single atoms in registers: quads of x, y, z and one number more.

Positions, vectors and forces lie in memory as quads, so that one load or store moves a vector. A
register of lanes holds one quad in float64 and two in float32, those of atoms four lanes apart;
`transposed` turns four such registers into x, y, z and the fourth number of all lanes, or back.
Usable inside numba's compiled functions only, as `limlff.simd.lanes`.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from limlff.simd.lanes import Lanes

QUAD = 4
_INT32 = ir.IntType(32)


def _shuffle(builder: ir.IRBuilder, a: Any, b: Any, picks: list[int]) -> Any:
    """Numbers of two registers, counted through both."""
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(_INT32, len(picks)), picks))


def _quad_type(dtype: types.Float) -> ir.VectorType:
    return ir.VectorType(ir.FloatType() if dtype.bitwidth == 32 else ir.DoubleType(), QUAD)


def _quad_address(context: Any, builder: Any, memory: Any, place: Any, dtype: types.Float) -> Any:
    return builder.bitcast(builder.gep(memory, [place]), _quad_type(dtype).as_pointer())


# For transposition: first numbers of two registers side by side, then of the pairs so made; for a
# register of two quads the same in each half.
_INTERLEAVED = {4: ([0, 4, 1, 5], [2, 6, 3, 7])}
_INTERLEAVED[8] = ([0, 8, 1, 9, 4, 12, 5, 13], [2, 10, 3, 11, 6, 14, 7, 15])
_JOINED = {4: ([0, 1, 4, 5], [2, 3, 6, 7])}
_JOINED[8] = ([0, 1, 8, 9, 4, 5, 12, 13], [2, 3, 10, 11, 6, 7, 14, 15])


@intrinsic
def transposed(typing: Any, a: Lanes, b: Lanes, c: Lanes, d: Lanes) -> Any:
    """First numbers of the quads of four registers in one register, and so on for the others."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        first, second = _INTERLEAVED[a.width]
        low, high = _JOINED[a.width]
        p, q, r, s = arguments
        upper = _shuffle(builder, p, q, first), _shuffle(builder, p, q, second)
        lower = _shuffle(builder, r, s, first), _shuffle(builder, r, s, second)
        rows = [
            _shuffle(builder, upper[k], lower[k], picks) for k in (0, 1) for picks in (low, high)
        ]
        return context.make_tuple(builder, sig.return_type, rows)

    return types.UniTuple(a, QUAD)(a, b, c, d), generate


@intrinsic
def quads_at(
    typing: Any, memory: types.CPointer, first: types.Integer, stride: types.Integer
) -> Any:
    """A register filled with the quads that begin at `first`, `first + stride`."""
    lanes = Lanes(memory.dtype)

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        quads = []
        place = context.cast(builder, arguments[1], sig.args[1], types.intp)
        for _ in range(lanes.width // QUAD):
            address = _quad_address(context, builder, arguments[0], place, memory.dtype)
            quads.append(builder.load(address, align=memory.dtype.bitwidth // 8))
            place = builder.add(place, context.cast(builder, arguments[2], sig.args[2], types.intp))
        if len(quads) == 1:
            return quads[0]
        first, second = quads
        return _shuffle(builder, first, second, list(range(2 * QUAD)))

    return lanes(memory, first, stride), generate


@intrinsic
def store_vector(typing: Any, memory: types.CPointer, place: types.Integer, vector: Lanes) -> Any:
    """Store a quad of float64 in the memory's arithmetic; returns its squared length."""
    if vector.dtype != types.float64:
        return None

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        begin = context.cast(builder, arguments[1], sig.args[1], types.intp)
        quad = arguments[2]
        if memory.dtype.bitwidth == 32:
            quad = builder.fptrunc(quad, _quad_type(memory.dtype))
        address = _quad_address(context, builder, arguments[0], begin, memory.dtype)
        builder.store(quad, address, align=memory.dtype.bitwidth // 8)
        squares = builder.fmul(quad, quad)
        x, y, z = (builder.extract_element(squares, ir.Constant(_INT32, k)) for k in range(3))
        return builder.fadd(builder.fadd(x, y), z)

    return memory.dtype(memory, place, vector), generate


@intrinsic
def add_forces(
    typing: Any,
    register: Lanes,
    lane: types.Integer,
    forces: types.CPointer,
    own: types.CPointer,
    neighbors: types.CPointer,
    stride: types.Integer,
) -> Any:
    """Add the quads of a register to the forces on their atoms, and take them from the neighbors'.

    Args:
        typing: numba's typing context.
        register: Quads of this lane and, four lanes on, another.
        lane: The first one's lane.
        forces: Forces on all atoms, quads of float64.
        own: Forces on the atoms in the lanes, quads of float64.
        neighbors: Neighbor of lane 0; those of other lanes follow every `stride`.
        stride: See `neighbors`.
    """

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        def whole(k: int) -> Any:
            return context.cast(builder, arguments[k], sig.args[k], types.intp)

        def change(memory: Any, row: Any, by: Any) -> None:
            place = builder.mul(row, ir.Constant(row.type, QUAD))
            address = _quad_address(context, builder, memory, place, types.float64)
            builder.store(by(builder.load(address, align=8), quad), address, align=8)

        this, stride_of_lanes = whole(1), whole(5)
        for k in range(register.width // QUAD):
            quad = _shuffle(
                builder, arguments[0], arguments[0], list(range(k * QUAD, (k + 1) * QUAD))
            )
            if register.dtype.bitwidth == 32:
                quad = builder.fpext(quad, _quad_type(types.float64))
            where = builder.gep(arguments[4], [builder.mul(this, stride_of_lanes)])
            neighbor = context.cast(builder, builder.load(where), neighbors.dtype, types.intp)
            change(arguments[2], neighbor, builder.fsub)
            change(arguments[3], this, builder.fadd)
            this = builder.add(this, ir.Constant(this.type, QUAD))
        return context.get_dummy_value()

    return types.void(register, lane, forces, own, neighbors, stride), generate
