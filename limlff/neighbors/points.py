"""Atoms and their periodic images as points in cubes, ready for a search; compiled.

Atoms are wrapped into the cell, and all images of them that may be within the radius of an atom in
the cell are points too. Cubes are at least half as wide as the radius, so that the neighbors of an
atom are in its own cube and two more in each direction: fewer points to look at than in cubes as
wide as the radius, and one more each.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numba import types

from limlff.errors import InputError
from limlff.kernels.foreign import float64_at, int64_at
from limlff.kernels.lanes import kernel_function
from limlff.kernels.machine_code import address_of

CUBES_PER_RADIUS = 2
# wider cubes where most would be empty, as for a cluster in a large vacuum
_CUBES_PER_POINT, _CUBES_AT_LEAST, _WIDENING = 4, 64, 1.5


class Points(NamedTuple):
    """Points sorted by cube.

    Attributes:
        places: Where they are (Å).
        images: Owner of each, and how many cell vectors it is away from where the owner really is.
        cubes: Cube of each point.
        starts: First point of each cube, and behind the last.
        grid: Number of cubes along x, y and z, of which z runs fastest, and how many cubes the
            radius reaches.
        visits: Points that are atoms, in the order of cubes.
        farthest: The largest number of cell vectors in `images`.
    """

    places: Float[np.ndarray, "points 3"]
    images: Int[np.ndarray, "points 4"]
    cubes: Int[np.ndarray, " points"]
    starts: Int[np.ndarray, " cubes+1"]
    grid: Int[np.ndarray, "4"]
    visits: Int[np.ndarray, " atoms"]
    farthest: float


class _Sorting(NamedTuple):
    """What the compiled function works on: numbers and arrays, of float64 or int64.

    Attributes:
        atoms: Number of atoms.
        periodic: 1 along each cell vector that is periodic, else 0.
        positions: Positions of the atoms.
        cell: Cell vectors as rows.
        inverse: Its inverse.
        reach: The radius in fractions of the heights of the cell.
        widths: Radius and smallest width of cubes; the largest shift is put behind them.
        fresh_places: Places of points, atom by atom.
        fresh_images: Owners and shifts of points, atom by atom.
        fresh_cubes: Cubes of points, atom by atom.
        places: As in `Points`, as are the next five.
        images: .
        cubes: .
        starts: .
        grid: .
        visits: .
    """

    atoms: Any
    periodic: Any
    positions: Any
    cell: Any
    inverse: Any
    reach: Any
    widths: Any
    fresh_places: Any
    fresh_images: Any
    fresh_cubes: Any
    places: Any
    images: Any
    cubes: Any
    starts: Any
    grid: Any
    visits: Any


def words_of(task: Sequence[Any]) -> Int[np.ndarray, " words"]:
    """Numbers and addresses of arrays, as compiled functions take them."""
    return np.array([w.ctypes.data if isinstance(w, np.ndarray) else w for w in task], np.int64)


@kernel_function
def _sorting_of(words):
    return _Sorting(
        words[0],
        int64_at(words[1]),
        float64_at(words[2]),
        float64_at(words[3]),
        float64_at(words[4]),
        float64_at(words[5]),
        float64_at(words[6]),
        float64_at(words[7]),
        int64_at(words[8]),
        int64_at(words[9]),
        float64_at(words[10]),
        int64_at(words[11]),
        int64_at(words[12]),
        int64_at(words[13]),
        int64_at(words[14]),
        int64_at(words[15]),
    )


@kernel_function
def _along(task, atom, axis):
    """Fraction of an atom wrapped into the cell, its home, and the shifts that keep it in reach."""
    positions, inverse = task.positions, task.inverse
    fraction = (
        positions[3 * atom] * inverse[axis]
        + positions[3 * atom + 1] * inverse[3 + axis]
        + positions[3 * atom + 2] * inverse[6 + axis]
    )
    if task.periodic[axis] == 0:
        return fraction, 0.0, types.int64(0), types.int64(0)
    home = np.floor(fraction)
    fraction -= home
    first = types.int64(np.ceil(-task.reach[axis] - fraction))
    return fraction, home, first, types.int64(np.floor(1.0 + task.reach[axis] - fraction))


@kernel_function
def _put(task, point, atom, fractions, homes, shifts):
    """Write one point; the largest component of its shift."""
    cell, farthest = task.cell, 0.0
    a, b, c = fractions[0] + shifts[0], fractions[1] + shifts[1], fractions[2] + shifts[2]
    for k in range(3):
        task.fresh_places[3 * point + k] = a * cell[k] + b * cell[3 + k] + c * cell[6 + k]
    task.fresh_images[4 * point] = atom
    for k in range(3):
        shift = shifts[k] - homes[k]
        task.fresh_images[4 * point + 1 + k] = types.int64(shift)
        farthest = max(farthest, abs(shift))
    # whether it is the atom itself is kept in the place of its cube until that is known
    task.fresh_cubes[point] = types.int64(shifts[0] == 0 and shifts[1] == 0 and shifts[2] == 0)
    return farthest


@kernel_function
def _make_points(task):
    """All points, atom by atom; their number."""
    point, farthest = types.int64(0), 0.0
    for atom in range(task.atoms):
        fa, ha, first_a, last_a = _along(task, atom, 0)
        fb, hb, first_b, last_b = _along(task, atom, 1)
        fc, hc, first_c, last_c = _along(task, atom, 2)
        for a in range(first_a, last_a + 1):
            for b in range(first_b, last_b + 1):
                for c in range(first_c, last_c + 1):
                    far = _put(task, point, atom, (fa, fb, fc), (ha, hb, hc), (a, b, c))
                    farthest = max(farthest, far)
                    point += 1
    task.widths[2] = farthest
    return point


@kernel_function
def _bounds(task, points, axis):
    low = high = task.fresh_places[axis]
    for point in range(1, points):
        low = min(low, task.fresh_places[3 * point + axis])
        high = max(high, task.fresh_places[3 * point + axis])
    return low, high - low


@kernel_function
def _sort_points(words):
    task = _sorting_of(words)
    points = _make_points(task)
    low_x, x = _bounds(task, points, 0)
    low_y, y = _bounds(task, points, 1)
    low_z, z = _bounds(task, points, 2)
    width = task.widths[1]
    limit = types.float64(_CUBES_PER_POINT * points + _CUBES_AT_LEAST)
    while (np.floor(x / width) + 1) * (np.floor(y / width) + 1) * (np.floor(z / width) + 1) > limit:
        width *= _WIDENING
    ny, nz = types.int64(y / width) + 1, types.int64(z / width) + 1
    task.grid[0], task.grid[1], task.grid[2] = types.int64(x / width) + 1, ny, nz
    task.grid[3] = types.int64(np.ceil(task.widths[0] / width))
    number = task.grid[0] * ny * nz
    for cube in range(number + 1):
        task.starts[cube] = 0
    for point in range(points):
        is_atom = task.fresh_cubes[point]
        cx = types.int64((task.fresh_places[3 * point] - low_x) / width)
        cy = types.int64((task.fresh_places[3 * point + 1] - low_y) / width)
        cz = types.int64((task.fresh_places[3 * point + 2] - low_z) / width)
        cube = (cx * ny + cy) * nz + cz
        task.starts[cube + 1] += 1
        task.fresh_cubes[point] = 2 * cube + is_atom
    for cube in range(number):
        task.starts[cube + 1] += task.starts[cube]
    _deal_out(task, points, number)
    return points


@kernel_function
def _deal_out(task, points, number):
    """Points into their cubes, in the order in which they were made; atoms into the visits."""
    for point in range(points):
        cube = task.fresh_cubes[point] >> 1
        place = task.starts[cube]
        task.starts[cube] += 1
        task.cubes[place] = task.fresh_cubes[point]
        for k in range(3):
            task.places[3 * place + k] = task.fresh_places[3 * point + k]
        for k in range(4):
            task.images[4 * place + k] = task.fresh_images[4 * point + k]
    for cube in range(number, 0, -1):  # each start has moved to the end of its cube
        task.starts[cube] = task.starts[cube - 1]
    task.starts[0] = 0
    visit = 0
    for place in range(points):
        task.visits[visit] = place  # overwritten unless it is an atom
        visit += task.cubes[place] & 1
        task.cubes[place] >>= 1


# A plain function of the module, since numba cannot find others in its cache.
def call_sort_points(words):
    """Make and sort the points of a `_Sorting`; returns their number."""
    return _sort_points(words)


@cache
def _compiled() -> Callable[[int], int]:
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    return kind(address_of("neighbor_points", call_sort_points))


def sort_points(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> Points:
    """Atoms and images that can be neighbors, cube by cube.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows, none of them zero (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance of neighbors (Å).

    Raises:
        InputError: If a position is not finite.
    """
    positions, atoms = np.ascontiguousarray(positions, float), len(positions)
    if not np.isfinite(positions).all():
        raise InputError("a position is not a finite number; correct the structure")
    inverse = np.linalg.inv(cell)
    # the 1e-9 keeps images that rounding would put just outside
    reach = np.where(periodic, radius * np.linalg.norm(inverse, axis=0) * (1 + 1e-9), 0.0)
    per_axis = np.where(periodic, np.floor(1.0 + 2.0 * reach + 1e-6) + 1.0, 1.0)
    room = atoms * int(np.prod(per_axis))
    task = _Sorting(
        atoms=atoms,
        periodic=np.asarray(periodic, np.int64),
        positions=positions,
        cell=np.ascontiguousarray(cell, float),
        inverse=inverse,
        reach=reach,
        widths=np.array([radius, radius / CUBES_PER_RADIUS, 0.0]),
        fresh_places=np.empty((room, 3)),
        fresh_images=np.empty((room, 4), np.int64),
        fresh_cubes=np.empty(room, np.int64),
        places=np.empty((room, 3)),
        images=np.empty((room, 4), np.int64),
        cubes=np.empty(room, np.int64),
        starts=np.empty(_CUBES_PER_POINT * room + _CUBES_AT_LEAST + 1, np.int64),
        grid=np.empty(4, np.int64),
        visits=np.empty(atoms + 1, np.int64),
    )
    found = _compiled()(words_of(task).ctypes.data)
    return Points(
        task.places[:found],
        task.images[:found],
        task.cubes[:found],
        task.starts,
        task.grid,
        task.visits[:atoms],
        float(task.widths[2]),
    )
