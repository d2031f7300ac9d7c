"""The moment kernel as a foreign function of XLA, which deals out parts of the atoms to threads.

A call has three phases (positions of atoms and ghosts, forces of the parts, their sum); one begins
when all parts of the one before are done.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from limlff.kernels.call import LINE, PHASES, THREAD, Arguments, Call, Results
from limlff.kernels.layout import BUNDLE, Net, Scratch, Sizes
from limlff.kernels.parts import clear, evaluate_part, extend, finish, sum_part
from limlff.simd.foreign import (
    EXTENSION,
    TYPES,
    answer_metadata,
    arguments_of,
    as_address,
    dtypes_of,
    error_of,
    float32_at,
    float64_at,
    has_types,
    int64_at,
    results_of,
)
from limlff.simd.lanes import kernel_function, offset, part_of_caller, variant, width_of
from limlff.simd.machine_code import Program
from limlff.simd.threads import c_entry, start, take_number, wait, wait_until
from limlff.simd.words import Whole, read, write


class _Thread(NamedTuple):
    """What a thread is given.

    Attributes:
        frame: Address of the call frame; 0 if the thread could not be started.
        memory: Address of the memory of the call.
        handle: The operating system's handle of the thread.
    """

    frame: Whole
    memory: Whole
    handle: Whole


_HANDLE = 8 * _Thread._fields.index("handle")


def _thread(numbers_at: Any, dtype: str) -> Any:
    """Work of one thread in one arithmetic; its argument is the address of its `_Thread`."""
    lanes = width_of(dtype)

    @kernel_function
    @variant(dtype)
    def thread(address):
        given = read(int64_at(address), _Thread)
        frame, memory = int64_at(given.frame), given.memory
        arguments, results = arguments_of(frame, Arguments), results_of(frame, Results)
        call, sizes = read(arguments.call, Call), read(arguments.sizes, Sizes)
        number = ((address - memory) // 8 - call.tasks) // THREAD
        place = memory + 8 * (call.scratch + number * call.scratch_words)
        clear(float64_at(place), 0, call.scratch_words)
        integers = int64_at(place + 8 * call.integers)
        scratch = Scratch(
            numbers=numbers_at(place),
            doubles=float64_at(place + 8 * call.doubles),
            integers=offset(integers, BUNDLE * lanes),
            chosen=integers,
            neighbors=call.neighbors,
            lanes=lanes,
        )
        net = Net(numbers_at(arguments.weights), arguments.segments, arguments.widths, sizes)
        for phase in range(PHASES):
            dealt = offset(int64_at(memory), 2 * phase * LINE)
            done = offset(dealt, LINE)
            part = take_number(dealt)
            while part < call.parts:
                if phase == 0:
                    extend(arguments, call, memory, part)
                elif phase == 1:
                    evaluate_part(arguments, results.energies, call, memory, net, scratch, part)
                else:
                    sum_part(results.forces, call, memory, part)
                take_number(done)
                part = take_number(dealt)
            wait_until(done, call.parts)
        return 0

    return thread


_make_error = error_of("an array is not of the type that the kernel reads; call it in float64")


def _threaded(work: Any, dtype: str) -> Any:
    """The foreign function: threads are started, the caller being the first of them."""
    entry = c_entry(work)
    arguments = tuple(TYPES[kind] for kind in dtypes_of(Arguments, dtype))
    results = tuple(TYPES[kind] for kind in dtypes_of(Results, dtype))

    @part_of_caller
    @variant(dtype)
    def run(frame):
        if frame[EXTENSION] != 0:
            return answer_metadata(frame)
        if not has_types(frame, arguments, results):
            return _make_error(frame)
        given, made = arguments_of(frame, Arguments), results_of(frame, Results)
        call = read(given.call, Call)
        memory = (as_address(made.memory) + 63) // 64 * 64
        clear(float64_at(memory), 0, call.extended)
        for thread in range(call.threads - 1, -1, -1):
            address = memory + 8 * (call.tasks + thread * THREAD)
            write(int64_at(address), _Thread(as_address(frame), memory, 0))
            # one that cannot be started is not missed: the others take its parts
            if thread == 0:
                work(address)
            elif start(address + _HANDLE, entry(), address) != 0:
                write(int64_at(address), _Thread(0, 0, 0))
        for thread in range(1, call.threads):
            started = read(int64_at(memory + 8 * (call.tasks + thread * THREAD)), _Thread)
            if started.frame != 0:
                wait(started.handle)
        finish(given.owners, made.forces, made.virial, call, memory)
        return 0

    return run


_run_float32 = _threaded(_thread(float32_at, "float32"), "float32")
_run_float64 = _threaded(_thread(float64_at, "float64"), "float64")


# Plain functions of the module, since numba cannot find others in its cache.
def call_float32(frame):
    """The kernel in float32; its argument is a call frame of XLA."""
    return _run_float32(frame)


def call_float64(frame):
    """The kernel in float64."""
    return _run_float64(frame)


_SOURCES = (
    *(
        f"kernels/{name}.py"
        for name in (
            "call",
            "contractions",
            "descriptor",
            "harmonics",
            "invariants",
            "layout",
            "moment",
            "neighborhoods",
            "pair_terms",
            "parts",
            "program",
            "pull_back",
            "radial",
            "readout",
        )
    ),
    "models/angular.py",
    "models/repulsion.py",
)
MOMENT = {
    "float32": Program("moment_float32", call_float32, _SOURCES),
    "float64": Program("moment_float64", call_float64, _SOURCES),
}
"""The kernel in each arithmetic."""
