"""Search for neighbors in cells, compiled.

Atoms are wrapped into the cell, and all images of them that may be within the radius of an atom in
the cell are listed as points. Points are binned into cubes at least as wide as the radius, so that
the neighbors of an atom are in its own cube and the 26 around it. An image that is a neighbor
becomes a ghost; since a ghost's shift is counted from where its owner and the centre really are,
not from where they were wrapped to, one point may give several ghosts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from limlff.compile_cache import numba_cache


@cache
def compiled() -> tuple[Callable[..., Any], Callable[..., Any]]:
    """`search_pairs` and `fill_lists`, compiled."""
    with numba_cache(Path(__file__).parent) as kept:
        compile_function = njit(cache=kept, error_model="numpy")
        return compile_function(search_pairs), compile_function(fill_lists)


@njit(error_model="numpy")
def _wrap(positions, cell, inverse, periodic):
    """Fractional coordinates within the cell, and the cell in which each atom really is."""
    fractions, homes = np.empty_like(positions), np.zeros(positions.shape, np.int64)
    for i in range(len(positions)):
        for k in range(3):
            value = 0.0
            for l in range(3):
                value += positions[i, l] * inverse[l, k]
            if periodic[k]:
                homes[i, k] = int(np.floor(value))
                value -= homes[i, k]
            fractions[i, k] = value
    return fractions, homes


@njit(error_model="numpy")
def _first_and_last(fraction, reach, periodic):
    """Shifts that keep a coordinate within reach of the cell."""
    if not periodic:
        return 0, 0
    return int(np.ceil(-reach - fraction)), int(np.floor(1.0 + reach - fraction))


@njit(error_model="numpy")
def _images(fractions, cell, reach, periodic):
    """Owners, shifts and places of all points; the first are the atoms themselves."""
    atoms = len(fractions)
    count = 0
    for i in range(atoms):
        product = 1
        for k in range(3):
            first, last = _first_and_last(fractions[i, k], reach[k], periodic[k])
            product *= last - first + 1
        count += product
    owners, shifts = np.empty(count, np.int64), np.zeros((count, 3), np.int64)
    places = np.empty((count, 3))
    owners[:atoms] = np.arange(atoms)
    point = atoms
    for i in range(atoms):
        a, a_last = _first_and_last(fractions[i, 0], reach[0], periodic[0])
        b, b_last = _first_and_last(fractions[i, 1], reach[1], periodic[1])
        c, c_last = _first_and_last(fractions[i, 2], reach[2], periodic[2])
        for s in range(a, a_last + 1):
            for t in range(b, b_last + 1):
                for u in range(c, c_last + 1):
                    if s != 0 or t != 0 or u != 0:
                        owners[point] = i
                        shifts[point, 0], shifts[point, 1], shifts[point, 2] = s, t, u
                        point += 1
    for p in range(count):
        i = owners[p]
        for l in range(3):
            value = 0.0
            for k in range(3):
                value += (fractions[i, k] + shifts[p, k]) * cell[k, l]
            places[p, l] = value
    return owners, shifts, places


@njit(error_model="numpy")
def _bin(places, radius):
    """Cubes of the points: size of the grid, cube of each point, points cube by cube."""
    low, high = places[0].copy(), places[0].copy()
    for p in range(len(places)):
        for k in range(3):
            low[k], high[k] = min(low[k], places[p, k]), max(high[k], places[p, k])
    width = radius
    # wider cubes where most would be empty, as for a cluster in a large vacuum
    while np.prod(np.floor((high - low) / width) + 1.0) > 4.0 * len(places) + 64.0:
        width *= 1.5
    grid = np.empty(3, np.int64)
    for k in range(3):
        grid[k] = int((high[k] - low[k]) / width) + 1
    cubes = np.empty(len(places), np.int64)
    starts = np.zeros(grid[0] * grid[1] * grid[2] + 1, np.int64)
    for p in range(len(places)):
        x, y, z = (
            int((places[p, 0] - low[0]) / width),
            int((places[p, 1] - low[1]) / width),
            int((places[p, 2] - low[2]) / width),
        )
        cubes[p] = (x * grid[1] + y) * grid[2] + z
        starts[cubes[p] + 1] += 1
    for cube in range(1, len(starts)):
        starts[cube] += starts[cube - 1]
    members, filled = np.empty(len(places), np.int64), starts[:-1].copy()
    for p in range(len(places)):
        members[filled[cubes[p]]] = p
        filled[cubes[p]] += 1
    return grid, cubes, starts, members


@njit(error_model="numpy")
def _slot_of(table, point, home):
    """Where a point, seen from a cell, is in a hash table, or where it belongs."""
    mask = len(table) - 1
    slot = ((point * 0x9E3779B1 ^ home * 0x85EBCA77) >> 8) & mask
    while table[slot, 2] >= 0 and (table[slot, 0] != point or table[slot, 1] != home):
        slot = (slot + 1) & mask
    return slot


@njit(error_model="numpy")
def _doubled(table):
    larger = np.full((2 * len(table), 3), -1)
    for slot in range(len(table)):
        if table[slot, 2] >= 0:
            larger[_slot_of(larger, table[slot, 0], table[slot, 1])] = table[slot]
    return larger


def search_pairs(positions, cell, inverse, periodic, reach, radius):
    """All pairs of atoms and images closer than a radius.

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows (Å).
        inverse: Its inverse.
        periodic: Periodicity along each cell vector.
        reach: Radius over the heights of the cell.
        radius: Largest distance (Å).

    Returns:
        First pair of each atom and behind the last (atoms + 1); the neighbor of each pair, an atom
        or, from `atoms` on, a ghost; owners and shifts of ghosts, in the order of their discovery;
        the atoms cube by cube.
    """
    atoms = len(positions)
    fractions, homes = _wrap(positions, cell, inverse, periodic)
    owners, shifts, places = _images(fractions, cell, reach, periodic)
    grid, cubes, starts, members = _bin(places, radius)
    sorted_places = places[members]
    codes = (homes[:, 0] * (1 << 20) + homes[:, 1]) * (1 << 20) + homes[:, 2]
    first = np.zeros(atoms + 1, np.int64)
    neighbors = np.empty(64 * atoms + 64, np.int32)
    table = np.full((2048, 3), -1)
    ghost_owner, ghost_shift = np.empty(1024, np.int64), np.empty((1024, 3), np.int64)
    pairs, ghosts, limit = 0, 0, radius * radius
    for i in range(atoms):
        x, y, z = places[i, 0], places[i, 1], places[i, 2]
        cube = cubes[i]
        cx, cy, cz = cube // (grid[1] * grid[2]), cube // grid[2] % grid[1], cube % grid[2]
        for gx in range(max(cx - 1, 0), min(cx + 2, grid[0])):
            for gy in range(max(cy - 1, 0), min(cy + 2, grid[1])):
                row = (gx * grid[1] + gy) * grid[2]
                begin = starts[row + max(cz - 1, 0)]
                end = starts[row + min(cz + 1, grid[2] - 1) + 1]
                for k in range(begin, end):
                    dx, dy, dz = (
                        sorted_places[k, 0] - x,
                        sorted_places[k, 1] - y,
                        sorted_places[k, 2] - z,
                    )
                    if dx * dx + dy * dy + dz * dz >= limit or members[k] == i:
                        continue
                    p = members[k]
                    j = owners[p]
                    sx = shifts[p, 0] - homes[j, 0] + homes[i, 0]
                    sy = shifts[p, 1] - homes[j, 1] + homes[i, 1]
                    sz = shifts[p, 2] - homes[j, 2] + homes[i, 2]
                    index = j
                    if sx != 0 or sy != 0 or sz != 0:
                        slot = _slot_of(table, p, codes[i])
                        if table[slot, 2] < 0:
                            if 2 * ghosts >= len(table):
                                table = _doubled(table)
                                slot = _slot_of(table, p, codes[i])
                            if ghosts == len(ghost_owner):
                                ghost_owner = np.concatenate((ghost_owner, ghost_owner))
                                ghost_shift = np.concatenate((ghost_shift, ghost_shift))
                            ghost_owner[ghosts] = j
                            ghost_shift[ghosts, 0] = sx
                            ghost_shift[ghosts, 1] = sy
                            ghost_shift[ghosts, 2] = sz
                            table[slot, 0], table[slot, 1], table[slot, 2] = p, codes[i], ghosts
                            ghosts += 1
                        index = atoms + table[slot, 2]
                    if pairs == len(neighbors):
                        neighbors = np.concatenate((neighbors, neighbors))
                    neighbors[pairs] = index
                    pairs += 1
        first[i + 1] = pairs
    visits = members[members < atoms]
    return first, neighbors[:pairs], ghost_owner[:ghosts], ghost_shift[:ghosts], visits


def fill_lists(first, neighbors, ranks, new_index, lists):
    """Write each atom's neighbors into its list, in the order of their ranks.

    Args:
        first: First pair of each atom and behind the last.
        neighbors: Neighbor of each pair.
        ranks: Rank of each neighbor.
        new_index: Index under which a neighbor appears in the lists.
        lists: (atoms, slots), written from the first slot on.
    """
    buffer = np.empty(lists.shape[1] + 1, np.int64)
    for i in range(len(first) - 1):
        count = first[i + 1] - first[i]
        for k in range(count):
            rank = ranks[neighbors[first[i] + k]]
            place = k
            while place > 0 and buffer[place - 1] > rank:
                buffer[place] = buffer[place - 1]
                place -= 1
            buffer[place] = rank
        for k in range(count):
            lists[i, k] = new_index[buffer[k]]
