"""Search for neighbors among points in cubes, compiled; runs without Python, so also in threads.

An image that is a neighbor becomes a ghost. A ghost is known by a code of its owner and shift, and
each part of the search numbers its ghosts in the order in which it finds them; the parts are put
together, and the neighbors of each atom put in order, in a second step.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

from numba import types

from limlff.kernels.foreign import float64_at, int32_at, int64_at
from limlff.kernels.lanes import behind, kernel_function
from limlff.kernels.machine_code import address_of

SHIFT_LIMIT = 1 << 11
"""Shifts must be smaller, so that three of them and an owner fit into one 64-bit code."""

# 2^64 over the golden ratio, signed: upper bits of a multiple depend on all bits of a code
_SPREADING = -7046029254386353131
_DONE, _NO_ROOM = 0, 1


class Task(NamedTuple):
    """A part of a search: whole numbers and arrays, of int64 where nothing else is said.

    Attributes:
        first: First visit of the part.
        last: Behind the last.
        slots: Width of the lists.
        room: Ghosts for which there is room.
        table_size: Size of the hash table, a power of two.
        places: Places of points (float64), see `limlff.neighbors.points`, as are the next five.
        images: Owners and shifts.
        cubes: Cubes.
        starts: First points of cubes.
        grid: Number of cubes, and how many the radius reaches.
        visits: Points that are atoms.
        limit: Square of the radius (float64).
        lists: Neighbors of each atom (int32, atoms x slots): an atom, or -1 less number of a ghost.
        counts: Number of neighbors of each atom, also if they are more than slots.
        table: Hash table: number of a ghost, or -1.
        codes: Code of each ghost.
        found: Number of ghosts.
        candidates: Scratch space, one more than points.
    """

    first: Any
    last: Any
    slots: Any
    room: Any
    table_size: Any
    places: Any
    images: Any
    cubes: Any
    starts: Any
    grid: Any
    visits: Any
    limit: Any
    lists: Any
    counts: Any
    table: Any
    codes: Any
    found: Any
    candidates: Any


class Order(NamedTuple):
    """A part of the lists that shall be put in order: whole numbers and arrays, as in a `Task`.

    Attributes:
        first: First visit of the part.
        last: Behind the last.
        slots: Width of the lists.
        images: Owners and shifts of points.
        visits: Points that are atoms.
        lists: Neighbors of each atom as the search left them (int32).
        counts: Number of neighbors of each atom.
        atom_ranks: Rank of each atom in the order of owners and shifts.
        ghost_ranks: Rank of each ghost of the part.
        index: What stands in the lists for each rank.
        scratch: One more than slots.
    """

    first: Any
    last: Any
    slots: Any
    images: Any
    visits: Any
    lists: Any
    counts: Any
    atom_ranks: Any
    ghost_ranks: Any
    index: Any
    scratch: Any


def image_code(owner, x, y, z):
    """One integer per owner and shift, in the order of both; of NumPy arrays, too."""
    base = 2 * SHIFT_LIMIT
    return ((owner * base + x + SHIFT_LIMIT) * base + y + SHIFT_LIMIT) * base + z + SHIFT_LIMIT


_image_code = kernel_function(image_code)


@kernel_function
def _task_of(words):
    return Task(
        words[0],
        words[1],
        words[2],
        words[3],
        words[4],
        float64_at(words[5]),
        int64_at(words[6]),
        int64_at(words[7]),
        int64_at(words[8]),
        int64_at(words[9]),
        int64_at(words[10]),
        float64_at(words[11]),
        int32_at(words[12]),
        int64_at(words[13]),
        int64_at(words[14]),
        int64_at(words[15]),
        int64_at(words[16]),
        int64_at(words[17]),
    )


@kernel_function
def _candidates_near(task, centre):
    """Points within the radius of a point, itself among them; their number."""
    places, starts, limit = task.places, task.starts, task.limit[0]
    x, y, z = places[3 * centre], places[3 * centre + 1], places[3 * centre + 2]
    nx, ny, nz, cube = task.grid[0], task.grid[1], task.grid[2], task.cubes[centre]
    cx, cy, cz = cube // (ny * nz), cube // nz % ny, cube % nz
    zero, far = cube * 0, task.grid[3]
    near = zero
    for gx in range(max(cx - far, zero), min(cx + far + 1, nx)):
        for gy in range(max(cy - far, zero), min(cy + far + 1, ny)):
            row = (gx * ny + gy) * nz
            first, last = row + max(cz - far, zero), row + min(cz + far, nz - 1)
            for k in range(starts[first], starts[last + 1]):
                dx, dy, dz = places[3 * k] - x, places[3 * k + 1] - y, places[3 * k + 2] - z
                # written always and counted if near: a branch here would be guessed wrong too often
                task.candidates[near] = k
                near += types.int64(dx * dx + dy * dy + dz * dz < limit)
    return near


@kernel_function
def _ghost_of(task, code):
    """Number of the ghost with a code, a new one if it is not known yet; -1 if there is no room."""
    slot = (code * _SPREADING >> 40) & (task.table_size - 1)
    while task.table[slot] >= 0:
        if task.codes[task.table[slot]] == code:
            return task.table[slot]
        slot = (slot + 1) & (task.table_size - 1)
    ghost = task.found[0]
    if ghost == task.room:
        return types.int64(-1)
    task.table[slot] = ghost
    task.codes[ghost] = code
    task.found[0] = ghost + 1
    return ghost


@kernel_function
def _search(words):
    task = _task_of(words)
    images = task.images
    for visit in range(task.first, task.last):
        centre = task.visits[visit]
        atom, count = images[4 * centre], 0
        row = behind(task.lists, atom * task.slots)
        for n in range(_candidates_near(task, centre)):
            k = task.candidates[n]
            if k == centre:
                continue
            entry = images[4 * k]
            sx = images[4 * k + 1] - images[4 * centre + 1]
            sy = images[4 * k + 2] - images[4 * centre + 2]
            sz = images[4 * k + 3] - images[4 * centre + 3]
            if sx != 0 or sy != 0 or sz != 0:
                ghost = _ghost_of(task, _image_code(entry, sx, sy, sz))
                if ghost < 0:
                    return _NO_ROOM
                entry = -1 - ghost
            if count < task.slots:
                row[count] = entry
            count += 1
        task.counts[atom] = count
    return _DONE


@kernel_function
def _order_of(words):
    return Order(
        words[0],
        words[1],
        words[2],
        int64_at(words[3]),
        int64_at(words[4]),
        int32_at(words[5]),
        int64_at(words[6]),
        int64_at(words[7]),
        int64_at(words[8]),
        int64_at(words[9]),
        int64_at(words[10]),
    )


@kernel_function
def _put_in_order(words):
    order = _order_of(words)
    ranks = order.scratch
    for visit in range(order.first, order.last):
        atom = order.images[4 * order.visits[visit]]
        row, count = behind(order.lists, atom * order.slots), order.counts[atom]
        for n in range(count):
            entry = types.int64(row[n])
            rank = order.atom_ranks[entry] if entry >= 0 else order.ghost_ranks[-1 - entry]
            place = n
            while place > 0 and ranks[place - 1] > rank:
                ranks[place] = ranks[place - 1]
                place -= 1
            ranks[place] = rank
        for n in range(count):
            row[n] = order.index[ranks[n]]
        for n in range(count, order.slots):
            row[n] = atom
    return _DONE


# Plain functions of the module, since numba cannot find others in its cache.
def call_search(words):
    """Search for the neighbors of some atoms; 1 if there was no room for another ghost, else 0."""
    return _search(words)


def call_put_in_order(words):
    """Put the neighbors of some atoms in order; returns 0."""
    return _put_in_order(words)


@cache
def compiled() -> tuple[Callable[[int], int], Callable[[int], int]]:
    """Search and ordering; other threads run meanwhile.

    Each takes the address of the words of a `Task` or an `Order`, arrays being their addresses. The
    first returns 1 if there was no room for another ghost, else 0.
    """
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    return (
        kind(address_of("neighbor_search", call_search)),
        kind(address_of("neighbor_order", call_put_in_order)),
    )
