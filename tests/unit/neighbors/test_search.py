"""The compiled search: in threads, with atoms far outside the cell, and with little room."""

from __future__ import annotations

import itertools
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase.build import bulk

from limlff.errors import InputError
from limlff.neighbors import search as search_module
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.neighbors.matrix import NeighborMatrix
from limlff.neighbors.pairs import find_pairs
from limlff.neighbors.points import sort_points
from limlff.neighbors.search import has_pair_within

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
    assert grown.neighbors >= np.asarray(roomy.mask).sum(axis=0).max()
    width = min(grown.neighbors, capacity.neighbors)
    np.testing.assert_array_equal(
        np.asarray(roomy.lists)[:, :width], np.asarray(tight.lists)[:, :width]
    )


@pytest.mark.parametrize("periodic", [(True, True, True), (True, False, True), (False,) * 3])
def test_a_pair_is_seen_just_below_the_radius_and_not_above(periodic: tuple[bool, ...]) -> None:
    """The closest pair of many scattered configurations by vesin, and radii on its two sides."""
    random = np.random.default_rng(3)
    for count, reach in ((1, 12.0), (2, 12.0), (30, 6.0), (700, 3.0)):
        edge = (20.0 * count) ** (1 / 3)
        cell = edge * (np.eye(3) + 0.3 * random.random((3, 3)))
        positions = random.uniform(-1.0, 2.0, (count, 3)) @ cell
        pairs = find_pairs(positions, cell, np.array(periodic), reach)
        if not len(pairs.centres):
            assert not has_pair_within(positions, cell, np.array(periodic), reach)
            continue
        vectors = positions[pairs.owners] + pairs.shifts @ cell - positions[pairs.centres]
        closest = np.linalg.norm(vectors, axis=1).min()
        assert has_pair_within(positions, cell, np.array(periodic), closest * (1 + 1e-9))
        assert not has_pair_within(positions, cell, np.array(periodic), closest * (1 - 1e-9))


def test_points_are_all_images_near_the_cell_cube_by_cube() -> None:
    """Against all images by brute force; atoms themselves are the visits."""
    random = np.random.default_rng(4)
    cell = np.array([[7.0, 0, 0], [2.0, 6.0, 0], [-1.0, 1.5, 8.0]])
    positions, periodic = random.uniform(-2.0, 3.0, (40, 3)) @ cell, np.array([True, True, False])
    points = sort_points(positions, cell, periodic, RADIUS)
    owners, shifts = points.images[:, 0], points.images[:, 1:]
    np.testing.assert_allclose(points.places, positions[owners] + shifts @ cell, atol=1e-12)
    heights = 1 / np.linalg.norm(np.linalg.inv(cell), axis=0)
    expected = set()
    for shift in itertools.product(range(-6, 7), range(-6, 7), (0,)):
        fractions = positions @ np.linalg.inv(cell) + shift
        beyond = np.maximum(-fractions, fractions - 1) * heights
        near = np.all((beyond <= RADIUS) | ~periodic, axis=1)
        expected |= {(int(atom), *shift) for atom in np.flatnonzero(near)}
    assert {tuple(map(int, image)) for image in points.images} == expected
    assert len(points.images) == len(expected)
    assert points.farthest == np.abs(shifts).max()
    np.testing.assert_array_equal(np.diff(points.cubes) >= 0, True)
    starts = np.searchsorted(points.cubes, np.arange(np.prod(points.grid[:3]) + 1))
    np.testing.assert_array_equal(points.starts[: len(starts)], starts)
    np.testing.assert_array_equal(np.sort(owners[points.visits]), np.arange(40))
    home = np.floor(points.places[points.visits] @ np.linalg.inv(cell))
    np.testing.assert_array_equal(home[:, periodic], 0)


def test_a_position_that_is_no_number_is_refused() -> None:
    positions, cell = _scattered()
    positions[7, 1] = np.nan
    with pytest.raises(InputError, match="not a finite number"):
        build_neighbors(positions, cell, np.ones(3, bool), RADIUS)


def test_an_atom_is_too_far_away_only_where_digits_are_lost() -> None:
    """Beyond 1e8 Å; two atoms in one cell see the same up to there."""
    near = np.array([[0.0, 0, 0], [2.0, 0, 0]])
    expected, _ = build_neighbors(near, 4.0 * np.eye(3), np.ones(3, bool), RADIUS)
    for cells in (1_501, 24_000_000):
        far = near + np.array([[0.0, 0, 0], [4.0 * cells, 0, 0]])
        found, _ = build_neighbors(far, 4.0 * np.eye(3), np.ones(3, bool), RADIUS)
        np.testing.assert_array_equal(found.mask.sum(axis=0), expected.mask.sum(axis=0))
        assert has_pair_within(far, 4.0 * np.eye(3), np.ones(3, bool), 2.1)
        assert not has_pair_within(far, 4.0 * np.eye(3), np.ones(3, bool), 1.9)
        assert len(find_pairs(far, 4.0 * np.eye(3), np.ones(3, bool), 2.1).centres) == 4
    with pytest.raises(InputError, match=r"1\.2e\+08 Å from the origin"):
        build_neighbors(near + 1.2e8, 4.0 * np.eye(3), np.ones(3, bool), RADIUS)


def test_codes_that_would_not_fit_are_refused() -> None:
    """Only a gas that has spread over millions of cells in all directions needs so many."""
    positions = np.random.default_rng(0).uniform(-9e7, 9e7, (50, 3))
    with pytest.raises(InputError, match="wrap the positions"):
        build_neighbors(positions, 4.0 * np.eye(3), np.ones(3, bool), 1.0)


def test_searches_in_many_threads_at_once_find_the_same() -> None:
    """Small ones, so that compiled code is entered and left all the time."""
    random = np.random.default_rng(5)
    cell = 7.0 * np.eye(3)
    tasks = [random.uniform(0, 7, (16, 3)) for _ in range(8)]

    def work(task: int) -> list[np.ndarray]:
        return _arrays(build_neighbors(tasks[task % 8], cell, np.ones(3, bool), RADIUS)[0])

    expected = [work(task) for task in range(8)]
    with ThreadPoolExecutor(6) as pool:
        for task, found in enumerate(pool.map(work, range(1200))):
            for one, other in zip(found, expected[task % 8], strict=True):
                np.testing.assert_array_equal(one, other)
