"""Search for neighbors among points in cubes, compiled; runs without Python, so also in threads.

An image that is a neighbor becomes a ghost. A ghost is known by a code of its owner and shift, and
each part of the search numbers its ghosts in the order in which it finds them; the parts are put
together, and the neighbors of each atom put in order, in a second step.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Int
from numba import types

from limlff.errors import InputError
from limlff.neighbors.points import Points
from limlff.simd.lanes import kernel_function, offset
from limlff.simd.machine_code import Program
from limlff.simd.words import Float64s, Int32s, Int64s, Whole, read

# 2^64 over the golden ratio, signed: upper bits of a multiple depend on all bits of a code
_SPREADING = -7046029254386353131
_DONE, _NO_ROOM = 0, 1


class Task(NamedTuple):
    """A part of a search.

    Attributes:
        first: First visit of the part.
        last: Behind the last.
        neighbors: Width of the lists.
        room: Ghosts for which there is room.
        table_size: Size of the hash table, a power of two.
        points: What is searched.
        limit: Square of the radius.
        strides: See `image_code`.
        lists: Neighbors of each atom (atoms x neighbors): an atom, or -1 less number of a ghost.
        counts: Number of neighbors of each atom, also if they are more than fit in.
        table: Hash table: number of a ghost, or -1.
        codes: Code of each ghost.
        found: Number of ghosts.
        candidates: Scratch space, one more than points.
    """

    first: Whole
    last: Whole
    neighbors: Whole
    room: Whole
    table_size: Whole
    points: Points
    limit: Float64s
    strides: Int64s
    lists: Int32s
    counts: Int64s
    table: Int64s
    codes: Int64s
    found: Int64s
    candidates: Int64s


class Order(NamedTuple):
    """A part of the lists that shall be put in order.

    Attributes:
        first: First visit of the part.
        last: Behind the last.
        neighbors: Width of the lists.
        points: What was searched.
        lists: Neighbors of each atom as the search left them.
        counts: Number of neighbors of each atom.
        atom_ranks: Rank of each atom in the order of owners and shifts.
        ghost_ranks: Rank of each ghost of the part.
        index: What stands in the lists for each rank.
        scratch: One more than neighbors.
    """

    first: Whole
    last: Whole
    neighbors: Whole
    points: Points
    lists: Int32s
    counts: Int64s
    atom_ranks: Int64s
    ghost_ranks: Int64s
    index: Int64s
    scratch: Int64s


def image_code(owner, x, y, z, strides):
    """One integer per owner and shift, in the order of both; of NumPy arrays, too.

    Args:
        owner: The atom of which it is an image.
        x: Cell vectors between them along the first of the cell.
        y: Along the second.
        z: Along the third.
        strides: What `code_strides` gives for the largest shifts.
    """
    return owner * strides[0] + x * strides[1] + y * strides[2] + z + strides[3]


def code_strides(atoms: int, spread: Sequence[int]) -> Int[np.ndarray, "4"]:
    """Factors of owners and shifts in their codes, and what makes these positive.

    Codes are as many as there can be, so that owners and shifts fit into 64 bits also where atoms
    have drifted through many cells.

    Args:
        atoms: Number of owners.
        spread: Largest shift along each cell vector.

    Raises:
        InputError: If there are more than 2^63 of them.
    """
    x, y, z = map(int, spread)
    strides = [(2 * x + 1) * (2 * y + 1) * (2 * z + 1), (2 * y + 1) * (2 * z + 1), 2 * z + 1]
    if atoms * strides[0] >= 1 << 63:
        raise InputError(
            f"an image of an atom is {max(x, y, z)} cells away from it, too many for {atoms} "
            "atoms; wrap the positions first"
        )
    return np.array([*strides, x * strides[1] + y * strides[2] + z], np.int64)


_image_code = kernel_function(image_code)


@kernel_function
def _candidates_near(task, centre):
    """Points within the radius of a point, itself among them; their number."""
    points, limit = task.points, task.limit[0]
    places, starts, grid = points.places, points.starts, points.grid
    x, y, z = places[3 * centre], places[3 * centre + 1], places[3 * centre + 2]
    nx, ny, nz, cube = grid[0], grid[1], grid[2], points.cubes[centre]
    cx, cy, cz = cube // (ny * nz), cube // nz % ny, cube % nz
    zero, far = cube * 0, grid[3]
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
    place = (code * _SPREADING >> 40) & (task.table_size - 1)
    while task.table[place] >= 0:
        if task.codes[task.table[place]] == code:
            return task.table[place]
        place = (place + 1) & (task.table_size - 1)
    ghost = task.found[0]
    if ghost == task.room:
        return types.int64(-1)
    task.table[place] = ghost
    task.codes[ghost] = code
    task.found[0] = ghost + 1
    return ghost


@kernel_function
def _search(words):
    task = read(words, Task)
    images, s = task.points.images, task.strides
    strides = s[0], s[1], s[2], s[3]  # in registers
    for visit in range(task.first, task.last):
        centre = task.points.visits[visit]
        atom, count = images[4 * centre], 0
        row = offset(task.lists, atom * task.neighbors)
        for n in range(_candidates_near(task, centre)):
            k = task.candidates[n]
            if k == centre:
                continue
            entry = images[4 * k]
            sx = images[4 * k + 1] - images[4 * centre + 1]
            sy = images[4 * k + 2] - images[4 * centre + 2]
            sz = images[4 * k + 3] - images[4 * centre + 3]
            if sx != 0 or sy != 0 or sz != 0:
                ghost = _ghost_of(task, _image_code(entry, sx, sy, sz, strides))
                if ghost < 0:
                    return _NO_ROOM
                entry = -1 - ghost
            if count < task.neighbors:
                row[count] = entry
            count += 1
        task.counts[atom] = count
    return _DONE


@kernel_function
def _put_in_order(words):
    order = read(words, Order)
    ranks = order.scratch
    for visit in range(order.first, order.last):
        atom = order.points.images[4 * order.points.visits[visit]]
        row, count = offset(order.lists, atom * order.neighbors), order.counts[atom]
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
        for n in range(count, order.neighbors):
            row[n] = atom
    return _DONE


# Plain functions of the module, since numba cannot find others in its cache.
def call_search(words):
    """Search for the neighbors of some atoms; 1 if there was no room for another ghost, else 0."""
    return _search(words)


def call_put_in_order(words):
    """Put the neighbors of some atoms in order; returns 0."""
    return _put_in_order(words)


_SOURCES = ("neighbors/cells.py", "neighbors/points.py")
SEARCH = Program("neighbor_search", call_search, _SOURCES)
"""Takes a `Task`; gives 1 if there was no room for another ghost, else 0."""
ORDER = Program("neighbor_order", call_put_in_order, _SOURCES)
"""Takes an `Order`."""
