"""Search for all pairs within a radius, in parts that threads share.

What is found depends neither on the number of threads nor on where a pair was found: neighbors and
ghosts are numbered in the order of their owners and shifts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.errors import InputError
from limlff.kernels.threads import threads_to_use
from limlff.neighbors.cells import SHIFT_LIMIT, Order, Task, compiled, image_code
from limlff.neighbors.points import Points, sort_points

_ATOMS_OF_A_PART = 512  # fewer are not worth a thread
_USUAL_SLOTS, _USUAL_GHOSTS = 96, 4096


@dataclass(frozen=True)
class _Part:
    """A part of the visits, and the codes of the ghosts that its atoms have as neighbors."""

    first: int
    last: int
    codes: Int[np.ndarray, " ghosts"]


@dataclass(frozen=True)
class Pairs:
    """What a search found.

    Attributes:
        counts: Number of neighbors of each atom.
        ghost_owner: Atom of which each ghost is the image, in the order of owner and shift.
        ghost_shift: Cell vectors between a ghost and its owner.
    """

    counts: Int[np.ndarray, " atoms"]
    ghost_owner: Int[np.ndarray, " ghosts"]
    ghost_shift: Int[np.ndarray, "ghosts 3"]
    _points: Points
    _lists: Int[np.ndarray, "columns slots"]
    _parts: list[_Part]
    _ranks: Int[np.ndarray, " found"]
    _is_ghost: Bool[np.ndarray, " ranks"]

    @property
    def visits(self) -> Int[np.ndarray, " atoms"]:
        """The atoms cube by cube."""
        return self._points.images[self._points.visits, 0]

    def put_in_order(self, slots: int) -> Int[np.ndarray, "columns slots"]:
        """Lists of neighbors by owner and shift, empty slots holding the atom itself.

        Args:
            slots: Width of the lists, at least the largest of `counts`.
        """
        atoms, columns, lists = len(self.counts), len(self._lists), self._lists
        index = np.empty(len(self._is_ghost), np.int64)
        index[~self._is_ghost] = np.arange(atoms)
        index[self._is_ghost] = columns + np.arange(len(self.ghost_owner))
        ghost_ranks = np.split(
            self._ranks[atoms:], np.cumsum([len(part.codes) for part in self._parts])[:-1]
        )
        orders = [
            Order(
                first=part.first,
                last=part.last,
                slots=lists.shape[1],
                images=self._points.images,
                visits=self._points.visits,
                lists=lists,
                counts=self.counts,
                atom_ranks=self._ranks,
                ghost_ranks=ranks,
                index=index,
                scratch=np.empty(lists.shape[1] + 1, np.int64),
            )
            for part, ranks in zip(self._parts, ghost_ranks, strict=True)
        ]
        _in_threads(compiled()[1], orders)
        lists[atoms:] = np.arange(atoms, columns)[:, None]
        width = lists.shape[1]
        if slots <= width:
            return np.ascontiguousarray(lists[:, :slots])
        more = np.repeat(np.arange(columns, dtype=lists.dtype)[:, None], slots - width, axis=1)
        return np.concatenate([lists, more], axis=1)


def search(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
    columns: int,
    slots: int = 0,
    ghosts: int = 0,
) -> Pairs:
    """All pairs of atoms and images closer than a radius.

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows, none of them zero (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance (Å).
        columns: Lists to make, at least the number of atoms.
        slots: Neighbors per atom expected, which saves a second search if they are enough.
        ghosts: The same of ghosts.

    Raises:
        InputError: If an atom is too many cells away from the cell.
    """
    atoms = len(positions)
    points = sort_points(np.asarray(positions, float), cell, periodic, radius)
    farthest = int(np.abs(points.images[:, 1:]).max(initial=0))
    if 2 * farthest >= SHIFT_LIMIT:
        raise InputError(
            f"an image of an atom is {farthest} cells away from it, {SHIFT_LIMIT // 2} at most are "
            "possible; wrap the positions first"
        )
    slots, ghosts = slots or _USUAL_SLOTS, max(ghosts, _USUAL_GHOSTS)
    while True:
        lists = np.empty((columns, slots), np.int32)
        counts = np.zeros(atoms, np.int64)
        parts = _search_parts(points, lists, counts, radius, ghosts)
        if parts is None:
            ghosts *= 2
        elif counts.max(initial=0) > slots:
            slots = int(counts.max())
        else:
            break
    nothing = np.zeros(atoms, np.int64)
    own = image_code(np.arange(atoms), nothing, nothing, nothing)
    codes, ranks = np.unique(
        np.concatenate([own, *(part.codes for part in parts)]), return_inverse=True
    )
    is_ghost = np.ones(len(codes), bool)
    is_ghost[ranks[:atoms]] = False
    owner, shift = _decoded(codes[is_ghost])
    return Pairs(counts, owner, shift, points, lists, parts, ranks, is_ghost)


def _search_parts(
    points: Points, lists: np.ndarray, counts: np.ndarray, radius: float, ghosts: int
) -> list[_Part] | None:
    """Search in parts; None if there was not room for so many ghosts."""
    atoms = len(counts)
    number = max(1, min(threads_to_use(), atoms // _ATOMS_OF_A_PART))
    bounds = [part * atoms // number for part in range(number + 1)]
    table_size = 1 << (2 * ghosts - 1).bit_length()
    tasks = [
        Task(
            first=first,
            last=last,
            slots=lists.shape[1],
            room=ghosts,
            table_size=table_size,
            places=points.places,
            images=points.images,
            cubes=points.cubes,
            starts=points.starts,
            grid=points.grid,
            visits=points.visits,
            limit=np.array([radius * radius]),
            lists=lists,
            counts=counts,
            table=np.full(table_size, -1, np.int64),
            codes=np.empty(ghosts, np.int64),
            found=np.zeros(1, np.int64),
            candidates=np.empty(len(points.places) + 1, np.int64),
        )
        for first, last in pairwise(bounds)
    ]
    if any(_in_threads(compiled()[0], tasks)):
        return None
    return [_Part(task.first, task.last, task.codes[: int(task.found[0])]) for task in tasks]


def _decoded(
    codes: Int[np.ndarray, " ghosts"],
) -> tuple[Int[np.ndarray, " ghosts"], Int[np.ndarray, "ghosts 3"]]:
    """Owners and shifts of codes."""
    base, shifts = 2 * SHIFT_LIMIT, []
    for _ in range(3):
        codes, shift = np.divmod(codes, base)
        shifts.append(shift - SHIFT_LIMIT)
    return codes, np.column_stack(shifts[::-1])


def _in_threads(function: Callable[[int], int], tasks: Sequence[Task | Order]) -> list[int]:
    """What a compiled function returns for each task."""
    words = [
        np.array([w.ctypes.data if isinstance(w, np.ndarray) else w for w in task], np.int64)
        for task in tasks
    ]
    if len(words) == 1:
        return [function(words[0].ctypes.data)]
    return list(_pool(len(words)).map(function, [own.ctypes.data for own in words]))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "limlff-neighbors")
