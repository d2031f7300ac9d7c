"""The moment kernel as a foreign function of XLA on CPUs."""

from __future__ import annotations

import ctypes
from threading import Lock
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff.errors import InputError
from limlff.kernels.call import plan_call
from limlff.kernels.packing import PackedModel
from limlff.kernels.parts import ARGUMENTS, RESULTS, thread_float32, thread_float64, threaded
from limlff.neighbors.matrix import NeighborMatrix
from limlff.precision import require_float64
from limlff.simd.machine_code import address_of
from limlff.simd.threads import threads_to_use

PARTS = 16
"""Into which the atoms are divided, for up to eight threads; several for each, since cores are not
equally fast. The first is an eighth of the whole."""
ATOMS_OF_A_PART = 64
"""Fewer atoms than this are not worth a part of their own."""

_LOCK, _REGISTERED = Lock(), set[str]()

_run_float32 = threaded(thread_float32, "float32")
_run_float64 = threaded(thread_float64, "float64")


# Plain functions of the module, since numba cannot find others in its cache.
def call_float32(frame):
    """The kernel in float32; its argument is a call frame of XLA."""
    return _run_float32(frame)


def call_float64(frame):
    """The kernel in float64."""
    return _run_float64(frame)


def _register(dtype: str) -> str:
    """Make the kernel for one arithmetic known to XLA; its name there."""
    call = {"float32": call_float32, "float64": call_float64}[dtype]
    name = f"moment_{dtype}"
    with _LOCK:  # XLA refuses a second function of a name
        if name not in _REGISTERED:
            address = ctypes.c_void_p(address_of(name, call))
            capsule = jax.ffi.pycapsule(address)
            jax.ffi.register_ffi_target(f"limlff_{name}", capsule, platform="cpu")
            _REGISTERED.add(name)
    return f"limlff_{name}"


def _as_argument(name: str, value: Any, dtype: str, shape: tuple[int, ...]) -> Any:
    """An argument of the type and the shape that the kernel reads; NumPy arrays remain such.

    Raises:
        InputError: If the shape is another, or jax cannot make such an array.
    """
    if isinstance(value, np.ndarray):
        array: Any = np.ascontiguousarray(value, dtype)
    else:
        array = jnp.asarray(value, dtype)
    if array.dtype != dtype or array.shape != shape:
        raise InputError(
            f"{name}: an array of {array.dtype} of the shape {array.shape}; the kernel needs one "
            f"of {dtype} of the shape {shape}"
        )
    return array


def evaluate_on_cpu(
    packed: PackedModel,
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> tuple[Float[Array, " atoms"], Float[Array, "atoms 3"], Float[Array, "3 3"]]:
    """Energies, forces and virial of a moment model.

    Args:
        packed: The model.
        species: Element of each atom; -1 for empty atom slots.
        positions: Positions (Å, float64).
        cell: Cell vectors as rows (Å, float64).
        neighbors: All pairs within the cutoff; pairs beyond it do no harm.

    Returns:
        Energies without the baseline (eV), forces (eV/Å), virial (eV).

    Raises:
        InputError: If an array has a wrong shape, or float64 is switched off in jax.
    """
    require_float64()
    dtype = str(packed.weights.dtype)
    atoms, slots = neighbors.lists.shape
    ghosts = len(neighbors.ghost_owner)
    threads = threads_to_use()
    call = plan_call(
        packed.sizes,
        dtype,
        atoms=atoms,
        ghosts=ghosts,
        slots=slots,
        parts=max(1, min(max(PARTS, 2 * threads), atoms // ATOMS_OF_A_PART)),
        threads=min(threads, max(1, atoms // ATOMS_OF_A_PART)),
    )
    numbers = np.array([*packed.sizes, *call], np.int64)
    tables = np.concatenate([[packed.cutoff], packed.repulsion.ravel()])
    values = (
        (numbers, numbers.shape),
        (tables, (1 + 3 * packed.sizes.elements**2,)),
        (packed.segments, packed.segments.shape),
        (packed.widths, (packed.sizes.layers + 1,)),
        (packed.weights, (packed.sizes.elements, packed.sizes.weights)),
        (species, (atoms,)),
        (positions, (atoms, 3)),
        (cell, (3, 3)),
        (neighbors.lists, (atoms, slots)),
        (neighbors.ghost_owner, (ghosts,)),
        (neighbors.ghost_shift, (ghosts, 3)),
        (neighbors.visits, (atoms,)),
    )
    arguments = [
        _as_argument(name, value, kind or dtype, shape)
        for (name, kind), (value, shape) in zip(ARGUMENTS, values, strict=True)
    ]
    shapes = ((atoms,), (atoms, 3), (6,), (call.words,))
    results = [
        jax.ShapeDtypeStruct(shape, kind) for shape, kind in zip(shapes, RESULTS, strict=True)
    ]
    energies, forces, virial, _ = jax.ffi.ffi_call(_register(dtype), results)(*arguments)
    xx, yy, zz, yz, xz, xy = virial
    return energies, forces, jnp.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
