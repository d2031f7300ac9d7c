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
from limlff.real_arrays import real_array

_STRUCTURE = "the structure"


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
    positions = real_array(atoms.arrays["positions"], (count, 3), "positions", _STRUCTURE)
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
    cell = real_array(atoms.cell.array, (3, 3), "cell", _STRUCTURE)
    if not (np.abs(cell) <= LARGEST_LENGTH).all():
        raise InputError(
            f"the cell is {cell.tolist()}; its vectors must be finite and at most "
            f"{LARGEST_LENGTH:.0e} Å: correct the cell"
        )
    return AtomArrays(numbers, positions, cell, np.asarray(atoms.pbc, bool))


def _numbers(values: Any, count: int) -> Int[np.ndarray, " atoms"]:
    given = real_array(values, (count,), "atomic numbers", _STRUCTURE)
    known = (given >= 0) & (given < len(chemical_symbols)) & (given == np.floor(given))
    if not known.all():
        index = int(np.flatnonzero(~known)[0])
        raise InputError(
            f"atom {index} has the atomic number {given[index]:g}; whole numbers from 1 to "
            f"{len(chemical_symbols) - 1} are elements: correct the structure"
        )
    return given.astype(np.int64)
