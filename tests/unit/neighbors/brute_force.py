"""Neighbors found the plainest way, and those of a neighbor matrix in the same form."""

from __future__ import annotations

import itertools
from collections import Counter

import jax
import numpy as np
from ase import Atoms

from limlff.neighbors.matrix import NeighborMatrix, pair_vectors

RADIUS = 5.0


def brute_force_vectors(atoms: Atoms, radius: float) -> list[Counter]:
    """Rounded vectors to all neighbors of each atom, from every image in a wide range."""
    cell, positions = atoms.cell.array, atoms.positions
    diameter = np.ptp(positions, axis=0)
    ranges = []
    for axis in range(3):
        if not atoms.pbc[axis]:
            ranges.append(range(1))
            continue
        others = [cell[k] for k in range(3) if k != axis and np.any(cell[k])]
        normal = np.cross(*others) if len(others) == 2 else cell[axis]
        height = abs(cell[axis] @ normal) / np.linalg.norm(normal)
        most = int(np.ceil((radius + np.linalg.norm(diameter)) / height)) + 1
        ranges.append(range(-most, most + 1))
    found = [Counter() for _ in atoms]
    for shift in itertools.product(*ranges):
        vectors = positions[None, :] + np.array(shift) @ cell - positions[:, None]
        distances = np.linalg.norm(vectors, axis=2)
        near = distances < radius
        if not any(shift):
            np.fill_diagonal(near, False)
        for i, j in np.argwhere(near):
            found[i][_rounded(vectors[i, j])] += 1
    return found


@jax.jit
def parts_of(positions, cell, neighbors):
    """Vectors, mask and owners in one piece: operations by themselves take long to compile."""
    return pair_vectors(positions, cell, neighbors), neighbors.mask, neighbors.owners


def matrix_vectors(atoms: Atoms, neighbors: NeighborMatrix) -> list[Counter]:
    slots = neighbors.indices.shape[1]
    padded = np.pad(atoms.positions, ((0, slots - len(atoms)), (0, 0)))
    vectors, mask, _ = jax.device_get(parts_of(padded, atoms.cell.array, neighbors))
    assert not mask[:, len(atoms) :].any()
    return [
        Counter(_rounded(vectors[:, slot, i]) for slot in np.flatnonzero(mask[:, i]))
        for i in range(len(atoms))
    ]


def _rounded(vector: np.ndarray) -> tuple[float, ...]:
    return tuple(float(x) for x in np.round(vector, 6) + 0.0)
