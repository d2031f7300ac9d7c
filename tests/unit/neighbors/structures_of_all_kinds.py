"""Structures of every kind that a list of neighbors has to be right for."""

from __future__ import annotations

import numpy as np
from ase import Atoms
from ase.build import bcc110, bulk


def _bulk() -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.4).repeat((3, 4, 3))
    atoms.rattle(0.2, seed=0)
    return atoms


def _tiny() -> Atoms:
    return bulk("Li", "bcc", a=3.4)


def _thin() -> Atoms:
    return Atoms("Li2", [[0, 0, 0], [1, 1, 5]], cell=[1.9, 2.3, 11.0], pbc=True)


def _sheared() -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.4).repeat((2, 1, 1))
    atoms.set_cell(atoms.cell.array @ [[1, 0, 0], [1.7, 1, 0], [-0.8, 2.1, 1]], scale_atoms=True)
    atoms.rattle(0.1, seed=1)
    return atoms


def _slab() -> Atoms:
    atoms = bcc110("Li", (2, 2, 4), a=3.4, vacuum=4.0)
    atoms.pbc = (True, True, False)
    return atoms


def _slab_without_third_vector() -> Atoms:
    atoms = _slab()
    cell = atoms.cell.array.copy()
    cell[2] = 0
    atoms.set_cell(cell)
    return atoms


def _wire() -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.4).repeat((2, 2, 2))
    atoms.pbc = (False, True, False)
    atoms.center(vacuum=3, axis=(0, 2))
    return atoms


def _cluster() -> Atoms:
    return Atoms("Li30", np.random.default_rng(2).uniform(-6, 6, (30, 3)))


def _dense_cluster() -> Atoms:
    """Every atom sees every other: more neighbors than any crystal has."""
    return Atoms("Li150", np.random.default_rng(3).uniform(0, 2.5, (150, 3)))


def _outside() -> Atoms:
    """Atoms that have left the cell on both sides."""
    atoms = bulk("Li", cubic=True, a=3.4).repeat(2)
    atoms.rattle(0.2, seed=0)
    moves = np.random.default_rng(4).integers(-1, 2, (len(atoms), 3))
    atoms.positions += moves @ atoms.cell.array
    return atoms


def _drifted() -> Atoms:
    atoms = _sheared()
    atoms.positions += [7.3, -21.0, 44.4]
    return atoms


def _left_handed() -> Atoms:
    atoms = _sheared()
    atoms.set_cell(atoms.cell.array[[1, 0, 2]])
    return atoms


STRUCTURES = {
    function.__name__.strip("_"): function
    for function in (
        _bulk,
        _tiny,
        _thin,
        _sheared,
        _slab,
        _slab_without_third_vector,
        _wire,
        _cluster,
        _dense_cluster,
        _outside,
        _drifted,
        _left_handed,
    )
}
