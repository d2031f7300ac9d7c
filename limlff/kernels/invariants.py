"""Invariants of the channels and the way back, written out term by term while the kernel compiles.

Loops over a table of coupling coefficients spend most of their time on loads; written out, all
harmonics of a channel stay in registers and coefficients are constants of the code. The generated
code does, for channel c of the atoms in the lanes,

    F[0] = A[00],  F[l] = sum_m A[lm]^2,  Q[e] = dF[q(e)] / dA[m(e)],  F[q] = sum_e A[m(e)] Q[e] / 3

with one entry e for every four-body invariant q and harmonic m that it depends on; the sum over
them is a third because the invariants are of third order. Formulas: `limlff.models.moment`.
"""

from __future__ import annotations

from functools import cache
from typing import Any, NamedTuple

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from limlff.models.angular import MAX_DEGREE, coupling_terms, cubic_couplings
from limlff.simd.emitter import Emitter


class CubicEntry(NamedTuple):
    """Derivative of a four-body invariant by a harmonic: factors of products of two harmonics."""

    invariant: int
    harmonic: int
    terms: dict[tuple[int, int], float]


@cache
def cubic_entries(degree: int) -> tuple[CubicEntry, ...]:
    """Entries of all couplings up to a degree; harmonics are counted over all degrees."""
    entries = []
    for invariant, degrees in enumerate(cubic_couplings(degree)):
        derivatives: dict[int, dict[tuple[int, int], float]] = {}
        for *places, factor in coupling_terms(*degrees):
            harmonics = [l * l + int(m) for l, m in zip(degrees, places, strict=True)]
            for k in range(3):
                i, j = sorted(harmonics[:k] + harmonics[k + 1 :])
                terms = derivatives.setdefault(harmonics[k], {})
                terms[i, j] = terms.get((i, j), 0.0) + factor
        entries += [
            CubicEntry(degree + 1 + invariant, m, derivatives[m]) for m in sorted(derivatives)
        ]
    return tuple(entries)


def _emit_forward(emit: Emitter, degree: int, channels: Any, invariants: Any, slopes: Any) -> None:
    a = [channels.load(m) for m in range((degree + 1) ** 2)]
    invariants.store(0, a[0])
    for l in range(1, degree + 1):
        total = emit.constant(0.0)
        for m in range(l * l, (l + 1) ** 2):
            total = emit.multiply_add(a[m], a[m], total)
        invariants.store(l, total)
    products: dict[tuple[int, int], Any] = {}
    totals: dict[int, Any] = {}
    for place, entry in enumerate(cubic_entries(degree)):
        slope = emit.constant(0.0)
        for (i, j), factor in entry.terms.items():
            if (i, j) not in products:
                products[i, j] = emit.multiply(a[i], a[j])
            slope = emit.multiply_add(products[i, j], emit.constant(factor), slope)
        slopes.store(place, slope)
        before = totals.get(entry.invariant, emit.constant(0.0))
        totals[entry.invariant] = emit.multiply_add(a[entry.harmonic], slope, before)
    for invariant, total in totals.items():
        invariants.store(invariant, emit.multiply(total, emit.constant(1 / 3)))


def _emit_backward(emit: Emitter, degree: int, channels: Any, gradient: Any, slopes: Any) -> None:
    """`gradient` holds derivatives by the invariants; those by the channels replace `channels`."""
    by_harmonic: dict[int, list[tuple[int, int]]] = {}
    for place, entry in enumerate(cubic_entries(degree)):
        by_harmonic.setdefault(entry.harmonic, []).append((place, entry.invariant))
    blocks = degree + 1 + len(cubic_couplings(degree))
    g = [gradient.load(block) for block in range(blocks)]
    channels.store(0, g[0])
    for l in range(1, degree + 1):
        twice = emit.multiply(g[l], emit.constant(2.0))
        for m in range(l * l, (l + 1) ** 2):
            total = emit.multiply(twice, channels.load(m))
            for place, invariant in by_harmonic.get(m, []):
                total = emit.multiply_add(g[invariant], slopes.load(place), total)
            channels.store(m, total)


def _written_out(emit_code: Any, degree: int) -> Any:
    def code(
        typing: Any,
        channels: types.CPointer,
        invariants: types.CPointer,
        slopes: types.CPointer,
        channel: types.Integer,
        width: types.Integer,
    ) -> Any:
        def generate(context: Any, builder: ir.IRBuilder, sig: Any, arguments: Any) -> Any:
            emit = Emitter(context, builder, channels.dtype)
            places = [context.cast(builder, arguments[k], sig.args[k], types.intp) for k in (3, 4)]
            memories = [emit.strided(memory, *places) for memory in arguments[:3]]
            emit_code(emit, degree, *memories)
            return context.get_dummy_value()

        return types.void(channels, invariants, slopes, channel, width), generate

    return intrinsic(code)


forward_1, forward_2, forward_3, forward_4 = (
    _written_out(_emit_forward, degree) for degree in range(1, MAX_DEGREE + 1)
)
backward_1, backward_2, backward_3, backward_4 = (
    _written_out(_emit_backward, degree) for degree in range(1, MAX_DEGREE + 1)
)
