"""Arrays of an ASE structure that a potential needs, with checked types.

ASE passes on whatever a user has put into `atoms.arrays`: single precision, lists, transposed or
read-only views, numbers that are no elements. Everything is converted to contiguous float64 arrays
here, once, or refused.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from ase import Atoms
from ase.data import chemical_symbols
from jaxtyping import Bool, Float, Int

from limlff.errors import InputError
from limlff.quantities import LARGEST_LENGTH


class AtomArrays(NamedTuple):
    """Elements and geometry of a structure.

    Attributes:
        numbers: Atomic numbers, 0 to 118.
        positions: Positions, finite (Å).
        cell: Cell vectors as rows, finite (Å).
        periodic: Periodicity along each cell vector.
    """

    numbers: Int[np.ndarray, " atoms"]
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    periodic: Bool[np.ndarray, "3"]


def arrays_of(atoms: Atoms) -> AtomArrays:
    """Arrays of a structure, copied only where their type has to change.

    Raises:
        InputError: If it has no atoms, or an array is not that of a structure.
    """
    count = len(atoms)
    if count == 0:
        raise InputError("the structure has no atoms; nothing can be computed for it")
    numbers = _numbers(atoms.arrays["numbers"], count)
    positions = _reals(atoms.arrays["positions"], "positions", (count, 3))
    outside = ~(np.abs(positions) <= LARGEST_LENGTH).all(axis=1)
    if outside.any():
        index = int(np.flatnonzero(outside)[0])
        who, where = f"atom {index} ({chemical_symbols[numbers[index]]})", positions[index]
        if np.isfinite(where).all():
            raise InputError(
                f"{who} is at {where} Å; the limit is {LARGEST_LENGTH:.0e} Å, because farther out "
                "double precision loses forces: wrap the atoms into the cell or correct the file"
            )
        raise InputError(
            f"{who} is at {where}; positions must be finite: the run before has diverged or the "
            "file is damaged"
        )
    cell = _reals(atoms.cell.array, "cell", (3, 3))
    if not (np.abs(cell) <= LARGEST_LENGTH).all():
        raise InputError(
            f"the cell is {cell.tolist()}; its vectors must be finite and at most "
            f"{LARGEST_LENGTH:.0e} Å: correct the cell"
        )
    return AtomArrays(numbers, positions, cell, np.asarray(atoms.pbc, bool))


def _reals(values: Any, name: str, shape: tuple[int, ...]) -> Float[np.ndarray, "..."]:
    if np.ma.is_masked(values):
        raise InputError(f"{name} of the structure are masked in part; give all of them a value")
    try:
        array = np.asarray(values)
    except ValueError as error:  # rows of different lengths
        raise InputError(f"{name} of the structure are no array: {str(error)[:80]}") from error
    if array.dtype.kind not in "fiu" or array.shape != shape:
        raise InputError(
            f"{name} of the structure are {array.dtype} of shape {array.shape}; real numbers of "
            f"shape {shape} are needed"
        )
    return np.ascontiguousarray(array, np.float64)


def _numbers(values: Any, count: int) -> Int[np.ndarray, " atoms"]:
    given = _reals(values, "atomic numbers", (count,))
    known = (given >= 0) & (given < len(chemical_symbols)) & (given == np.floor(given))
    if not known.all():
        index = int(np.flatnonzero(~known)[0])
        raise InputError(
            f"atom {index} has the atomic number {given[index]:g}; whole numbers from 1 to "
            f"{len(chemical_symbols) - 1} are elements: correct the structure"
        )
    return given.astype(np.int64)
