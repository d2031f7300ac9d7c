"""The moment kernel as a foreign function of XLA on CPUs.

A call divides the atoms into parts and these among threads. Each part adds to forces of its own,
which are summed in the order of the parts: the result does not depend on the number of threads.
"""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numba import cfunc, types
from numba.extending import intrinsic

from limlff import precision as precision  # first: sets up jax
from limlff.compile_cache import numba_cache
from limlff.kernels.lanes import behind, kernel_function, part_of_caller, width_of
from limlff.kernels.layout import Atoms, Net, Sizes, lay_out, scratch_sizes
from limlff.kernels.moment import evaluate
from limlff.kernels.packing import PackedModel
from limlff.neighbors.matrix import NeighborMatrix
from limlff.kernels.threads import allocate, c_entry, release, start, threads_to_use, wait

ATOMS_OF_A_PART = 64
"""Fewer atoms than this are not worth a part of their own."""


class Call(NamedTuple):
    """What one call is about, as whole numbers; the same order as in `_call_of`."""

    parts: int
    threads: int
    atoms: int
    ghosts: int
    slots: int
    scratch_numbers: int
    scratch_integers: int


def _pointer_to(dtype: types.Type) -> Any:
    """A function that turns an address into a pointer to numbers of a type."""
    memory = types.CPointer(dtype)

    @intrinsic  # type: ignore[misc]
    def pointer(typing: Any, address: types.Integer) -> Any:
        def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
            return builder.inttoptr(arguments[0], context.get_value_type(memory))

        return memory(types.int64), generate

    return pointer


_float32_at, _float64_at = _pointer_to(types.float32), _pointer_to(types.float64)
_int32_at, _int64_at = _pointer_to(types.int32), _pointer_to(types.int64)

# Places in XLA's C structures, as 8-byte words, from xla/ffi/api/c_api.h: a call frame's extension,
# the addresses of its arguments and of its results; a buffer's data; the metadata of an extension.
_EXTENSION, _ARGUMENTS, _RESULTS, _DATA, _METADATA = 1, 9, 14, 3, 3
# Within the metadata, as 4-byte words: version of the interface for which this is written.
_MAJOR, _MINOR = (6, 0), (7, 1)


@kernel_function
def _answer_metadata(frame):  # type: ignore[no-untyped-def]
    """XLA asks first for which version of its interface a function was written."""
    metadata = _int32_at(_int64_at(frame[_EXTENSION])[_METADATA])
    metadata[_MAJOR[0]] = _MAJOR[1]
    metadata[_MINOR[0]] = _MINOR[1]
    return 0


@kernel_function
def _inputs(frame, k):  # type: ignore[no-untyped-def]
    """Address of the numbers of argument k."""
    return _int64_at(_int64_at(frame[_ARGUMENTS])[k])[_DATA]


@kernel_function
def _results(frame, k):  # type: ignore[no-untyped-def]
    """Address of the numbers of result k."""
    return _int64_at(_int64_at(frame[_RESULTS])[k])[_DATA]


@kernel_function
def _sizes_of(frame):  # type: ignore[no-untyped-def]
    s = _int64_at(_inputs(frame, np.int64(0)))
    return Sizes(
        s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13]
    )


@kernel_function
def _call_of(frame):  # type: ignore[no-untyped-def]
    s = behind(_int64_at(_inputs(frame, np.int64(0))), 14)
    return Call(s[0], s[1], s[2], s[3], s[4], s[5], s[6])


@kernel_function
def _clear(memory, count):  # type: ignore[no-untyped-def]
    for i in range(count):
        memory[i] = 0.0


# What precedes the forces of a part: virial, first and last atom that it may act on, and ghost.
_HEAD = 10


@kernel_function
def _clear_reach(own, forces, atoms, first, last, call):  # type: ignore[no-untyped-def]
    """Find the ranges of atoms and ghosts on which a part acts, and set their forces to zero."""
    low, high, low_ghost, high_ghost = call.atoms, np.int64(-1), call.atoms + call.ghosts, np.int64(-1)
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
def _evaluate_parts(frame, sums, weights, numbers, integers, lanes, thread):  # type: ignore[no-untyped-def]
    """The parts that fall to a thread: every so many, from its number on."""
    call, sizes = _call_of(frame), _sizes_of(frame)
    extended = call.atoms + call.ghosts
    _clear(numbers, call.scratch_numbers)
    buffers = lay_out(numbers, integers, sizes, lanes, call.slots)
    atoms = Atoms(
        _int32_at(_inputs(frame, np.int64(5))),
        _float64_at(_inputs(frame, np.int64(6))),
        _int32_at(_inputs(frame, np.int64(7))),
        _int32_at(_inputs(frame, np.int64(9))),
        call.slots,
    )
    net = Net(
        weights,
        _int64_at(_inputs(frame, np.int64(2))),
        _int64_at(_inputs(frame, np.int64(3))),
        sizes,
    )
    tables = _float64_at(_inputs(frame, np.int64(1)))
    energies = _float64_at(_results(frame, np.int64(0)))
    for part in range(thread, call.parts, call.threads):
        first = part * call.atoms // call.parts
        last = (part + 1) * call.atoms // call.parts
        own = behind(sums, part * (_HEAD + 3 * extended))
        virial, forces = own, behind(own, _HEAD)
        _clear(virial, np.int64(6))
        for visit in range(first, last):
            energies[atoms.visits[visit]] = 0.0
        _clear_reach(own, forces, atoms, first, last, call)
        evaluate(first, last, atoms, net, tables, buffers, energies, forces, virial)


@kernel_function
def _sum_parts(frame, sums):  # type: ignore[no-untyped-def]
    """Forces and virial of all parts; forces on ghosts are given to their owners."""
    call = _call_of(frame)
    owners = _int32_at(_inputs(frame, np.int64(8)))
    forces = _float64_at(_results(frame, np.int64(1)))
    virial = _float64_at(_results(frame, np.int64(2)))
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


@kernel_function
def _thread_float32(task):  # type: ignore[no-untyped-def]
    words = _int64_at(task)
    frame = _int64_at(words[0])
    call = _call_of(frame)
    numbers = allocate((call.scratch_numbers * 4,))
    integers = allocate((call.scratch_integers * 8,))
    weights = _float32_at(_inputs(frame, np.int64(4)))
    _evaluate_parts(
        frame,
        _float64_at(words[1]),
        weights,
        _float32_at(numbers),
        _int64_at(integers),
        8,
        words[2],
    )
    release((numbers,))
    release((integers,))
    return 0


@kernel_function
def _thread_float64(task):  # type: ignore[no-untyped-def]
    words = _int64_at(task)
    frame = _int64_at(words[0])
    call = _call_of(frame)
    numbers = allocate((call.scratch_numbers * 8,))
    integers = allocate((call.scratch_integers * 8,))
    weights = _float64_at(_inputs(frame, np.int64(4)))
    _evaluate_parts(
        frame,
        _float64_at(words[1]),
        weights,
        _float64_at(numbers),
        _int64_at(integers),
        4,
        words[2],
    )
    release((numbers,))
    release((integers,))
    return 0


def _threaded(work: Any) -> Any:
    """The foreign function: threads are started, the caller being the first of them."""
    entry = c_entry(work)

    @part_of_caller
    def run(frame):  # type: ignore[no-untyped-def]
        if frame[_EXTENSION] != 0:
            return _answer_metadata(frame)
        call = _call_of(frame)
        sums = allocate((call.parts * (_HEAD + 3 * (call.atoms + call.ghosts)) * 8,))
        tasks = allocate((call.threads * _WORDS * 8,))
        words = _int64_at(tasks)
        for thread in range(call.threads):
            own = behind(words, thread * _WORDS)
            own[0], own[1], own[2] = _address_of(frame), sums, thread
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
        _sum_parts(frame, _float64_at(sums))
        release((tasks,))
        release((sums,))
        return 0

    return run


@intrinsic  # type: ignore[misc]
def _address_of(typing: Any, memory: types.CPointer) -> Any:
    def generate(context: Any, builder: Any, sig: Any, arguments: Any) -> Any:
        return builder.ptrtoint(arguments[0], context.get_value_type(types.int64))

    return types.int64(memory), generate


_run_float32, _run_float64 = _threaded(_thread_float32), _threaded(_thread_float64)


# Plain functions of the module, since numba cannot find others in its cache.
def _call_float32(frame):  # type: ignore[no-untyped-def]
    return _run_float32(frame)


def _call_float64(frame):  # type: ignore[no-untyped-def]
    return _run_float64(frame)


@cache
def _register(dtype: str) -> str:
    """Compile the kernel for one arithmetic and make it known to XLA; its name there."""
    call = {"float32": _call_float32, "float64": _call_float64}[dtype]
    with numba_cache(Path(__file__).parent) as kept:
        compiled = cfunc(types.int64(types.CPointer(types.int64)), cache=kept)(call)
    name = f"limlff_moment_{dtype}"
    address = ctypes.cast(compiled.address, ctypes.c_void_p)
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform="cpu")
    _COMPILED.append(compiled)  # the address is only as good as the code that it points to
    return name


_COMPILED: list[Any] = []


def evaluate_on_cpu(
    packed: PackedModel,
    species: Int[Array, " extended"],
    positions: Float[Array, "extended 3"],
    neighbors: NeighborMatrix,
) -> tuple[Float[Array, " atoms"], Float[Array, "atoms 3"], Float[Array, "3 3"]]:
    """Energies, forces and virial of a moment model.

    Args:
        packed: The model.
        species: Element of each atom and ghost; -1 for empty atom slots.
        positions: Their positions (Å, float64).
        neighbors: All pairs within the cutoff; pairs beyond it do no harm.

    Returns:
        Energies without the baseline (eV), forces (eV/Å), virial (eV).
    """
    dtype = str(packed.weights.dtype)
    atoms, slots = neighbors.lists.shape
    threads = threads_to_use()
    call = Call(
        parts=max(1, min(max(4, threads), atoms // ATOMS_OF_A_PART)),
        threads=min(threads, max(1, atoms // ATOMS_OF_A_PART)),
        atoms=atoms,
        ghosts=len(neighbors.ghost_owner),
        slots=slots,
        scratch_numbers=scratch_sizes(packed.sizes, width_of(dtype), slots)[0],
        scratch_integers=scratch_sizes(packed.sizes, width_of(dtype), slots)[1],
    )
    shapes = (
        jax.ShapeDtypeStruct((atoms,), jnp.float64),
        jax.ShapeDtypeStruct((atoms, 3), jnp.float64),
        jax.ShapeDtypeStruct((6,), jnp.float64),
    )
    energies, forces, virial = jax.ffi.ffi_call(_register(dtype), shapes)(
        np.array([*packed.sizes, *call], np.int64),
        np.concatenate([[packed.cutoff], packed.repulsion.ravel()]),
        packed.segments,
        packed.widths,
        packed.weights,
        species,
        positions,
        neighbors.lists,
        neighbors.ghost_owner,
        neighbors.visits,
    )
    xx, yy, zz, yz, xz, xy = virial
    return energies, forces, jnp.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
