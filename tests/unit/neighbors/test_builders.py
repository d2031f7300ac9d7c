"""Both neighbor builders against brute force over all images, in every kind of cell."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from brute_force import RADIUS, brute_force_vectors, matrix_vectors, parts_of
from structures_of_all_kinds import STRUCTURES

from limlff.errors import InputError
from limlff.neighbors.choice import choose_builder
from limlff.neighbors.device import DeviceNeighbors
from limlff.neighbors.host import Capacity, bucket, build_neighbors
from limlff.neighbors.images import images_within_reach
from limlff.neighbors.matrix import NeighborMatrix, pair_vectors


@pytest.fixture(scope="module", autouse=True)
def _quick_compilation():
    """Lists on a device are for accelerators, so that what a CPU makes of them need not be quick.

    jax-md sets the sizes of such a list by fifty operations, each compiled for each shape.
    """
    jax.config.update("jax_disable_most_optimizations", True)
    yield
    jax.config.update("jax_disable_most_optimizations", False)


BUILDERS = {"host": build_neighbors, "device": DeviceNeighbors().build}


def canonical_pairs(neighbors: NeighborMatrix) -> np.ndarray:
    """Owner and shift of every neighbor in the order of the slots; -1 in empty slots."""
    columns = len(neighbors.lists)
    _, mask, owners = jax.device_get(parts_of(np.zeros((columns, 3)), np.eye(3), neighbors))
    shifts = np.concatenate([np.zeros((columns, 3)), np.asarray(neighbors.ghost_shift)])
    pairs = np.concatenate([owners[..., None], shifts[np.asarray(neighbors.indices)]], axis=2)
    return np.where(mask[..., None], pairs, -99)[: mask.sum(axis=0).max()]


ON_DEVICE = ("sheared", "slab", "dense_cluster", "outside")
"""Each compiles code of its own, which takes seconds; the others differ only in their images."""


@pytest.mark.parametrize("name", STRUCTURES)
def test_pairs_are_those_of_brute_force(name):
    atoms = STRUCTURES[name]()
    neighbors, _ = build_neighbors(atoms.positions, atoms.cell.array, atoms.pbc, RADIUS)
    assert matrix_vectors(atoms, neighbors) == brute_force_vectors(atoms, RADIUS)


@pytest.mark.parametrize("name", ON_DEVICE)
def test_device_and_host_give_the_same_pairs_in_the_same_order(name):
    atoms = STRUCTURES[name]()
    host, device = (
        build(atoms.positions, atoms.cell.array, atoms.pbc, RADIUS, None, len(atoms) + 3)[0]
        for build in BUILDERS.values()
    )
    assert np.array_equal(canonical_pairs(host), canonical_pairs(device))


@pytest.mark.parametrize("builder", BUILDERS)
def test_sizes_grow_when_pairs_do_not_fit_and_are_kept_when_they_do(builder):
    atoms = STRUCTURES["sheared"]()
    geometry = (atoms.positions, atoms.cell.array, atoms.pbc, RADIUS)
    matrix, small = BUILDERS[builder](*geometry, Capacity(2, 1))
    assert small.neighbors > 2 and small.ghosts > 1
    assert matrix.indices.shape == (small.neighbors, len(atoms))
    assert matrix_vectors(atoms, matrix) == brute_force_vectors(atoms, RADIUS)
    wide = Capacity(small.neighbors + 16, small.ghosts + 64)
    matrix, kept = BUILDERS[builder](*geometry, wide, len(atoms) + 10)
    assert kept == wide
    assert matrix.indices.shape == (wide.neighbors, len(atoms) + 10)
    assert matrix_vectors(atoms, matrix) == brute_force_vectors(atoms, RADIUS)


def test_device_list_survives_a_crowd_that_forms_after_its_sizes_were_set():
    """A dilute gas collapses: cells and neighborhoods overflow, and must be repaired."""
    build = DeviceNeighbors().build
    gas = Atoms("Li150", np.random.default_rng(5).uniform(0, 30, (150, 3)))
    corners = np.array([[0, 0, 0], [30, 30, 30]])
    for scale in (1.0, 0.1):
        gas.positions[2:] *= scale
        gas.positions[:2] = corners  # so that the box, and with it the compiled code, is kept
        neighbors, _ = build(gas.positions, gas.cell.array, gas.pbc, RADIUS)
        assert matrix_vectors(gas, neighbors) == brute_force_vectors(gas, RADIUS)


def test_device_list_follows_a_cell_that_shrinks():
    """jax-md's own periodic lists do not notice a shrinking box."""
    build, capacity = DeviceNeighbors().build, Capacity(60, 640)
    atoms = bulk("Li", cubic=True, a=3.4).repeat(2)
    atoms.rattle(0.2, seed=0)
    for scale in (1.0, 0.97, 0.85):
        scaled = atoms.copy()
        scaled.set_cell(atoms.cell * scale, scale_atoms=True)
        neighbors, capacity = build(
            scaled.positions, scaled.cell.array, scaled.pbc, RADIUS, capacity, 20
        )
        assert matrix_vectors(scaled, neighbors) == brute_force_vectors(scaled, RADIUS)


@pytest.mark.parametrize("name", STRUCTURES)
def test_images_within_reach_are_those_needed_and_not_many_more(name):
    atoms = STRUCTURES[name]()
    geometry = (atoms.positions, atoms.cell.array, atoms.pbc, RADIUS)
    owners, shifts = images_within_reach(*geometry)
    neighbors, _ = build_neighbors(*geometry)
    used = {
        (int(o), *map(int, s))
        for o, s in zip(neighbors.ghost_owner, neighbors.ghost_shift, strict=True)
    }
    used.discard((0, 0, 0, 0))
    reach = {(int(o), *map(int, s)) for o, s in zip(owners, shifts, strict=True)}
    assert used <= reach
    assert len(reach) <= 4 * len(used)


def test_one_atom_without_a_cell_has_no_neighbors():
    for build in BUILDERS.values():
        neighbors, _ = build(np.zeros((1, 3)), np.zeros((3, 3)), np.zeros(3, bool), RADIUS)
        assert not np.asarray(neighbors.mask).any()


@pytest.mark.parametrize("builder", BUILDERS)
@pytest.mark.parametrize("name", ["sheared", "slab", "wire"])
def test_atoms_any_number_of_cells_away_have_the_neighbors_of_their_wrapped_selves(name, builder):
    """Drifted together, and each of two far on its own, as atoms that evaporated long ago."""
    atoms = STRUCTURES[name]()
    expected = brute_force_vectors(atoms, RADIUS)
    moves = np.zeros((len(atoms), 3), int)
    for first, second in ((1_501, -2_222), (200_000, 100_000)):
        moves[:] = [77, -5_000, 1_024]
        moves[0, :2] += first
        moves[3] -= second
        moves[:, ~atoms.pbc] = 0
        positions = atoms.positions + moves @ atoms.cell.array
        neighbors, _ = BUILDERS[builder](positions, atoms.cell.array, atoms.pbc, RADIUS)
        vectors = np.asarray(pair_vectors(positions, atoms.cell.array, neighbors))
        mask = np.asarray(neighbors.mask)
        for atom, wanted in enumerate(expected):
            found = vectors[:, mask[:, atom], atom].T
            assert len(found) == wanted.total()
            lengths = np.sort(np.linalg.norm(found, axis=1))
            exact = np.sort([np.linalg.norm(vector) for vector in wanted.elements()])
            np.testing.assert_allclose(lengths, exact, atol=1e-6)


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"radius": 105.0}, "neighbors per atom; the limit is 10,000"),
        ({"radius": 1e6}, "images to search"),
        ({"radius": 1e300}, "images to search"),
        ({"radius": np.inf}, "above 0 and finite"),
        ({"radius": np.nan}, "above 0 and finite"),
        ({"radius": 0}, "above 0 and finite"),
        ({"radius": -1.0}, "above 0 and finite"),
        ({"radius": "5"}, "real numbers"),
        ({"cell": 1e-3 * np.eye(3)}, "the limit is"),
        ({"cell": np.full((3, 3), np.nan)}, "not a finite number"),
        ({"cell": np.eye(2)}, "of the shape"),
        ({"positions": np.full((2, 3), 1e9)}, "from the origin"),
        ({"positions": np.zeros((2, 3), complex)}, "real numbers"),
        ({"positions": np.zeros((3, 2))}, "of the shape"),
        ({"periodic": True}, "one per axis"),
    ],
)
def test_absurd_geometries_are_refused_in_one_line_before_memory_is_taken(build, change, words):
    geometry = {
        "positions": np.array([[0.0, 0, 0], [1.7, 1.7, 1.7]]),
        "cell": 3.4 * np.eye(3),
        "periodic": np.ones(3, bool),
        "radius": RADIUS,
    }
    with pytest.raises(InputError, match=words) as error:
        build(**{**geometry, **change})
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("build", BUILDERS.values(), ids=BUILDERS)
def test_types_of_arrays_and_numbers_change_nothing(build):
    atoms = STRUCTURES["sheared"]()
    atoms.positions = np.round(atoms.positions, 1).astype(np.float32).astype(float)
    cell, periodic = np.round(atoms.cell.array), np.ones(3, bool)
    expected, _ = build(atoms.positions, cell, periodic, 5.0)
    for positions, same_cell, flags, radius in (
        (atoms.positions.astype(np.float32), cell.astype(int), [1, 1, 1], 5),
        (np.asfortranarray(atoms.positions), cell.astype(np.float32), [True] * 3, np.float32(5)),
        (atoms.positions.tolist(), cell.tolist(), np.ones(3, int), np.array(5)),
        (np.repeat(atoms.positions, 2, axis=0)[::2], cell.T.copy().T, periodic, np.int64(5)),
    ):
        found, _ = build(positions, same_cell, flags, radius)
        for name in ("lists", "ghost_owner", "ghost_shift"):
            np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_buckets_hold_their_count_and_are_whole_steps():
    for count in range(1, 300):
        assert bucket(count) >= 1.1 * count
        assert bucket(count) % 8 == 0
        assert bucket(count) < 1.1 * count + 8


def test_cpu_builds_on_the_host_and_accelerators_on_the_device():
    assert choose_builder("cpu") is build_neighbors
    assert choose_builder("gpu").__func__ is DeviceNeighbors.build
