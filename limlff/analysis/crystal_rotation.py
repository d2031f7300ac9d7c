"""Orientation of the bcc crystal around each atom, from its neighbors.

The lattice around an atom is fitted to its neighbors nearer than `REACH` lattice constants, between
the second and the third shell. A first guess takes one of them as [111]/2 and another, at 70.5 or
109.5 degrees to it, as the next such direction; of several guesses the one with the smallest misfit
is kept. Then, three times, neighbors are named by the nearest of the 14 sites, and the rotation is
found by least squares.
"""

from __future__ import annotations

import itertools

import numpy as np
from jaxtyping import Bool, Float

from limlff.neighbors.pairs import find_pairs

REACH = 1.207
"""Largest distance of neighbors, in lattice constants: the shells are at 0.87, 1 and 1.41."""

_MOST = 16  # neighbors: 14, and what thermal motion brings near
_GUESSES = 4
_FEWEST = 4  # neighbors of an atom whose orientation can be told
_CORNERS = np.array(list(itertools.product((-0.5, 0.5), repeat=3)))
_SITES = np.vstack([_CORNERS, np.eye(3), -np.eye(3)])


def crystal_rotations(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    lattice_constant: float,
) -> tuple[Float[np.ndarray, "atoms 3 3"], Bool[np.ndarray, " atoms"]]:
    """Rotation that takes directions in the cell to those of the crystal: v_crystal = R v_cell.

    Args:
        positions: Positions in a periodic cell (Å).
        cell: Cell vectors as rows (Å).
        lattice_constant: Edge of the cubic cell (Å).

    Returns:
        The rotation around each atom, one of 24 that are alike by the crystal's symmetry, and
        whether it has neighbors enough for it to be told.
    """
    vectors, there = _neighbors(positions, cell, REACH * lattice_constant)
    rotations = _best_guess(vectors / lattice_constant, there)
    for _ in range(3):
        rotations = _refined(vectors / lattice_constant, there, rotations)
    return rotations, there.sum(axis=1) >= _FEWEST


def _neighbors(positions: np.ndarray, cell: np.ndarray, radius: float) -> tuple[np.ndarray, ...]:
    """Vectors to the nearest neighbors, nearest first, and which of them there are."""
    pairs = find_pairs(positions, cell, np.ones(3, bool), radius)
    vectors = positions[pairs.owners] + pairs.shifts @ cell - positions[pairs.centres]
    order = np.lexsort((np.einsum("px,px->p", vectors, vectors), pairs.centres))
    centres = pairs.centres[order]
    rank = np.arange(len(centres)) - np.searchsorted(centres, centres)
    near = rank < _MOST
    padded = np.zeros((len(positions), _MOST, 3))
    there = np.zeros((len(positions), _MOST), bool)
    padded[centres[near], rank[near]] = vectors[order][near]
    there[centres[near], rank[near]] = True
    return padded, there


def _best_guess(vectors: np.ndarray, there: np.ndarray) -> np.ndarray:
    """The rotation with the smallest misfit among those that the nearest neighbors suggest."""
    best, least = np.tile(np.eye(3), (len(vectors), 1, 1)), np.full(len(vectors), np.inf)
    for first in range(_GUESSES):
        guess = _rotation_by_two(vectors, there, first)
        left = np.sum((vectors - _nearest_sites(vectors, guess) @ guess) ** 2, axis=2)
        misfit = np.where(there, left, 0).sum(axis=1)
        better = misfit < least
        best[better], least[better] = guess[better], misfit[better]
    return best


def _rotation_by_two(vectors: np.ndarray, there: np.ndarray, first: int) -> np.ndarray:
    """Axes of the crystal if a neighbor is at [111]/2 and another at [-1 1 1]/2 or [-1 -1 1]/2."""
    lengths = np.linalg.norm(vectors, axis=2)
    units = vectors / np.where(lengths > 0, lengths, 1)[..., None]
    a = units[:, first]
    cosines = np.einsum("ax,anx->an", a, units)
    off = np.where(there, np.abs(np.abs(cosines) - 1 / 3), np.inf)
    off[:, 8:] = np.inf  # the second shell is at 54.7 degrees
    second = np.argmin(off, axis=1)
    b = units[np.arange(len(units)), second]
    b = b * np.sign(np.einsum("ax,ax->a", a, b) + 1e-12)[:, None]  # 70.5 degrees to a
    frame, own = _frame(a, b), _frame(np.array([[1.0, 1, 1]]), np.array([[-1.0, 1, 1]]))[0]
    return np.einsum("ix,aiy->axy", own, frame)


def _frame(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Orthonormal vectors as rows, from two directions."""
    middle, across = a + b, a - b
    x = middle / np.maximum(np.linalg.norm(middle, axis=1), 1e-12)[:, None]
    y = across - np.einsum("ax,ax->a", across, x)[:, None] * x
    y = y / np.maximum(np.linalg.norm(y, axis=1), 1e-12)[:, None]
    return np.stack([x, y, np.cross(x, y)], axis=1)


def _nearest_sites(vectors: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """The site of the crystal, in its axes, that each neighbor is nearest to."""
    overlaps = (vectors @ rotations.transpose(0, 2, 1)) @ _SITES.T
    return np.asarray(_SITES[np.argmax(overlaps - 0.5 * np.sum(_SITES**2, axis=1), axis=2)])


def _refined(vectors: np.ndarray, there: np.ndarray, rotations: np.ndarray) -> np.ndarray:
    """Rotation by least squares with the neighbors at their nearest sites."""
    targets = np.where(there[..., None], _nearest_sites(vectors, rotations), 0)
    u, _, vt = np.linalg.svd(targets.transpose(0, 2, 1) @ vectors)
    u[:, :, 2] *= np.sign(np.linalg.det(u @ vt))[:, None]
    return np.asarray(u @ vt)
