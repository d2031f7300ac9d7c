"""The moment kernel as a custom call of XLA on CPUs."""

from __future__ import annotations

import ctypes
from functools import cache
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int
from numba import cfunc, types
from numba.extending import intrinsic

from limlff import precision as precision  # first: sets up jax
from limlff.compile_cache import numba_cache
from limlff.kernels.lanes import kernel_function, width_of
from limlff.kernels.layout import Atoms, Net, Sizes, lay_out, scratch_sizes
from limlff.kernels.moment import evaluate
from limlff.kernels.packing import PackedModel


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
def _clear(memory, count):  # type: ignore[no-untyped-def]
    for i in range(count):
        memory[i] = 0.0


@kernel_function
def _run(frame, weights, numbers, lanes):  # type: ignore[no-untyped-def]
    """One call: `weights` and the scratch space `numbers` are in the arithmetic of the kernel."""
    inputs, results = _int64_at(frame[_ARGUMENTS]), _int64_at(frame[_RESULTS])
    s = _int64_at(_int64_at(inputs[0])[_DATA])
    sizes = Sizes(
        s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13]
    )
    first, last, slots = s[14], s[15], s[16]
    energies = _float64_at(_int64_at(results[0])[_DATA])
    forces = _float64_at(_int64_at(results[1])[_DATA])
    virial = _float64_at(_int64_at(results[2])[_DATA])
    _clear(energies, s[17])
    _clear(forces, 3 * s[18])
    _clear(virial, np.int64(6))
    _clear(numbers, s[19])
    atoms = Atoms(
        _int32_at(_int64_at(inputs[5])[_DATA]),
        _float64_at(_int64_at(inputs[6])[_DATA]),
        _int32_at(_int64_at(inputs[7])[_DATA]),
        slots,
    )
    segments, widths = _int64_at(_int64_at(inputs[2])[_DATA]), _int64_at(_int64_at(inputs[3])[_DATA])
    net = Net(weights, segments, widths, sizes)
    buffers = lay_out(numbers, _int64_at(_int64_at(results[4])[_DATA]), sizes, lanes, slots)
    tables = _float64_at(_int64_at(inputs[1])[_DATA])
    evaluate(first, last, atoms, net, tables, buffers, energies, forces, virial)
    return 0


def _call_float32(frame):  # type: ignore[no-untyped-def]
    if frame[_EXTENSION] != 0:
        return _answer_metadata(frame)
    weights = _int64_at(_int64_at(frame[_ARGUMENTS])[4])[_DATA]
    numbers = _int64_at(_int64_at(frame[_RESULTS])[3])[_DATA]
    return _run(frame, _float32_at(weights), _float32_at(numbers), 8)


def _call_float64(frame):  # type: ignore[no-untyped-def]
    if frame[_EXTENSION] != 0:
        return _answer_metadata(frame)
    weights = _int64_at(_int64_at(frame[_ARGUMENTS])[4])[_DATA]
    numbers = _int64_at(_int64_at(frame[_RESULTS])[3])[_DATA]
    return _run(frame, _float64_at(weights), _float64_at(numbers), 4)


@cache
def _register(dtype: str) -> str:
    """Compile the kernel for one arithmetic and make it known to XLA; its name there."""
    call = {"float32": _call_float32, "float64": _call_float64}[dtype]
    with numba_cache(Path(__file__).parent) as kept:
        compiled = cfunc(types.int64(types.CPointer(types.int64)), cache=kept)(call)
    name = f"limlff_moment_{dtype}"
    address = ctypes.cast(compiled.address, ctypes.c_void_p)
    jax.ffi.register_ffi_target(name, jax.ffi.pycapsule(address), platform="cpu")
    # the address is only as good as the code that it points to
    _COMPILED.append(compiled)
    return name


_COMPILED: list[Any] = []

# XLA runs independent calls on different cores. Their number does not depend on that of the cores,
# so that sums, and with them results, do not either.
PARTS = 4
ATOMS_OF_A_PART = 64


def evaluate_on_cpu(
    packed: PackedModel,
    species: Int[Array, " extended"],
    positions: Float[Array, "extended 3"],
    lists: Int[Array, "atoms slots"],
) -> tuple[Float[Array, " atoms"], Float[Array, "extended 3"], Float[Array, "3 3"]]:
    """Energies, forces and virial of a moment model.

    Args:
        packed: The model.
        species: Element of each atom and ghost; -1 for empty atom slots.
        positions: Their positions (Å, float64).
        lists: Neighbors of each atom; an empty slot holds the atom itself.

    Returns:
        Energies without the baseline (eV), forces on atoms and ghosts (eV/Å), virial (eV).
    """
    dtype = str(packed.weights.dtype)
    name = _register(dtype)
    atoms, slots = lists.shape
    extended = len(positions)
    numbers, integers = scratch_sizes(packed.sizes, width_of(dtype), slots)
    shapes = (
        jax.ShapeDtypeStruct((atoms,), jnp.float64),
        jax.ShapeDtypeStruct((extended, 3), jnp.float64),
        jax.ShapeDtypeStruct((6,), jnp.float64),
        jax.ShapeDtypeStruct((numbers,), packed.weights.dtype),
        jax.ShapeDtypeStruct((integers,), jnp.int64),
    )
    call = jax.ffi.ffi_call(name, shapes)
    parts = min(PARTS, -(-atoms // ATOMS_OF_A_PART))
    borders = np.linspace(0, atoms, parts + 1).astype(int)
    cutoff_and_tables = np.concatenate([[packed.cutoff], packed.repulsion.ravel()])
    results = []
    for first, last in zip(borders[:-1], borders[1:], strict=True):
        sizes = np.array([*packed.sizes, first, last, slots, atoms, extended, numbers], np.int64)
        results.append(
            call(
                sizes,
                cutoff_and_tables,
                packed.segments,
                packed.widths,
                packed.weights,
                species,
                positions,
                lists,
            )[:3]
        )
    energies, forces, virial = (sum(terms[1:], terms[0]) for terms in zip(*results, strict=True))
    xx, yy, zz, yz, xz, xy = virial
    return energies, forces, jnp.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
