"""A call of the moment kernel: atoms divided into parts, which are dealt out to threads.

Each part adds to forces of its own, which are summed in the order of the parts: the result does not
depend on the number of threads, nor on which of them did what. A call has three phases (positions
of atoms and ghosts, forces of the parts, their sum); one begins when all parts of the one before
are done.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from limlff.kernels.call import HEAD, LINE, PHASES, TASK, call_of, sizes_of
from limlff.kernels.layout import BUNDLE, Atoms, Net, Scratch
from limlff.kernels.moment import evaluate
from limlff.simd.foreign import (
    EXTENSION,
    TYPES,
    address_of,
    answer_metadata,
    error_of,
    float32_at,
    float64_at,
    has_types,
    input_of,
    int32_at,
    int64_at,
    result_of,
)
from limlff.simd.lanes import (
    behind,
    kernel_function,
    load,
    part_of_caller,
    prefetch,
    store,
    width_of,
)
from limlff.simd.quads import QUAD
from limlff.simd.threads import c_entry, start, take_number, wait, wait_until

# Arguments of the foreign function and their types; the first are sizes and call, and the weights
# are in the kernel's arithmetic.
ARGUMENTS = (
    ("numbers", "int64"),
    ("tables", "float64"),
    ("segments", "int64"),
    ("widths", "int64"),
    ("weights", None),
    ("species", "int32"),
    ("positions", "float64"),
    ("cell", "float64"),
    ("lists", "int32"),
    ("owners", "int32"),
    ("shifts", "float64"),
    ("visits", "int32"),
)
RESULTS = ("float64",) * 4
_TABLES, _SEGMENTS, _WIDTHS, _WEIGHTS, _SPECIES = range(1, 6)
_POSITIONS, _CELL, _LISTS, _OWNERS, _SHIFTS, _VISITS = range(6, 12)
_ENERGIES, _FORCES, _VIRIAL, _MEMORY = range(4)

_ATOMS_OF_A_BUNDLE = BUNDLE * width_of("float32")
_EXTEND, _EVALUATE = 0, 1  # phases; the third is the sum
_AHEAD = 4  # atoms whose lists are fetched ahead, since they are scattered in memory
_NUMBERS_OF_A_LINE = 16  # of 4 bytes


@kernel_function
def _first_of(part, parts, count):
    """Where a part of so many begins, if all are equal."""
    return part * count // parts


@kernel_function
def _first_visit_of(part, parts, atoms):
    """Where a part of the atoms begins.

    Parts become smaller and smaller, each in proportion to how many follow it: those dealt out last
    decide how long threads wait for each other. They begin where a bundle would.
    """
    if part == parts:
        return atoms
    left = parts - part
    bundle = np.int64(_ATOMS_OF_A_BUNDLE)
    return atoms * (parts * parts - left * left) // (parts * parts) // bundle * bundle


@kernel_function
def _extend(frame, call, memory, part):
    """Positions and elements of a part of the atoms and ghosts, in quads."""
    species = int32_at(input_of(frame, np.int64(_SPECIES)))
    positions = float64_at(input_of(frame, np.int64(_POSITIONS)))
    cell = float64_at(input_of(frame, np.int64(_CELL)))
    owners = int32_at(input_of(frame, np.int64(_OWNERS)))
    shifts = float64_at(input_of(frame, np.int64(_SHIFTS)))
    total = call.atoms + call.ghosts
    for i in range(_first_of(part, call.parts, total), _first_of(part + 1, call.parts, total)):
        quad = float64_at(memory + 8 * (call.extended + QUAD * i))
        if i < call.atoms:
            own = behind(positions, 3 * i)
            quad[0], quad[1], quad[2], quad[3] = own[0], own[1], own[2], species[i]
        else:
            owner = np.int64(owners[i - call.atoms])
            own, shift = behind(positions, 3 * owner), behind(shifts, 3 * (i - call.atoms))
            for axis in range(3):
                quad[axis] = own[axis] + (
                    shift[0] * cell[axis] + shift[1] * cell[3 + axis] + shift[2] * cell[6 + axis]
                )
            quad[3] = species[owner]


@kernel_function
def _clear(memory, first, last):
    for i in range(first, last):
        memory[i] = 0.0


@kernel_function
def _find_reach(own, atoms, first, last, call):
    """Find the ranges of atoms and ghosts on which a part acts."""
    # whole numbers of 4 bytes and no branches, so that the compiler uses SIMD
    border = np.int32(call.atoms)
    end = np.int32(call.atoms + call.ghosts)
    low, high, low_ghost, high_ghost = border, np.int32(-1), end, np.int32(-1)
    for visit in range(first, last):
        i = atoms.visits[visit]
        low, high = min(low, i), max(high, i)
        soon = np.int64(atoms.visits[min(visit + _AHEAD, last - 1)])
        for k in range(0, atoms.slots, _NUMBERS_OF_A_LINE):
            prefetch(behind(atoms.neighbors, soon * atoms.slots + k))
        neighbors = behind(atoms.neighbors, np.int64(i) * atoms.slots)
        for k in range(atoms.slots):
            j = neighbors[k]
            is_atom = j < border
            low, high_ghost = min(low, j), max(high_ghost, j)
            high = max(high, j if is_atom else np.int32(-1))
            low_ghost = min(low_ghost, end if is_atom else j)
    own[6], own[7], own[8], own[9] = low, high, low_ghost, high_ghost


@part_of_caller
def _evaluate_part(frame, call, sizes, memory, net, scratch, part):
    """Energies of a part of the atoms; their forces and virial, added up for the part."""
    atoms = Atoms(
        float64_at(memory + 8 * call.extended),
        int32_at(input_of(frame, np.int64(_LISTS))),
        int32_at(input_of(frame, np.int64(_VISITS))),
        call.slots,
    )
    energies = float64_at(result_of(frame, np.int64(_ENERGIES)))
    first = _first_visit_of(part, call.parts, call.atoms)
    last = _first_visit_of(part + 1, call.parts, call.atoms)
    own = float64_at(memory + 8 * (call.sums + part * call.sum_words))
    forces = behind(own, HEAD)
    _clear(own, 0, 6)
    _find_reach(own, atoms, first, last, call)
    _clear(forces, QUAD * np.int64(own[6]), QUAD * (np.int64(own[7]) + 1))
    _clear(forces, QUAD * np.int64(own[8]), QUAD * (np.int64(own[9]) + 1))
    for visit in range(first, last):
        energies[atoms.visits[visit]] = 0.0
    tables = float64_at(input_of(frame, np.int64(_TABLES)))
    evaluate(first, last, atoms, net, tables, scratch, energies, forces, own)


@kernel_function
def _sum_part(frame, call, memory, part):
    """Forces of all parts on a part of the atoms and ghosts; on ghosts in place of positions."""
    total = call.atoms + call.ghosts
    begin, end = _first_of(part, call.parts, total), _first_of(part + 1, call.parts, total)
    on_atoms = float64_at(result_of(frame, np.int64(_FORCES)))
    on_all = float64_at(memory + 8 * call.extended)
    _clear(on_atoms, 3 * min(begin, call.atoms), 3 * min(end, call.atoms))
    _clear(on_all, QUAD * max(begin, call.atoms), QUAD * max(end, call.atoms))
    for other in range(call.parts):
        own = float64_at(memory + 8 * (call.sums + other * call.sum_words))
        forces = behind(own, HEAD)
        for i in range(max(begin, np.int64(own[6])), min(end, np.int64(own[7]) + 1)):
            for axis in range(3):
                on_atoms[3 * i + axis] += forces[QUAD * i + axis]
        for i in range(max(begin, np.int64(own[8])), min(end, np.int64(own[9]) + 1)):
            store(on_all, i, load(on_all, i) + load(forces, i))


@kernel_function
def _finish(frame, call, memory):
    """Give forces on ghosts to their owners; sum the virial."""
    owners = int32_at(input_of(frame, np.int64(_OWNERS)))
    forces = float64_at(result_of(frame, np.int64(_FORCES)))
    virial = float64_at(result_of(frame, np.int64(_VIRIAL)))
    for ghost in range(call.ghosts):
        on_ghost = float64_at(memory + 8 * (call.extended + QUAD * (call.atoms + ghost)))
        on_owner = behind(forces, 3 * np.int64(owners[ghost]))
        for axis in range(3):
            on_owner[axis] += on_ghost[axis]
    _clear(virial, 0, 6)
    for part in range(call.parts):
        own = float64_at(memory + 8 * (call.sums + part * call.sum_words))
        for k in range(6):
            virial[k] += own[k]


def _thread(numbers_at: Any, dtype: str) -> Any:
    """Work of one thread in one arithmetic; its argument is the address of the thread's task."""
    lanes = width_of(dtype)

    @kernel_function
    def thread(task):
        words = int64_at(task)
        frame, memory = int64_at(words[0]), words[1]
        call, sizes = call_of(frame), sizes_of(frame)
        counters = int64_at(memory)
        number = (task - memory) // 8 - call.tasks
        place = memory + 8 * (call.scratch + number // TASK * call.scratch_words)
        _clear(float64_at(place), 0, call.scratch_words)
        integers = int64_at(place + 8 * call.integers)
        scratch = Scratch(
            numbers_at(place),
            float64_at(place + 8 * call.doubles),
            behind(integers, BUNDLE * lanes),
            integers,
            call.slots,
            lanes,
        )
        net = Net(
            numbers_at(input_of(frame, np.int64(_WEIGHTS))),
            int64_at(input_of(frame, np.int64(_SEGMENTS))),
            int64_at(input_of(frame, np.int64(_WIDTHS))),
            sizes,
        )
        for phase in range(PHASES):
            given = behind(counters, 2 * phase * LINE)
            done = behind(given, LINE)
            part = take_number(given)
            while part < call.parts:
                if phase == _EXTEND:
                    _extend(frame, call, memory, part)
                elif phase == _EVALUATE:
                    _evaluate_part(frame, call, sizes, memory, net, scratch, part)
                else:
                    _sum_part(frame, call, memory, part)
                take_number(done)
                part = take_number(given)
            wait_until(done, call.parts)
        return 0

    return thread


thread_float32, thread_float64 = _thread(float32_at, "float32"), _thread(float64_at, "float64")


_make_error = error_of("an array is not of the type that the kernel reads; call it in float64")


def threaded(work: Any, dtype: str) -> Any:
    """The foreign function: threads are started, the caller being the first of them."""
    entry = c_entry(work)
    arguments = tuple(TYPES[kind or dtype] for _, kind in ARGUMENTS)
    results = tuple(TYPES[kind] for kind in RESULTS)

    @part_of_caller
    def run(frame):
        if frame[EXTENSION] != 0:
            return answer_metadata(frame)
        if not has_types(frame, arguments, results):
            return _make_error(frame)
        call = call_of(frame)
        memory = (result_of(frame, np.int64(_MEMORY)) + 63) // 64 * 64
        _clear(float64_at(memory), 0, call.extended)
        for thread in range(call.threads - 1, -1, -1):
            address = memory + 8 * (call.tasks + thread * TASK)
            task = int64_at(address)
            task[0], task[1] = address_of(frame), memory
            # one that cannot be started is not missed: the others take its parts
            if thread == 0:
                work(address)
            elif start(address + 16, entry(), address) != 0:
                task[0] = 0
        for thread in range(1, call.threads):
            task = int64_at(memory + 8 * (call.tasks + thread * TASK))
            if task[0] != 0:
                wait(task[2])
        _finish(frame, call, memory)
        return 0

    return run
