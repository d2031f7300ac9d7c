"""Search for all pairs within a radius, in parts that threads share.

What is found depends neither on the number of threads nor on where a pair was found: neighbors and
ghosts are numbered in the order of their owners and shifts.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.neighbors.cells import ORDER, SEARCH, Order, Task, code_strides, image_code
from limlff.neighbors.geometry import Geometry, checked_geometry, refuse_too_many
from limlff.neighbors.points import Points, points_of
from limlff.simd.machine_code import Program, callable_of
from limlff.simd.threads import threads_to_use
from limlff.simd.words import call

_ATOMS_OF_A_PART = 512  # fewer are not worth a thread
_USUAL_NEIGHBORS, _USUAL_GHOSTS = 96, 4096
_GHOSTS_WHERE_NONE_ARE_EXPECTED = 64


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
    _lists: Int[np.ndarray, "atoms neighbors"]
    _parts: list[_Part]
    _atom_ranks: Int[np.ndarray, " atoms"]
    _ghost_ranks: list[Int[np.ndarray, " ghosts"]]
    _is_ghost: Bool[np.ndarray, " ranks"]

    @property
    def visits(self) -> Int[np.ndarray, " atoms"]:
        """The atoms that have lists, cube by cube."""
        return self._points.images[self._points.visits, 0]

    def put_in_order(self, neighbors: int) -> Int[np.ndarray, "atoms neighbors"]:
        """Lists of neighbors by owner and shift, padded ones being the atom itself.

        Args:
            neighbors: Width of the lists, at least the largest of `counts`.
        """
        atoms, columns, lists = len(self.counts), len(self._lists), self._lists
        index = np.empty(len(self._is_ghost), np.int64)
        index[~self._is_ghost] = np.arange(atoms)
        index[self._is_ghost] = columns + np.arange(len(self.ghost_owner))
        orders = [
            Order(
                first=part.first,
                last=part.last,
                neighbors=lists.shape[1],
                points=self._points,
                lists=lists,
                counts=self.counts,
                atom_ranks=self._atom_ranks,
                ghost_ranks=ranks,
                index=index,
                scratch=np.empty(lists.shape[1] + 1, np.int64),
            )
            for part, ranks in zip(self._parts, self._ghost_ranks, strict=True)
        ]
        _in_threads(ORDER, orders)
        listed = len(self._points.visits)
        lists[listed:] = np.arange(listed, columns)[:, None]
        width = lists.shape[1]
        if neighbors <= width:
            return np.ascontiguousarray(lists[:, :neighbors])
        more = np.repeat(np.arange(columns, dtype=lists.dtype)[:, None], neighbors - width, axis=1)
        return np.concatenate([lists, more], axis=1)


def search(
    geometry: Geometry, columns: int, neighbors: int = 0, ghosts: int = 0, listed: int | None = None
) -> Pairs:
    """All pairs of atoms and images closer than a radius.

    Args:
        geometry: Positions, cell without zero vectors, and radius, as they were checked.
        columns: Lists to make, at least the number of atoms.
        neighbors: Neighbors per atom expected, which saves a second search if they are enough.
        ghosts: The same of ghosts.
        listed: Atoms that get lists, the first ones; all if it is None.

    Raises:
        InputError: If the search would be absurdly large.
    """
    atoms, points = len(geometry.positions), _points_visited(geometry, listed)
    strides = code_strides(atoms, points.spread.tolist())
    neighbors, ghosts = neighbors or _USUAL_NEIGHBORS, max(ghosts, _USUAL_GHOSTS)
    while True:
        lists = np.empty((columns, neighbors), np.int32)
        counts = np.zeros(atoms, np.int64)
        parts = _search_parts(points, strides, lists, counts, geometry.radius, ghosts)
        if parts is None:
            ghosts *= 2
        elif counts.max(initial=0) > neighbors:
            neighbors = int(counts.max())
            refuse_too_many(geometry, neighbors, columns)
        else:
            break
    found = [part.codes for part in parts]
    codes, ranks = np.unique(np.concatenate(found), return_inverse=True)
    # atoms stand between ghosts in the order of owners and shifts, and are in order themselves
    before_atom = np.searchsorted(codes, image_code(np.arange(atoms), 0, 0, 0, strides))
    atom_ranks = np.arange(atoms) + before_atom
    is_ghost = np.ones(atoms + len(codes), bool)
    is_ghost[atom_ranks] = False
    ghost_ranks = np.flatnonzero(is_ghost)[ranks]
    owner, shift = _decoded(codes, points.spread)
    bounds = np.cumsum([len(each) for each in found])[:-1]
    return Pairs(
        counts,
        owner,
        shift,
        points,
        lists,
        parts,
        atom_ranks,
        np.split(ghost_ranks, bounds),
        is_ghost,
    )


def _points_visited(geometry: Geometry, listed: int | None) -> Points:
    """Points of a geometry, of whose atoms the first ones are visited; all if it is None."""
    points = points_of(geometry)
    if listed is None:
        return points
    of_atom = points.images[points.visits, 0]
    return points._replace(visits=points.visits[of_atom < listed])


def has_pair_within(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> bool:
    """Whether any two atoms or images are closer than a radius, by a search of its own.

    Much cheaper than a list of pairs while there are none, as for distances that no atoms have.

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows, none of them zero (Å).
        periodic: Periodicity along each cell vector.
        radius: Distance (Å).
    """
    geometry = checked_geometry(positions, cell, periodic, radius)
    points, atoms = points_of(geometry), len(geometry.positions)
    counts = np.zeros(atoms, np.int64)
    nowhere = np.empty((atoms, 0), np.int32)
    strides = code_strides(atoms, points.spread.tolist())
    ghosts = _GHOSTS_WHERE_NONE_ARE_EXPECTED
    parts = _search_parts(points, strides, nowhere, counts, geometry.radius, ghosts)
    return parts is None or bool(counts.any())


def _search_parts(
    points: Points,
    strides: Int[np.ndarray, "4"],
    lists: np.ndarray,
    counts: np.ndarray,
    radius: float,
    ghosts: int,
) -> list[_Part] | None:
    """Search in parts; None if there was not room for so many ghosts."""
    atoms = len(points.visits)
    number = max(1, min(threads_to_use(), atoms // _ATOMS_OF_A_PART))
    bounds = [part * atoms // number for part in range(number + 1)]
    table_size = 1 << (2 * ghosts - 1).bit_length()
    tasks = [
        Task(
            first=first,
            last=last,
            neighbors=lists.shape[1],
            room=ghosts,
            table_size=table_size,
            points=points,
            limit=np.array([radius * radius]),
            strides=strides,
            lists=lists,
            counts=counts,
            table=np.full(table_size, -1, np.int64),
            codes=np.empty(ghosts, np.int64),
            found=np.zeros(1, np.int64),
            candidates=np.empty(len(points.places) + 1, np.int64),
        )
        for first, last in pairwise(bounds)
    ]
    if any(_in_threads(SEARCH, tasks)):
        return None
    return [_Part(task.first, task.last, task.codes[: int(task.found[0])]) for task in tasks]


def _decoded(
    codes: Int[np.ndarray, " ghosts"], spread: Int[np.ndarray, "3"]
) -> tuple[Int[np.ndarray, " ghosts"], Int[np.ndarray, "ghosts 3"]]:
    """Owners and shifts of codes, see `limlff.neighbors.cells.image_code`."""
    shifts = []
    for largest in spread[::-1]:
        codes, shift = np.divmod(codes, 2 * largest + 1)
        shifts.append(shift - largest)
    return codes, np.column_stack(shifts[::-1])


def _in_threads(program: Program, tasks: Sequence[Task | Order]) -> list[int]:
    """What a compiled function returns for each task."""
    function = callable_of(program)
    if len(tasks) == 1:
        return [call(function, tasks[0])]
    return list(_pool(len(tasks)).map(partial(call, function), tasks))


@cache
def _pool(threads: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(threads, "limlff-neighbors")
