"""Search for all pairs within a radius, in parts that threads share.

What is found depends neither on the number of threads nor on where a pair was found: neighbors and
ghosts are numbered in the order of their owners and shifts.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache

import numpy as np
from jaxtyping import Float, Int

from limlff.errors import InputError
from limlff.kernels.threads import threads_to_use
from limlff.neighbors.cells import SHIFT_LIMIT, Task, compiled, image_code
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
        is_ghost = np.ones(atoms + len(self.ghost_owner), bool)
        is_ghost[self._ranks[:atoms]] = False
        index = np.empty(len(is_ghost), np.int64)
        index[~is_ghost] = np.arange(atoms)
        index[is_ghost] = columns + np.arange(len(self.ghost_owner))
        ghost_ranks = np.split(
            self._ranks[atoms:], np.cumsum([len(part.codes) for part in self._parts])[:-1]
        )
        tasks = [
            _Arrays(
                self._points,
                lists,
                self.counts,
                table=self._ranks,
                codes=np.ascontiguousarray(ranks),
                found=index,
                candidates=np.empty(lists.shape[1] + 1, np.int64),
            ).task(part.first, part.last, 0.0)
            for part, ranks in zip(self._parts, ghost_ranks, strict=True)
        ]
        _in_threads(compiled()[1], tasks)
        lists[atoms:] = np.arange(atoms, columns)[:, None]
        width = lists.shape[1]
        if slots <= width:
            return np.ascontiguousarray(lists[:, :slots])
        more = np.repeat(np.arange(columns, dtype=lists.dtype)[:, None], slots - width, axis=1)
        return np.concatenate([lists, more], axis=1)


@dataclass(frozen=True)
class _Arrays:
    """Arrays of a task, kept as long as it may be used."""

    points: Points
    lists: np.ndarray
    counts: np.ndarray
    table: np.ndarray
    codes: np.ndarray
    found: np.ndarray
    candidates: np.ndarray

    def task(self, first: int, last: int, radius: float) -> _Words:
        """The task of some of the visits."""
        limit, points = np.array([radius * radius]), self.points
        words = Task(
            first,
            last,
            self.lists.shape[1],
            len(self.codes),
            len(self.table),
            *(
                array.ctypes.data
                for array in (
                    points.places,
                    points.images,
                    points.cubes,
                    points.starts,
                    points.grid,
                    points.visits,
                    limit,
                    self.lists,
                    self.counts,
                    self.table,
                    self.codes,
                    self.found,
                    self.candidates,
                )
            ),
        )
        return _Words(np.array(words, np.int64), (self, limit))


@dataclass(frozen=True)
class _Words:
    """A task as the compiled functions read it, and what its addresses point to."""

    words: Int[np.ndarray, " words"]
    kept: object


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
    return Pairs(counts, owner, shift, points, lists, parts, ranks)


def _search_parts(
    points: Points, lists: np.ndarray, counts: np.ndarray, radius: float, ghosts: int
) -> list[_Part] | None:
    """Search in parts; None if there was not room for so many ghosts."""
    atoms = len(counts)
    number = max(1, min(threads_to_use(), atoms // _ATOMS_OF_A_PART))
    bounds = [part * atoms // number for part in range(number + 1)]
    works = [
        _Arrays(
            points,
            lists,
            counts,
            table=np.full(1 << (2 * ghosts - 1).bit_length(), -1, np.int64),
            codes=np.empty(ghosts, np.int64),
            found=np.zeros(1, np.int64),
            candidates=np.empty(len(points.places) + 1, np.int64),
        )
        for _ in range(number)
    ]
    tasks = [
        work.task(first, last, radius)
        for work, first, last in zip(works, bounds[:-1], bounds[1:], strict=True)
    ]
    if any(_in_threads(compiled()[0], tasks)):
        return None
    return [
        _Part(first, last, work.codes[: int(work.found[0])])
        for work, first, last in zip(works, bounds[:-1], bounds[1:], strict=True)
    ]


def _decoded(
    codes: Int[np.ndarray, " ghosts"],
) -> tuple[Int[np.ndarray, " ghosts"], Int[np.ndarray, "ghosts 3"]]:
    """Owners and shifts of codes."""
    base, shifts = 2 * SHIFT_LIMIT, []
    for _ in range(3):
        codes, shift = np.divmod(codes, base)
        shifts.append(shift - SHIFT_LIMIT)
    return codes, np.column_stack(shifts[::-1])


def _in_threads(function: Callable[[int], int], tasks: list[_Words]) -> list[int]:
    addresses = [task.words.ctypes.data for task in tasks]
    if len(addresses) == 1:
        return [function(addresses[0])]
    return list(_pool(len(addresses)).map(function, addresses))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "limlff-neighbors")
