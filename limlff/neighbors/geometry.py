"""Positions, cell and radius as searches need them: of one type, finite, and of a bearable size.

All searches begin here, so that compiled code sees float64 arrays without gaps whatever it was that
a caller had, and so that a radius that would take all memory is refused before any is taken.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float

from limlff.errors import InputError
from limlff.real_arrays import real_array

FARTHEST = 1e8
"""Largest coordinate (Å): there neighboring float64 numbers are 1e-8 Å apart."""
MOST_POINTS = 20_000_000
"""Atoms and images within reach that are searched; each takes about 200 bytes."""
MOST_NEIGHBORS = 10_000
"""Neighbors of one atom; the largest cutoffs in use give some hundred."""
MOST_PAIRS = 1_000_000_000
"""Entries of the lists of all atoms together; each takes 4 bytes."""


class Geometry(NamedTuple):
    """Where atoms are, and how far they see.

    Attributes:
        positions: Positions (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance of a pair (Å).
    """

    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    periodic: Bool[np.ndarray, "3"]
    radius: float


def checked_geometry(positions: Any, cell: Any, periodic: Any, radius: Any) -> Geometry:
    """A geometry from arrays and numbers of any real type.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        radius: Largest distance of a pair (Å).

    Raises:
        InputError: If something has the wrong shape, is no real number or is not finite, a position
            is beyond 1e8 Å, or the radius is not above zero.
    """
    positions = real_array(positions, (None, 3), "positions")
    cell = real_array(cell, (3, 3), "cell")
    flags = np.asarray(periodic)
    if flags.shape != (3,):
        raise InputError(f"the periodicity has the shape {flags.shape}; give three, one per axis")
    if not np.isfinite(cell).all():
        raise InputError("a cell vector is not a finite number; correct the cell")
    farthest = float(max(positions.max(initial=0.0), -positions.min(initial=0.0)))
    if not farthest <= FARTHEST:
        if not np.isfinite(positions).all():
            raise InputError("a position is not a finite number; correct the structure")
        raise InputError(
            f"a position is {farthest:.3g} Å from the origin; the limit is {FARTHEST:.0e} Å, since "
            "digits are lost beyond. Wrap the atoms into the cell, or remove what has flown away"
        )
    length = float(real_array(radius, (), "radius"))
    if not 0 < length < np.inf:
        raise InputError(
            f"the radius of neighbors is {length:.3g} Å; it must be above 0 and finite"
        )
    return Geometry(positions, cell, flags.astype(bool), length)


def filled(geometry: Geometry) -> Geometry:
    """The geometry with missing cell vectors filled.

    Raises:
        InputError: If a periodic direction has none, or the cell vectors do not span a volume.
    """
    for axis in range(3):
        if geometry.periodic[axis] and not np.any(geometry.cell[axis]):
            raise InputError(
                f"the structure is periodic along cell vector {axis}, which is zero; "
                "give the vector or switch the periodicity off"
            )
    return geometry._replace(cell=full_cell(geometry.cell))


def full_cell(cell: Float[np.ndarray, "3 3"]) -> Float[np.ndarray, "3 3"]:
    """The cell with missing vectors filled by unit vectors at right angles to the others.

    Raises:
        InputError: If the cell vectors do not span a volume.
    """
    full = np.array(cell, float)
    missing = [axis for axis in range(3) if not np.any(full[axis])]
    if missing:
        _, _, normals = np.linalg.svd(full)
        full[missing] = normals[3 - len(missing) :]
    lengths = np.linalg.norm(full, axis=1)
    if not abs(np.linalg.det(full)) > 1e-6 * np.prod(lengths):
        raise InputError(f"the cell vectors {full.tolist()} lie in a plane; correct the cell")
    return full


def refuse_absurd_sizes(geometry: Geometry, inverse: Float[np.ndarray, "3 3"]) -> None:
    """Refuse a search that would take all memory or no end of time, from its sizes alone.

    Args:
        geometry: What shall be searched, the cell without zero vectors.
        inverse: Inverse of the cell.

    Raises:
        InputError: If there are more than 20 million points, 10,000 neighbors per atom on average,
            or 10^9 pairs.
    """
    positions, _, periodic, radius = geometry
    atoms = len(positions)
    if not atoms:
        return
    with np.errstate(over="ignore"):
        heights = 1.0 / np.linalg.norm(inverse, axis=0)
        points = atoms * float(np.prod(np.where(periodic, 1.0 + 2.0 * radius / heights, 1.0)))
        room = heights + 2.0 * radius
        for axis in np.flatnonzero(~periodic):
            extent = heights[axis] * float(np.ptp(positions @ inverse[:, axis]))
            room[axis] = extent + 2.0 * radius
        # of the points, which fill a box, those in a sphere
        neighbors = points * (4.0 / 3.0 * np.pi) * float(np.prod(radius / room))
    if not points <= MOST_POINTS:
        raise _absurd(geometry, f"about {points:.2g} images to search", f"{MOST_POINTS:.0e}")
    refuse_too_many(geometry, neighbors, atoms)


def refuse_too_many(geometry: Geometry, neighbors: float, atoms: int) -> None:
    """Refuse lists that would be too long, from the number of neighbors of an atom.

    Args:
        geometry: What is searched.
        neighbors: Neighbors of an atom.
        atoms: Number of lists.

    Raises:
        InputError: If there are more than 10,000 per atom, or 10^9 in all.
    """
    if not neighbors <= MOST_NEIGHBORS:
        what = f"about {neighbors:,.0f} neighbors per atom"
        raise _absurd(geometry, what, f"{MOST_NEIGHBORS:,}")
    if not neighbors * atoms <= MOST_PAIRS:
        raise _absurd(geometry, f"about {neighbors * atoms:.2g} pairs", f"{MOST_PAIRS:.0e}")


def _absurd(geometry: Geometry, what: str, limit: str) -> InputError:
    volume = abs(float(np.linalg.det(geometry.cell)))
    return InputError(
        f"a radius of {geometry.radius:.4g} Å (cutoff and skin) around {len(geometry.positions)} "
        f"atoms in a cell of {volume:.4g} Å^3 gives {what}; the limit is {limit}. Use a smaller "
        "skin or cutoff, or correct the cell"
    )
