"""Neighbor lists of structures that are computed again and again, each kept while it is complete.

A list belongs to the `Atoms` object that it was made for, so that the images of a path that share a
calculator get the lists that separate calculators would have, bit for bit. A list whose object is
gone is taken over by the next structure that it is complete for, as where code copies the atoms at
each step.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from ase import Atoms
from jaxtyping import Float

from limlff.atom_arrays import arrays_of
from limlff.neighbors.choice import choose_builder
from limlff.neighbors.geometry import full_cell
from limlff.neighbors.host import Capacity, bucket
from limlff.neighbors.matrix import NeighborMatrix
from limlff.neighbors.skin import list_is_complete

MOST_LISTS = 32
"""Lists that are kept at most; a path of more images builds lists at each step."""

MOST_BYTES = 1 << 28
"""Memory of lists that are kept at most; one is kept whatever it takes."""


class _Geometry(NamedTuple):
    """What a neighbor matrix depends on; positions padded, cell without zero vectors."""

    atoms: int
    periodic: tuple[bool, ...]
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]


@dataclass(eq=False)
class KeptList:
    """A neighbor matrix and what it was built for.

    Attributes:
        matrix: The matrix, on the device.
        far_apart: Whether no atoms can touch as long as the list is complete; set by its user.
    """

    matrix: NeighborMatrix
    _owner: weakref.ref[Atoms]
    _reference: _Geometry
    _bytes: int
    far_apart: bool = False


class SkinNeighbors:
    """Neighbor matrices of a few structures that change step by step.

    Args:
        cutoff: Cutoff of the potential (Å).
        skin: What is listed beyond it (Å).
    """

    def __init__(self, cutoff: float, skin: float) -> None:
        self._cutoff = cutoff
        self._skin = skin
        self._size = 0
        self._capacity = Capacity(1, 0)
        self._lists: list[KeptList] = []  # the one used last stands last

    def update(self, atoms: Atoms) -> KeptList:
        """A list that holds all pairs within the cutoff of `atoms`."""
        now = _geometry(atoms)
        kept = self._of(atoms, now)
        if kept is not None:
            self._lists.remove(kept)
        if kept is None or not self._is_complete(kept, now):
            kept = self._build(atoms, now)
        self._lists.append(kept)
        self._forget()
        return kept

    def _of(self, atoms: Atoms, now: _Geometry) -> KeptList | None:
        """The list of this object; else one whose object is gone, if it is complete for it."""
        for kept in self._lists:
            if kept._owner() is atoms:
                return kept
        for kept in reversed(self._lists):
            if kept._owner() is None and self._is_near(kept, now) and self._is_complete(kept, now):
                kept._owner = weakref.ref(atoms)
                return kept
        return None

    def _is_near(self, kept: KeptList, now: _Geometry) -> bool:
        """Whether it is worth asking if a list is complete, which takes longer."""
        before = kept._reference.positions
        return before.shape == now.positions.shape and bool(
            np.abs(now.positions - before).max() <= self._skin
        )

    def _is_complete(self, kept: KeptList, now: _Geometry) -> bool:
        before = kept._reference
        if (now.atoms, now.periodic) != (before.atoms, before.periodic):
            return False
        return bool(
            list_is_complete(
                now.positions, now.cell, before.positions, before.cell, self._cutoff, self._skin
            )
        )

    def _build(self, atoms: Atoms, now: _Geometry) -> KeptList:
        size = len(now.positions)
        if size != self._size:  # another size compiles again anyway: start from its own capacity
            self._size, self._capacity = size, Capacity(1, 0)
        matrix, self._capacity = choose_builder()(
            now.positions[: now.atoms],
            arrays_of(atoms).cell,
            np.array(now.periodic),
            self._cutoff + self._skin,
            self._capacity,
            size,
        )
        memory = sum(array.nbytes for array in jax.tree.leaves(matrix))
        return KeptList(jax.device_put(matrix), weakref.ref(atoms), now, memory)

    def _forget(self) -> None:
        """Let go of the lists that were not used for longest, beyond the limits."""
        memory = 0
        for place, kept in enumerate(reversed(self._lists)):
            memory += kept._bytes
            if place and (place >= MOST_LISTS or memory > MOST_BYTES):
                del self._lists[: len(self._lists) - place]
                return


def _geometry(atoms: Atoms) -> _Geometry:
    arrays = arrays_of(atoms)
    count = len(arrays.numbers)
    padded = np.pad(arrays.positions, ((0, rounded_size(count) - count), (0, 0)))
    return _Geometry(count, tuple(arrays.periodic.tolist()), padded, full_cell(arrays.cell))


def rounded_size(atoms: int) -> int:
    """Size of the padded arrays for so many atoms: the next of 8 sizes per power of two."""
    step = max(8, 1 << max(0, (atoms - 1).bit_length() - 4))
    return bucket(atoms, step, headroom=1.0)
