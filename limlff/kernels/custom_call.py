"""The moment kernel as a foreign function of XLA on CPUs."""

from __future__ import annotations

import ctypes
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.kernels.call import plan_call
from limlff.kernels.machine_code import address_of
from limlff.kernels.packing import PackedModel
from limlff.kernels.parts import thread_float32, thread_float64, threaded
from limlff.kernels.threads import threads_to_use
from limlff.neighbors.matrix import NeighborMatrix

PARTS = 16
"""Into which the atoms are divided, for up to eight threads; several for each, since cores are not
equally fast. The first is an eighth of the whole."""
ATOMS_OF_A_PART = 64
"""Fewer atoms than this are not worth a part of their own."""

_run_float32, _run_float64 = threaded(thread_float32), threaded(thread_float64)


# Plain functions of the module, since numba cannot find others in its cache.
def call_float32(frame):
    """The kernel in float32; its argument is a call frame of XLA."""
    return _run_float32(frame)


def call_float64(frame):
    """The kernel in float64."""
    return _run_float64(frame)


@cache
def _register(dtype: str) -> str:
    """Make the kernel for one arithmetic known to XLA; its name there."""
    call = {"float32": call_float32, "float64": call_float64}[dtype]
    name = f"moment_{dtype}"
    address = ctypes.c_void_p(address_of(name, call))
    jax.ffi.register_ffi_target(f"limlff_{name}", jax.ffi.pycapsule(address), platform="cpu")
    return f"limlff_{name}"


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
    """
    dtype = str(packed.weights.dtype)
    atoms, slots = neighbors.lists.shape
    threads = threads_to_use()
    call = plan_call(
        packed.sizes,
        dtype,
        atoms=atoms,
        ghosts=len(neighbors.ghost_owner),
        slots=slots,
        parts=max(1, min(max(PARTS, 2 * threads), atoms // ATOMS_OF_A_PART)),
        threads=min(threads, max(1, atoms // ATOMS_OF_A_PART)),
    )
    shapes = (
        jax.ShapeDtypeStruct((atoms,), jnp.float64),
        jax.ShapeDtypeStruct((atoms, 3), jnp.float64),
        jax.ShapeDtypeStruct((6,), jnp.float64),
        jax.ShapeDtypeStruct((call.words,), jnp.float64),
    )
    energies, forces, virial, _ = jax.ffi.ffi_call(_register(dtype), shapes)(
        np.array([*packed.sizes, *call], np.int64),
        np.concatenate([[packed.cutoff], packed.repulsion.ravel()]),
        packed.segments,
        packed.widths,
        packed.weights,
        species,
        positions,
        cell,
        neighbors.lists,
        neighbors.ghost_owner,
        neighbors.ghost_shift,
        neighbors.visits,
    )
    xx, yy, zz, yz, xz, xy = virial
    return energies, forces, jnp.array([[xx, xy, xz], [xy, yy, yz], [xz, yz, zz]])
