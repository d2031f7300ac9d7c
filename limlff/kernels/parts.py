"""A call of the moment kernel: atoms divided into parts, and these among threads.

Each part adds to forces of its own, which are summed in the order of the parts: the result does not
depend on the number of threads.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from limlff.kernels.foreign import (
    EXTENSION,
    address_of,
    answer_metadata,
    float32_at,
    float64_at,
    input_of,
    int32_at,
    int64_at,
    result_of,
)
from limlff.kernels.lanes import behind, kernel_function, part_of_caller, width_of
from limlff.kernels.layout import Atoms, Net, Sizes, lay_out
from limlff.kernels.moment import evaluate
from limlff.kernels.threads import allocate, c_entry, release, start, wait


class Call(NamedTuple):
    """What one call is about, as whole numbers; the same order as in `_call_of`."""

    parts: int
    threads: int
    atoms: int
    ghosts: int
    slots: int
    scratch_numbers: int
    scratch_integers: int


@kernel_function
def _sizes_of(frame):
    s = int64_at(input_of(frame, np.int64(0)))
    return Sizes(
        s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13]
    )


@kernel_function
def _call_of(frame):
    s = behind(int64_at(input_of(frame, np.int64(0))), 14)
    return Call(s[0], s[1], s[2], s[3], s[4], s[5], s[6])


@kernel_function
def _clear(memory, count):
    for i in range(count):
        memory[i] = 0.0


# What precedes the forces of a part: virial, first and last atom that it may act on, and ghost.
_HEAD = 10


@kernel_function
def _clear_reach(own, forces, atoms, first, last, call):
    """Find the ranges of atoms and ghosts on which a part acts, and set their forces to zero."""
    low, high, low_ghost, high_ghost = (
        call.atoms,
        np.int64(-1),
        call.atoms + call.ghosts,
        np.int64(-1),
    )
    for visit in range(first, last):
        i = np.int64(atoms.visits[visit])
        low, high = min(low, i), max(high, i)
        neighbors = behind(atoms.neighbors, i * atoms.slots)
        for k in range(atoms.slots):
            j = np.int64(neighbors[k])
            if j < call.atoms:
                low, high = min(low, j), max(high, j)
            else:
                low_ghost, high_ghost = min(low_ghost, j), max(high_ghost, j)
    own[6], own[7], own[8], own[9] = low, high, low_ghost, high_ghost
    for i in range(low, high + 1):
        _clear(behind(forces, 3 * i), np.int64(3))
    for i in range(low_ghost, high_ghost + 1):
        _clear(behind(forces, 3 * i), np.int64(3))


@part_of_caller
def _evaluate_parts(frame, sums, weights, numbers, integers, lanes, thread):
    """The parts that fall to a thread: every so many, from its number on."""
    call, sizes = _call_of(frame), _sizes_of(frame)
    extended = call.atoms + call.ghosts
    _clear(numbers, call.scratch_numbers)
    buffers = lay_out(numbers, integers, sizes, lanes, call.slots)
    atoms = Atoms(
        int32_at(input_of(frame, np.int64(5))),
        float64_at(input_of(frame, np.int64(6))),
        int32_at(input_of(frame, np.int64(7))),
        int32_at(input_of(frame, np.int64(9))),
        call.slots,
    )
    net = Net(
        weights,
        int64_at(input_of(frame, np.int64(2))),
        int64_at(input_of(frame, np.int64(3))),
        sizes,
    )
    tables = float64_at(input_of(frame, np.int64(1)))
    energies = float64_at(result_of(frame, np.int64(0)))
    part = thread
    while part < call.parts:
        first = part * call.atoms // call.parts
        last = (part + 1) * call.atoms // call.parts
        own = behind(sums, part * (_HEAD + 3 * extended))
        virial, forces = own, behind(own, _HEAD)
        _clear(virial, np.int64(6))
        for visit in range(first, last):
            energies[atoms.visits[visit]] = 0.0
        _clear_reach(own, forces, atoms, first, last, call)
        evaluate(first, last, atoms, net, tables, buffers, energies, forces, virial)
        part += call.threads


@kernel_function
def _sum_parts(frame, sums):
    """Forces and virial of all parts; forces on ghosts are given to their owners."""
    call = _call_of(frame)
    owners = int32_at(input_of(frame, np.int64(8)))
    forces = float64_at(result_of(frame, np.int64(1)))
    virial = float64_at(result_of(frame, np.int64(2)))
    extended = call.atoms + call.ghosts
    for k in range(6):
        virial[k] = 0.0
    _clear(forces, 3 * call.atoms)
    for part in range(call.parts):
        own = behind(sums, part * (_HEAD + 3 * extended))
        on = behind(own, _HEAD)
        for k in range(6):
            virial[k] += own[k]
        for k in range(3 * int(own[6]), 3 * int(own[7]) + 3):
            forces[k] += on[k]
        for ghost in range(int(own[8]), int(own[9]) + 1):
            on_owner = behind(forces, 3 * np.int64(owners[ghost - call.atoms]))
            for axis in range(3):
                on_owner[axis] += on[3 * ghost + axis]


# What a thread is given, as 8-byte words: frame, sums, its number, handle.
_WORDS = 4


def _thread(numbers_at: Any, dtype: str) -> Any:
    """Work of one thread in one arithmetic; its argument is the address of the thread's words."""
    lanes, number_bytes = width_of(dtype), np.dtype(dtype).itemsize

    @kernel_function
    def thread(task):
        words = int64_at(task)
        frame = int64_at(words[0])
        call = _call_of(frame)
        numbers = allocate((call.scratch_numbers * number_bytes,))
        integers = allocate((call.scratch_integers * 8,))
        _evaluate_parts(
            frame,
            float64_at(words[1]),
            numbers_at(input_of(frame, np.int64(4))),
            numbers_at(numbers),
            int64_at(integers),
            lanes,
            words[2],
        )
        release((numbers,))
        release((integers,))
        return 0

    return thread


thread_float32, thread_float64 = _thread(float32_at, "float32"), _thread(float64_at, "float64")


def threaded(work: Any) -> Any:
    """The foreign function: threads are started, the caller being the first of them."""
    entry = c_entry(work)

    @part_of_caller
    def run(frame):
        if frame[EXTENSION] != 0:
            return answer_metadata(frame)
        call = _call_of(frame)
        sums = allocate((call.parts * (_HEAD + 3 * (call.atoms + call.ghosts)) * 8,))
        tasks = allocate((call.threads * _WORDS * 8,))
        words = int64_at(tasks)
        for thread in range(call.threads):
            own = behind(words, thread * _WORDS)
            own[0], own[1], own[2] = address_of(frame), sums, thread
            # 0 marks a thread that runs
            address = tasks + thread * _WORDS * 8
            if thread == 0 or start(address + 24, entry(), address) != 0:
                own[3] = 0
        for thread in range(call.threads):
            own = behind(words, thread * _WORDS)
            if own[3] == 0:
                work(tasks + thread * _WORDS * 8)
        for thread in range(call.threads):
            own = behind(words, thread * _WORDS)
            if own[3] != 0:
                wait(own[3])
        _sum_parts(frame, float64_at(sums))
        release((tasks,))
        release((sums,))
        return 0

    return run
