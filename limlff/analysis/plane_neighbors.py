"""Neighbors of atoms within their own layer, seen along z.

Vectors in the plane are complex numbers, x + i y, so that a rotation is a factor.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Complex, Float, Int

from limlff.neighbors.pairs import find_pairs

RADIUS = 7.0
"""Largest distance of neighbors that are looked for (Å); those of Li(111) are 4.9 Å apart."""

MOST = 8
"""Neighbors that are kept: two shells of a square net."""

WIDEST_GAP = 150.0
"""Angle without a neighbor (degrees) from which on an atom stands at an edge."""


@dataclass(frozen=True)
class PlaneNeighbors:
    """The nearest neighbors of each atom in its layer, the nearest first.

    Attributes:
        vectors: From an atom to its neighbors (Å); 0 where there is no further one within reach.
        steps: Heights of the neighbors above the atom (Å).
        indices: Which atoms they are; -1 where there is none.
        inside: Atoms with neighbors all around: an atom at the edge of an island is not.
    """

    vectors: Complex[np.ndarray, "atoms 8"]
    steps: Float[np.ndarray, "atoms 8"]
    indices: Int[np.ndarray, "atoms 8"]
    inside: Bool[np.ndarray, " atoms"]


def find_plane_neighbors(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    layers: Int[np.ndarray, " atoms"],
) -> PlaneNeighbors:
    """Nearest neighbors of every atom among those of its layer, by distance in the plane.

    Args:
        positions: Positions, inside the cell or not (Å); periodic along the first two cell vectors.
        cell: Cell vectors as rows (Å), the first two in the plane of x and y.
        layers: A number for each atom; equal for those of one layer.
    """
    centres, ends, vectors = plane_pairs(positions, cell, layers, RADIUS)
    order = np.lexsort((np.abs(vectors), centres))
    centres, ends, vectors = centres[order], ends[order], vectors[order]
    rank = np.arange(len(centres)) - np.searchsorted(centres, centres)
    near = rank < MOST
    kept = (centres[near], rank[near])
    nearest = np.zeros((len(positions), MOST), complex)
    indices = np.full((len(positions), MOST), -1)
    nearest[kept], indices[kept] = vectors[near], ends[near]
    heights = positions[:, 2]
    steps = np.where(indices >= 0, heights[indices] - heights[:, None], 0.0)
    return PlaneNeighbors(nearest, steps, indices, _widest_gaps(nearest, indices) < WIDEST_GAP)


def plane_pairs(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    layers: Int[np.ndarray, " atoms"],
    radius: float,
) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"], Complex[np.ndarray, " pairs"]]:
    """All ordered pairs of atoms of one layer within a distance in the plane.

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows (Å), the first two in the plane of x and y.
        layers: A number for each atom; equal for those of one layer.
        radius: Largest distance in the plane (Å).

    Returns:
        Atom, neighbor, and the vector from one to the other.
    """
    flat = np.array(positions, float)
    # all layers in one search, too far apart to see each other
    flat[:, 2] = 2 * radius * np.unique(layers, return_inverse=True)[1].reshape(-1)
    pairs = find_pairs(flat, cell, np.array([True, True, False]), radius)
    vectors = flat[pairs.owners] + pairs.shifts @ cell - flat[pairs.centres]
    return pairs.centres, pairs.owners, vectors[:, 0] + 1j * vectors[:, 1]


def _widest_gaps(vectors: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Widest angle between the directions of neighbors that follow each other (degrees)."""
    there = indices >= 0
    angles = np.sort(np.where(there, np.degrees(np.angle(vectors)), np.inf), axis=1)
    first = angles[:, :1]
    with np.errstate(invalid="ignore"):
        gaps = np.diff(
            np.where(np.isfinite(angles), angles, first + 360), axis=1, append=first + 360
        )
    return np.where(there.any(axis=1), gaps.max(axis=1), 360.0)
