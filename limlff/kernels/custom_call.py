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
from limlff.kernels.call import Arguments, Call, Results, plan_call
from limlff.kernels.layout import Sizes
from limlff.kernels.packing import PackedModel
from limlff.kernels.program import MOMENT
from limlff.neighbors.matrix import NeighborMatrix
from limlff.precision import require_float64
from limlff.simd.foreign import dtypes_of
from limlff.simd.machine_code import address_of
from limlff.simd.threads import threads_to_use

PARTS = 16
"""Into which the atoms are divided, for up to eight threads; several for each, since cores are not
equally fast. The first is an eighth of the whole."""
ATOMS_OF_A_PART = 64
"""Fewer atoms than this are not worth a part of their own."""

_LOCK, _REGISTERED = Lock(), set[str]()


def _register(dtype: str) -> str:
    """Make the kernel for one arithmetic known to XLA; its name there."""
    name = f"limlff_{MOMENT[dtype].name}"
    with _LOCK:  # XLA refuses a second function of a name
        if name not in _REGISTERED:
            capsule = jax.ffi.pycapsule(ctypes.c_void_p(address_of(MOMENT[dtype])))
            jax.ffi.register_ffi_target(name, capsule, platform="cpu")
            _REGISTERED.add(name)
    return name


def _array(name: str, value: Any, needed: jax.ShapeDtypeStruct) -> Any:
    """An array of the type and the shape that the kernel reads; NumPy arrays remain such.

    Raises:
        InputError: If the shape is another, or jax cannot make such an array.
    """
    if isinstance(value, np.ndarray):
        array: Any = np.ascontiguousarray(value, needed.dtype)
    else:
        array = jnp.asarray(value, needed.dtype)
    if array.dtype != needed.dtype or array.shape != needed.shape:
        raise InputError(
            f"{name}: an array of {array.dtype} of the shape {array.shape}; the kernel needs one "
            f"of {needed.dtype} of the shape {needed.shape}"
        )
    return array


def _needed_arrays(shapes: Arguments | Results, dtype: str) -> list[jax.ShapeDtypeStruct]:
    """Shapes with the types that the kernel's declaration gives to them."""
    kinds = dtypes_of(type(shapes), dtype)
    return [jax.ShapeDtypeStruct(shape, kind) for shape, kind in zip(shapes, kinds, strict=True)]


def _plan(sizes: Sizes, dtype: str, neighbors: NeighborMatrix) -> Call:
    atoms, width = neighbors.lists.shape
    threads, most_parts = threads_to_use(), atoms // ATOMS_OF_A_PART
    return plan_call(
        sizes,
        dtype,
        atoms=atoms,
        ghosts=len(neighbors.ghost_owner),
        neighbors=width,
        parts=max(1, min(max(PARTS, 2 * threads), most_parts)),
        threads=min(threads, max(1, most_parts)),
    )


def _shapes(packed: PackedModel, call: Call) -> tuple[Arguments, Results]:
    """Shapes of what the kernel is given, and of what it gives."""
    sizes, atoms, ghosts = packed.sizes, call.atoms, call.ghosts
    arguments = Arguments(
        sizes=(len(sizes),),
        call=(len(call),),
        tables=(1 + 3 * sizes.elements**2,),
        segments=packed.segments.shape,
        widths=(sizes.layers + 1,),
        weights=(sizes.elements, sizes.weights),
        species=(atoms,),
        positions=(atoms, 3),
        cell=(3, 3),
        lists=(atoms, call.neighbors),
        owners=(ghosts,),
        shifts=(ghosts, 3),
        visits=(atoms,),
    )
    return arguments, Results((atoms,), (atoms, 3), (6,), (call.words,))


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
        species: Element of each atom; -1 for padded atoms.
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
    call = _plan(packed.sizes, dtype, neighbors)
    given = Arguments(
        sizes=np.array(packed.sizes),
        call=np.array(call),
        tables=np.concatenate([[packed.cutoff], packed.repulsion.ravel()]),
        segments=packed.segments,
        widths=packed.widths,
        weights=packed.weights,
        species=species,
        positions=positions,
        cell=cell,
        lists=neighbors.lists,
        owners=neighbors.ghost_owner,
        shifts=neighbors.ghost_shift,
        visits=neighbors.visits,
    )
    shapes, result_shapes = _shapes(packed, call)
    needed = _needed_arrays(shapes, dtype)
    arguments = map(_array, Arguments._fields, given, needed)
    results = _needed_arrays(result_shapes, dtype)
    energies, forces, virial, _ = jax.ffi.ffi_call(_register(dtype), results)(*arguments)
    xx, yy, zz, yz, xz, xy = virial
    return energies, forces, jnp.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
