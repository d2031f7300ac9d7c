"""Threads of the operating system for the parts of a kernel.

XLA runs calls of foreign functions one after the other, and numba's own threads need Python; a call
of a kernel lasts milliseconds, against which starting a thread (20 µs) is cheap.
"""

from __future__ import annotations

import os
import sys
from typing import Any

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from limlff.simd.lanes import kernel_function

_WORD = ir.IntType(64)
_ADDRESS = ir.IntType(8).as_pointer()


def threads_to_use() -> int:
    """`LIMLFF_THREADS`, or else the number of cores that this process may use."""
    chosen = os.environ.get("LIMLFF_THREADS", "")
    if chosen.isdigit() and int(chosen) > 0:
        return int(chosen)
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def c_function(name: str, takes: list[ir.Type], gives: ir.Type) -> Any:
    """A function of the C library whose arguments and result are addresses or whole numbers."""

    @intrinsic(prefer_literal=False)
    def call(typing: Any, arguments: types.BaseTuple) -> Any:
        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            words = cgutils.unpack_tuple(builder, values[0])
            converted = [
                builder.inttoptr(word, kind) if isinstance(kind, ir.PointerType) else word
                for word, kind in zip(words, takes, strict=True)
            ]
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(gives, takes), name
            )
            result = builder.call(function, converted)
            if isinstance(gives, ir.VoidType):
                return ir.Constant(_WORD, 0)
            if isinstance(gives, ir.PointerType):
                return builder.ptrtoint(result, _WORD)
            return builder.sext(result, _WORD)

        return types.int64(arguments), generate

    return call


_create = c_function("pthread_create", [_ADDRESS] * 4, ir.IntType(32))
_yield_core = c_function("sched_yield", [], ir.IntType(32))
_join = c_function("pthread_join", [_WORD, _ADDRESS], ir.IntType(32))


@intrinsic
def take_number(typing: Any, counter: types.CPointer) -> Any:
    """The counter's value, which grows by one; no two threads get the same."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.atomic_rmw("add", arguments[0], ir.Constant(_WORD, 1), "seq_cst")

    return types.int64(counter), generate


@intrinsic
def _value_now(typing: Any, counter: types.CPointer) -> Any:
    """The counter's value, as other threads see it."""

    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.load_atomic(arguments[0], "seq_cst", 8)

    return types.int64(counter), generate


def c_entry(work: Any) -> Any:
    """Address of a C function that calls a kernel function with its one argument, an address."""

    @intrinsic
    def address(typing: Any) -> Any:
        work.compile((types.int64,))
        compiled = work.overloads[(types.int64,)]

        def generate(context: Any, builder: Any, sig: Any, values: Any) -> Any:
            context.active_code_library.add_linking_library(compiled.library)
            name = f"{compiled.fndesc.mangled_name}.entry"
            kind = ir.FunctionType(_ADDRESS, [_ADDRESS])
            function = ir.Function(builder.module, kind, name)
            function.linkage = "internal"
            inner = ir.IRBuilder(function.append_basic_block("entry"))
            argument = inner.ptrtoint(function.args[0], _WORD)
            context.call_internal_no_propagate(
                inner, compiled.fndesc, compiled.signature, [argument]
            )
            inner.ret(ir.Constant(_ADDRESS, None))
            return builder.ptrtoint(function, _WORD)

        return types.int64(), generate

    return address


if sys.platform == "win32":  # there are no pthreads

    @kernel_function
    def start(handle, entry, argument):
        """No thread is started; the caller does the work itself."""
        return 1

    @kernel_function
    def wait(handle):
        """Nothing to wait for."""
        return 0

    @kernel_function
    def wait_until(counter, value):
        """Nobody else counts."""

else:

    @kernel_function
    def start(handle, entry, argument):
        """Start a thread; 0 if it runs, else the caller must do the work itself.

        Args:
            handle: Address where its 8-byte handle is kept.
            entry: Address of a C function, see `c_entry`.
            argument: Address that it is given.
        """
        return _create((handle, 0, entry, argument))

    @kernel_function
    def wait(handle):
        """Wait for the end of a thread, by the handle itself."""
        return _join((handle, 0))

    @kernel_function
    def wait_until(counter, value):
        """Wait until other threads have counted to a value."""
        while _value_now(counter) < value:
            _yield_core(())
