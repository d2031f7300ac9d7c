"""The compiled search: in threads, with atoms far outside the cell, and with little room."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bulk

from limlff.errors import InputError
from limlff.neighbors import search as search_module
from limlff.neighbors.host import Capacity, build_neighbors, find_pairs
from limlff.neighbors.matrix import NeighborMatrix

RADIUS = 5.0


def _arrays(matrix: NeighborMatrix) -> list[np.ndarray]:
    return [
        np.asarray(array)
        for array in (matrix.lists, matrix.ghost_owner, matrix.ghost_shift, matrix.visits)
    ]


def _scattered() -> tuple[np.ndarray, np.ndarray]:
    """2,000 atoms, a third of which have left the cell on several sides."""
    atoms = bulk("Li", cubic=True, a=3.4).repeat(10)
    atoms.rattle(0.2, seed=0)
    random = np.random.default_rng(1)
    moved = random.integers(-3, 4, (len(atoms), 3)) * (random.random((len(atoms), 1)) < 1 / 3)
    return atoms.positions + moved @ atoms.cell.array, atoms.cell.array


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    positions, cell = _scattered()
    found = []
    for threads in ("1", "3"):
        monkeypatch.setenv("LIMLFF_THREADS", threads)
        found.append(build_neighbors(positions, cell, np.ones(3, bool), RADIUS)[0])
    for one, several in zip(_arrays(found[0]), _arrays(found[1]), strict=True):
        np.testing.assert_array_equal(one, several)


def test_atoms_outside_the_cell_have_the_pairs_that_vesin_finds() -> None:
    positions, cell = _scattered()
    matrix, _ = build_neighbors(positions, cell, np.ones(3, bool), RADIUS)
    pairs = find_pairs(positions, cell, np.ones(3, bool), RADIUS)
    atoms = len(positions)
    owners = np.concatenate([np.arange(atoms), np.asarray(matrix.ghost_owner)])
    shifts = np.concatenate([np.zeros((atoms, 3)), np.asarray(matrix.ghost_shift)])
    mask = np.asarray(matrix.mask).T
    centres, slots = np.nonzero(mask)
    extended = np.asarray(matrix.lists)[centres, slots]
    np.testing.assert_array_equal(centres, pairs.centres)
    np.testing.assert_array_equal(owners[extended], pairs.owners)
    np.testing.assert_array_equal(shifts[extended], pairs.shifts)


def test_a_search_with_too_little_room_is_done_again(monkeypatch: pytest.MonkeyPatch) -> None:
    positions, cell = _scattered()
    roomy, capacity = build_neighbors(positions, cell, np.ones(3, bool), RADIUS)
    monkeypatch.setattr(search_module, "_USUAL_GHOSTS", 16)
    tight, grown = build_neighbors(positions, cell, np.ones(3, bool), RADIUS, Capacity(8, 0))
    assert grown.slots >= np.asarray(roomy.mask).sum(axis=0).max()
    width = min(grown.slots, capacity.slots)
    np.testing.assert_array_equal(
        np.asarray(roomy.lists)[:, :width], np.asarray(tight.lists)[:, :width]
    )


def test_an_atom_too_far_outside_the_cell_is_refused() -> None:
    with pytest.raises(InputError, match="1501 cells away"):
        build_neighbors(
            np.array([[0.0, 0, 0], [6000.0, 0, 0]]), 4.0 * np.eye(3), np.ones(3, bool), RADIUS
        )
