"""Layers of each kind are named rightly: perfect, strained, warm; disks and a melt are none."""

import importlib
from pathlib import Path

import numpy as np
import pytest
from ase import Atoms
from ase.build import fcc111
from ase.io import read
from scipy.optimize import linear_sum_assignment
from surfaces import LITHIUM, copper_slab, one_layer, shaken, warm_slabs

from limlff.analysis.film import find_film
from limlff.analysis.plane_neighbors import find_plane_neighbors
from limlff.analysis.reference_nets import COPPER_NETS, LITHIUM_NETS, reference_nets
from limlff.analysis.similarity import (
    LEAST,
    compare_with_nets,
    find_facet,
    fit_net,
    similarity_of_layers,
)

NETS = (*LITHIUM_NETS, *COPPER_NETS)
STRAINS = {
    "none": np.eye(2),
    "along x": np.diag([1.05, 1.0]),
    "along y": np.diag([1.0, 1.05]),
    "wider": np.diag([1.05, 1.05]),
    "closer": np.diag([0.95, 0.95]),
    "sheared": np.array([[1.0, 0.0], [0.05, 1.0]]),
}


def compared(atoms, nets=NETS):
    return compare_with_nets(atoms.positions, atoms.cell.array, np.zeros(len(atoms), int), nets)


def strained(layer, strain):
    full = np.eye(3)
    full[:2, :2] = strain
    new = layer.copy()
    new.set_cell(layer.cell.array @ full, scale_atoms=True)
    return new


@pytest.mark.parametrize("net", NETS)
def test_nets_have_the_density_and_the_neighbors_of_ase_surfaces(net):
    layer = one_layer(net)
    reference = reference_nets()[net]
    area = np.linalg.norm(np.cross(*layer.cell.array[:2]))
    assert reference.density == pytest.approx(len(layer) / area, rel=1e-4)
    found = find_plane_neighbors(layer.positions, layer.cell.array, np.zeros(len(layer), int))
    lengths = np.abs(found.vectors[:, : len(reference.neighbors)])
    expected = np.sort(np.abs(reference.neighbors))
    np.testing.assert_allclose(lengths, np.tile(expected, (len(layer), 1)), rtol=1e-4)


@pytest.mark.parametrize("strain", STRAINS)
@pytest.mark.parametrize("net", NETS)
def test_perfect_and_strained_layers_are_what_they_are(net, strain):
    similarity = compared(strained(one_layer(net), STRAINS[strain]))
    layer = similarity_of_layers(similarity, np.zeros(len(similarity.scores), int))[0]
    assert layer.best == net
    assert layer.scores[net] > (0.9999 if strain == "none" else 0.93)
    assert layer.like[net] == 1.0
    assert layer.inside == 1.0
    second = sorted(layer.scores.values())[-2]
    assert second < layer.scores[net] - 0.04


WARM = [*((net, 0.27) for net in LITHIUM_NETS), *((net, 0.2) for net in COPPER_NETS)]


@pytest.mark.parametrize("net, rms", WARM)
def test_layers_with_displacements_of_300_k_are_what_they_are(net, rms):
    """Independent displacements, which spread neighbors more than those of a real crystal."""
    for seed in range(3):
        layer = shaken(one_layer(net), rms, seed)
        layer.positions[:, 2] = one_layer(net).positions[:, 2]
        similarity = compared(layer)
        (found,) = similarity_of_layers(similarity, np.zeros(len(layer), int))
        assert found.best == net
        assert found.like[net] > 0.85


@pytest.mark.parametrize("net", ["Li(100)", "Li(110)", "Li(111)"])
def test_layers_of_dynamics_at_300_k_are_what_they_are(net):
    """Slabs by the shipped `li`; of Li(111) the planes below the surface, which melts.

    Those are 0.99 Å apart: an atom in ten vibrates into the next one.
    """
    named = []
    for frame in warm_slabs(net):
        film = find_film(frame)
        similarity = compare_with_nets(frame.positions, frame.cell.array, film.layers, NETS)
        layers = similarity_of_layers(similarity, film.layers)
        named += [layer.best for layer in (layers[4:9] if net == "Li(111)" else layers)]
        for layer in layers:
            if layer.best == net:
                assert layer.like[net] > 0.5
                others = [score for other, score in layer.scores.items() if other != net]
                # the hexagonal net is near Li(110), and still further in each layer
                assert layer.scores[net] > (1.08 if net == "Li(110)" else 1.6) * max(others)
    assert set(named) <= {net, "none"}
    assert named.count("none") <= (2 if net == "Li(111)" else 0)


def test_slices_and_layers_of_molten_lithium_are_like_nothing():
    for frame in warm_slabs("molten"):
        film = find_film(frame)
        similarity = compare_with_nets(frame.positions, frame.cell.array, film.layers, NETS)
        for layer in similarity_of_layers(similarity, film.layers):
            assert layer.best == "none"
            assert max(layer.scores.values(), default=0.0) < 0.2
        assert np.mean(similarity.classes() >= 0) < 0.01


@pytest.fixture
def random_disks(monkeypatch):
    """Random points, none nearer than a diameter, as the benchmark makes them."""
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[3] / "benchmarks"))
    return importlib.import_module("similarity_of_layers").random_disks


@pytest.mark.parametrize("density", [reference.density for reference in reference_nets().values()])
def test_random_disks_as_dense_as_a_net_are_like_nothing(density, random_disks):
    diameter = 0.85 * np.sqrt(2 / np.sqrt(3) / density)  # part of the largest at this density
    best = []
    for seed in range(4):
        similarity = compared(random_disks(density, diameter, 120, seed))
        (layer,) = similarity_of_layers(similarity, np.zeros(len(similarity.scores), int))
        best.append(max(layer.scores.values()))
    assert max(best) < LEAST


def test_layers_on_copper_in_dft_frames(shared):
    """Li on Cu(111): the facet is found, and its first layer is no copper lattice."""
    for frame in read(shared / "data" / "xavier-Li-Cu" / "train.extxyz", "0:40:10"):
        film = find_film(frame)
        assert find_facet(film) == "Cu(111)"
        similarity = compare_with_nets(frame.positions, frame.cell.array, film.layers, NETS)
        layers = {e.layer: e for e in similarity_of_layers(similarity, film.layers)}
        assert [layers[n].best for n in (-1, 0, 1)] == ["Cu(111)", "Cu(111)", "Li(110)"]


@pytest.mark.parametrize("facet", ["100", "110", "111"])
def test_pseudomorphic_lithium_is_like_the_copper_below(facet):
    slab = copper_slab(facet, (8, 8, 5))
    slab.symbols[slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5] = "Li"
    film = find_film(shaken(slab, 0.1))
    assert find_facet(film) == f"Cu({facet})"
    similarity = compare_with_nets(
        film.atoms.positions, film.atoms.cell.array, film.layers, [*LITHIUM_NETS, f"Cu({facet})"]
    )
    assert similarity_of_layers(similarity, film.layers)[-1].best == f"Cu({facet})"


def test_three_planes_of_li_111_seen_as_one_are_not_li_110():
    """From above they are a triangular net with neighbors at 2.81 Å."""
    planes = fcc111("Li", (12, 12, 1), a=2.807 * np.sqrt(2), vacuum=5)
    flat = compared(planes, LITHIUM_NETS)
    assert flat.scores[:, 1].mean() > 0.5
    steps = np.arange(len(planes))
    planes.positions[:, 2] += 0.9925 * ((steps % 12 + steps // 12) % 3)
    (layer,) = similarity_of_layers(compared(planes, LITHIUM_NETS), np.zeros(len(planes), int))
    assert layer.best == "none"
    assert max(layer.scores.values()) < 0.3


def test_scores_are_the_same_after_rotation_reflection_shift_and_reordering():
    layer = shaken(one_layer("Li(110)"), 0.3, 5)
    before = compared(layer)
    rng = np.random.default_rng(6)
    order = rng.permutation(len(layer))
    for sign in (1, -1):
        turn = np.eye(3)
        turn[:2, :2] = [[np.cos(0.7), np.sin(0.7)], [-sign * np.sin(0.7), sign * np.cos(0.7)]]
        moved = layer[order].copy()
        moved.positions += [11.0, -3.0, 2.0]
        moved.set_cell(layer.cell.array @ turn)
        moved.set_positions(moved.positions @ turn)
        after = compared(moved)
        np.testing.assert_allclose(after.scores, before.scores[order], atol=1e-9)


def test_misfit_equals_a_search_over_rotations_and_all_pairings():
    """Pairs by the Hungarian method and angles on a fine grid, without an order by angle."""
    layer = shaken(one_layer("Li(110)"), 0.15, 7)
    net = reference_nets()["Li(110)"]
    neighbors = find_plane_neighbors(layer.positions, layer.cell.array, np.zeros(len(layer), int))
    misfits, angles = fit_net(neighbors, net)
    for atom in range(5):
        found = neighbors.vectors[atom, :6]
        least = np.inf
        for angle in np.linspace(0, np.pi, 1800, endpoint=False):
            squares = np.abs(found[:, None] - np.exp(1j * angle) * net.neighbors) ** 2
            rows, columns = linear_sum_assignment(squares)
            least = min(least, squares[rows, columns].sum())
        least += 0.5 * np.sum(neighbors.steps[atom, :6] ** 2)
        assert misfits[atom] == pytest.approx(np.sqrt(least / 6 * net.density), rel=1e-4)
    assert np.all(np.isfinite(angles))


def test_atoms_at_the_edge_of_an_island_do_not_count_for_its_layer():
    island = one_layer("Li(100)")
    centre = island.cell.array[:2, :2].sum(axis=0) / 2
    island = island[np.abs(island.positions[:, :2] - centre).max(axis=1) < 2.6 * LITHIUM]
    similarity = compared(island, LITHIUM_NETS)
    (layer,) = similarity_of_layers(similarity, np.zeros(len(island), int))
    side = round(np.sqrt(len(island)))
    assert layer.inside == pytest.approx((side - 2) ** 2 / side**2)
    assert layer.scores["Li(100)"] == pytest.approx(1.0, abs=1e-6)


def test_a_lone_atom_and_a_pair_are_like_nothing():
    pair = Atoms("Li2", [[5, 5, 5], [8, 5, 5]], cell=[30, 30, 10])
    similarity = compared(pair)
    assert similarity.scores.max() < 0.1
    assert similarity_of_layers(similarity, np.zeros(2, int))[0].best == "none"
