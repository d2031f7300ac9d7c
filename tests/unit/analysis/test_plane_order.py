"""psi_n of perfect nets, and grains that are put together by hand."""

import numpy as np
import pytest
from ase import Atoms
from surfaces import one_layer, shaken

from limlff.analysis.plane_neighbors import find_plane_neighbors
from limlff.analysis.plane_order import find_grains, plane_order
from limlff.analysis.similarity import compare_with_nets


def neighbors_of(layer):
    return find_plane_neighbors(layer.positions, layer.cell.array, np.zeros(len(layer), int))


def turned(layer, degrees):
    new = layer.copy()
    new.rotate(degrees, "z", rotate_cell=True)
    return new


def test_order_of_perfect_nets():
    half = np.degrees(np.arctan(np.sqrt(2)))
    expected = abs(2 + 4 * np.cos(np.radians(6 * half))) / 6  # six directions of Li(110)
    for net, fold, order in [
        ("Li(100)", 4, 1.0),
        ("Li(111)", 6, 1.0),
        ("Cu(111)", 6, 1.0),
        ("Li(110)", 6, expected),
    ]:
        found = plane_order(neighbors_of(one_layer(net)), fold)
        np.testing.assert_allclose(np.abs(found), order, atol=1e-9)
    assert expected == pytest.approx(0.90, abs=5e-3)
    square = plane_order(neighbors_of(one_layer("Li(100)")), 4)
    rotated = plane_order(neighbors_of(turned(one_layer("Li(100)"), 11.0)), 4)
    np.testing.assert_allclose(np.degrees(np.angle(rotated / square)) / 4, 11.0, atol=1e-6)


def halves(net: str, angles: tuple[float, float]) -> Atoms:
    """Two grains side by side in a cell that is not their own, so that edges are rough."""
    parts = []
    for number, angle in enumerate(angles):
        layer = one_layer(net).repeat((5, 5, 1))
        layer.positions -= layer.positions.mean(axis=0)
        layer.rotate(angle, "z")
        x, y = layer.positions[:, 0], layer.positions[:, 1]
        part = layer[(x > 0) & (x < 28) & (y > 0) & (y < 56)]
        part.positions[:, 0] += 29 * number
        parts.append(part)
    both = parts[0] + parts[1]
    both.set_cell([58, 58, 20])
    both.pbc = True
    return both


@pytest.mark.parametrize("net, turn", [("Li(110)", 60.0), ("Li(110)", 25.0), ("Li(100)", 20.0)])
def test_two_orientations_are_two_grains(net, turn):
    """Li(110) turned by 60 degrees, the variants on a hexagonal surface, have the same psi_6."""
    layer = shaken(halves(net, (3.0, 3.0 + turn)), 0.15)
    similarity = compare_with_nets(layer.positions, layer.cell.array, np.zeros(len(layer), int))
    grains = find_grains(similarity)
    first, second = grains.sizes()[:2]
    assert first + second > 0.75 * len(layer)
    assert abs(first - second) < 0.1 * len(layer)
    largest = np.argsort(-np.bincount(grains.grain[grains.grain >= 0]))[:2]
    angles = [np.median(grains.angle[grains.grain == grain]) for grain in largest]
    period = 180 if net == "Li(110)" else 90
    difference = (max(angles) - min(angles)) % period
    assert min(difference, period - difference) == pytest.approx(turn, abs=2)


def test_angle_of_a_grain_near_the_end_of_its_period_does_not_part_it():
    layer = shaken(one_layer("Li(110)"), 0.2, 2)
    layer.wrap()
    similarity = compare_with_nets(layer.positions, layer.cell.array, np.zeros(len(layer), int))
    grains = find_grains(similarity)
    assert np.nanmax(np.minimum(grains.angle, 180 - grains.angle)) < 10
    assert np.nanmin(grains.angle) < 10
    assert np.nanmax(grains.angle) > 170
    assert grains.sizes()[0] > 0.95 * len(layer)


def test_disorder_has_no_grains():
    points = np.random.default_rng(1).uniform(0, 40, (190, 2))
    layer = Atoms("Li190", np.c_[points, np.zeros(190)], cell=[40, 40, 10])
    grains = find_grains(compare_with_nets(layer.positions, layer.cell.array, np.zeros(190, int)))
    assert np.mean(grains.grain < 0) > 0.95
    assert np.isnan(grains.angle[grains.grain < 0]).all()
