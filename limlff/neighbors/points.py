"""Atoms and their periodic images as points in cubes, ready for a search; compiled.

Atoms are wrapped into the cell, and all images of them that may be within the radius of an atom in
the cell are points too. Cubes are at least half as wide as the radius, so that the neighbors of an
atom are in its own cube and two more in each direction: fewer points to look at than in cubes as
wide as the radius, and one more each.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from numba import types

from limlff.neighbors.geometry import Geometry, checked_geometry, refuse_absurd_sizes
from limlff.simd.lanes import kernel_function, offset
from limlff.simd.machine_code import Program, callable_of
from limlff.simd.words import Float64s, Int64s, Whole, call, read

CUBES_PER_RADIUS = 2
# wider cubes where most would be empty, as for a cluster in a large vacuum
_CUBES_PER_POINT, _CUBES_AT_LEAST, _WIDENING = 4, 64, 1.5


class Points(NamedTuple):
    """Points sorted by cube; what the compiled functions make, and search.

    Attributes:
        places: Where they are (points x 3, Å).
        images: Owner of each, and how many cell vectors it is away from where the owner really is
            (points x 4).
        cubes: Cube of each point.
        starts: First point of each cube, and behind the last.
        grid: Number of cubes along x, y and z, of which z runs fastest, and how many cubes the
            radius reaches.
        visits: Points that are atoms, in the order of cubes.
        bounds: Smallest and largest number in `images` along each cell vector (3 x 2).
    """

    places: Float64s
    images: Int64s
    cubes: Int64s
    starts: Int64s
    grid: Int64s
    visits: Int64s
    bounds: Int64s

    @property
    def farthest(self) -> int:
        """The largest number of cell vectors in `images`."""
        return int(np.abs(self.bounds).max())

    @property
    def spread(self) -> Int[np.ndarray, "3"]:
        """Largest difference of such numbers along each cell vector."""
        return self.bounds[:, 1] - self.bounds[:, 0]


class _Sorting(NamedTuple):
    """What the compiled function works on.

    Attributes:
        atoms: Number of atoms.
        periodic: 1 along each cell vector that is periodic, else 0.
        positions: Positions of the atoms.
        cell: Cell vectors as rows.
        inverse: Its inverse.
        reach: The radius in fractions of the heights of the cell.
        widths: Radius and smallest width of cubes.
        fresh_places: Places of points, atom by atom.
        fresh_images: Owners and shifts of points, atom by atom.
        fresh_cubes: Cubes of points, atom by atom.
        points: The points sorted by cube; set.
    """

    atoms: Whole
    periodic: Int64s
    positions: Float64s
    cell: Float64s
    inverse: Float64s
    reach: Float64s
    widths: Float64s
    fresh_places: Float64s
    fresh_images: Int64s
    fresh_cubes: Int64s
    points: Points


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
    """Write one point."""
    cell = task.cell
    a, b, c = fractions[0] + shifts[0], fractions[1] + shifts[1], fractions[2] + shifts[2]
    for k in range(3):
        task.fresh_places[3 * point + k] = a * cell[k] + b * cell[3 + k] + c * cell[6 + k]
    task.fresh_images[4 * point] = atom
    for k in range(3):
        task.fresh_images[4 * point + 1 + k] = types.int64(shifts[k] - homes[k])
    # whether it is the atom itself is kept in the place of its cube until that is known
    task.fresh_cubes[point] = types.int64(shifts[0] == 0 and shifts[1] == 0 and shifts[2] == 0)


@kernel_function
def _widen(task, atom, axis, home, first, last):
    """Let the bounds of the shifts along an axis hold those of one more atom."""
    bounds, shift = offset(task.points.bounds, 2 * axis), types.int64(home)
    bounds[0] = first - shift if atom == 0 else min(bounds[0], first - shift)
    bounds[1] = last - shift if atom == 0 else max(bounds[1], last - shift)


@kernel_function
def _make_points(task):
    """All points, atom by atom; their number."""
    point = types.int64(0)
    for k in range(6):
        task.points.bounds[k] = 0
    for atom in range(task.atoms):
        fa, ha, first_a, last_a = _along(task, atom, 0)
        fb, hb, first_b, last_b = _along(task, atom, 1)
        fc, hc, first_c, last_c = _along(task, atom, 2)
        _widen(task, atom, np.int64(0), ha, first_a, last_a)
        _widen(task, atom, np.int64(1), hb, first_b, last_b)
        _widen(task, atom, np.int64(2), hc, first_c, last_c)
        for a in range(first_a, last_a + 1):
            for b in range(first_b, last_b + 1):
                for c in range(first_c, last_c + 1):
                    _put(task, point, atom, (fa, fb, fc), (ha, hb, hc), (a, b, c))
                    point += 1
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
    task = read(words, _Sorting)
    points, grid, starts = _make_points(task), task.points.grid, task.points.starts
    low_x, x = _bounds(task, points, 0)
    low_y, y = _bounds(task, points, 1)
    low_z, z = _bounds(task, points, 2)
    width = task.widths[1]
    limit = types.float64(_CUBES_PER_POINT * points + _CUBES_AT_LEAST)
    while (np.floor(x / width) + 1) * (np.floor(y / width) + 1) * (np.floor(z / width) + 1) > limit:
        width *= _WIDENING
    ny, nz = types.int64(y / width) + 1, types.int64(z / width) + 1
    grid[0], grid[1], grid[2] = types.int64(x / width) + 1, ny, nz
    grid[3] = types.int64(np.ceil(task.widths[0] / width))
    number = grid[0] * ny * nz
    for cube in range(number + 1):
        starts[cube] = 0
    for point in range(points):
        is_atom = task.fresh_cubes[point]
        cx = types.int64((task.fresh_places[3 * point] - low_x) / width)
        cy = types.int64((task.fresh_places[3 * point + 1] - low_y) / width)
        cz = types.int64((task.fresh_places[3 * point + 2] - low_z) / width)
        cube = (cx * ny + cy) * nz + cz
        starts[cube + 1] += 1
        task.fresh_cubes[point] = 2 * cube + is_atom
    for cube in range(number):
        starts[cube + 1] += starts[cube]
    _deal_out(task, points, number)
    return points


@kernel_function
def _deal_out(task, points, number):
    """Points into their cubes, in the order in which they were made; atoms into the visits."""
    places, images, cubes, starts, _, visits, _ = task.points
    for point in range(points):
        cube = task.fresh_cubes[point] >> 1
        place = starts[cube]
        starts[cube] += 1
        cubes[place] = task.fresh_cubes[point]
        for k in range(3):
            places[3 * place + k] = task.fresh_places[3 * point + k]
        for k in range(4):
            images[4 * place + k] = task.fresh_images[4 * point + k]
    for cube in range(number, 0, -1):  # each start has moved to the end of its cube
        starts[cube] = starts[cube - 1]
    starts[0] = 0
    visit = 0
    for place in range(points):
        visits[visit] = place  # overwritten unless it is an atom
        visit += cubes[place] & 1
        cubes[place] >>= 1


# A plain function of the module, since numba cannot find others in its cache.
def call_sort_points(words):
    """Make and sort the points of a `_Sorting`; returns their number."""
    return _sort_points(words)


SORT = Program("neighbor_points", call_sort_points, ("neighbors/points.py",))


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
        InputError: If an argument is not what it must be, or the search would be absurdly large.
    """
    return points_of(checked_geometry(positions, cell, periodic, radius))


def points_of(geometry: Geometry) -> Points:
    """The same of a geometry that has been checked; its cell has no zero vectors."""
    positions, cell, periodic, radius = geometry
    atoms, inverse = len(positions), np.linalg.inv(cell)
    refuse_absurd_sizes(geometry, inverse)
    # the 1e-9 keeps images that rounding would put just outside
    reach = np.where(periodic, radius * np.linalg.norm(inverse, axis=0) * (1 + 1e-9), 0.0)
    per_axis = np.where(periodic, np.floor(1.0 + 2.0 * reach + 1e-6) + 1.0, 1.0)
    room = atoms * int(np.prod(per_axis))
    task = _Sorting(
        atoms=atoms,
        periodic=periodic.astype(np.int64),
        positions=positions,
        cell=cell,
        inverse=np.ascontiguousarray(inverse),
        reach=reach,
        widths=np.array([radius, radius / CUBES_PER_RADIUS]),
        fresh_places=np.empty((room, 3)),
        fresh_images=np.empty((room, 4), np.int64),
        fresh_cubes=np.empty(room, np.int64),
        points=Points(
            places=np.empty((room, 3)),
            images=np.empty((room, 4), np.int64),
            cubes=np.empty(room, np.int64),
            starts=np.empty(_CUBES_PER_POINT * room + _CUBES_AT_LEAST + 1, np.int64),
            grid=np.empty(4, np.int64),
            visits=np.empty(atoms + 1, np.int64),
            bounds=np.empty((3, 2), np.int64),
        ),
    )
    found, made = call(callable_of(SORT), task), task.points
    return made._replace(
        places=made.places[:found],
        images=made.images[:found],
        cubes=made.cubes[:found],
        visits=made.visits[:atoms],
    )
