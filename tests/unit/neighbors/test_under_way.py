"""Neighbor lists against brute force along a run's life: cells that change, atoms that wander."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from brute_force import RADIUS, brute_force_vectors, matrix_vectors

from limlff.neighbors.host import Capacity, build_neighbors

STRAINS = {
    "shrinks": lambda t: np.eye(3) * (1 - 0.5 * t),
    "grows": lambda t: np.diag([1 + t, 1 + 0.4 * t, 1 + 2 * t]),
    "shears until very skewed": lambda t: np.array([[1, 0, 0], [2 * t, 1, 0], [-t, 2 * t, 1]]),
    "flattens": lambda t: np.diag([1 + t, 1.0, 1 - 0.8 * t]),
}


def agree(atoms: Atoms, capacity: Capacity | None, slots: int) -> Capacity:
    neighbors, grown = build_neighbors(
        atoms.positions, atoms.cell.array, atoms.pbc, RADIUS, capacity, slots
    )
    assert matrix_vectors(atoms, neighbors) == brute_force_vectors(atoms, RADIUS)
    return grown


@pytest.mark.parametrize("kind", STRAINS)
@pytest.mark.parametrize("pbc", [(True, True, True), (True, True, False)])
def test_pairs_stay_right_while_the_cell_changes_and_atoms_cross_its_faces(kind, pbc):
    """One capacity that only grows, from far too small; atoms drift up to two cells away."""
    rng = np.random.default_rng(len(kind))
    start = bulk("Li", "bcc", a=3.44, cubic=True).repeat((2, 1, 2))
    start.pbc = pbc
    velocity = rng.normal(scale=8.0, size=(len(start), 3)) + np.array([10.0, -14.0, 3.0])
    capacity = Capacity(1, 1)
    for time in np.linspace(0.0, 1.0, 5):
        atoms = start.copy()
        atoms.set_cell(start.cell.array @ STRAINS[kind](time), scale_atoms=True)
        atoms.positions += time * velocity
        grown = agree(atoms, capacity, len(atoms) + 5)
        assert grown.neighbors >= capacity.neighbors and grown.ghosts >= capacity.ghosts
        capacity = grown


def test_pairs_stay_right_while_atoms_are_added_and_removed():
    """From three atoms to forty and back, in slots that grow, one of them in a dense cluster."""
    rng = np.random.default_rng(3)
    everything = rng.uniform(-4.0, 12.0, (40, 3))
    everything[20:] = everything[0] + rng.normal(scale=0.8, size=(20, 3))
    cell, capacity = np.diag([8.0, 9.0, 7.0]), None
    for count in (3, 10, 21, 40, 25, 4):
        atoms = Atoms(f"Li{count}", everything[:count], cell=cell, pbc=True)
        capacity = agree(atoms, capacity, max(16, count + 3))


@pytest.mark.parametrize("edge", [0.9, 1.7, 2.6])
def test_one_atom_in_a_cell_far_smaller_than_the_radius(edge):
    atoms = Atoms("Li", [[0.1, -3.0, 7.0]], cell=np.eye(3) * edge + 0.3, pbc=True)
    agree(atoms, None, 1)
