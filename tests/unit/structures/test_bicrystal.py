"""Bicrystals and sandwiches: mirror planes, perfect grains, densities, distances at the seams."""

import numpy as np
import pytest
from ase.neighborlist import neighbor_list

from limlff.errors import InputError
from limlff.structures.bicrystal import copper_sandwich, tilt_bicrystal

A = 3.44


@pytest.mark.parametrize(("plane", "angle"), [("310", 36.87), ("210", 53.13)])
def test_grains_mirror_each_other_and_are_turned_by_the_angle_of_sigma_5(plane, angle):
    both = tilt_bicrystal("Li", A, plane, (10.0, 12.0, 20.0))
    cell = both.cell.lengths()
    assert (cell >= (10, 12, 40)).all()
    assert len(both) * A**3 / 2 == pytest.approx(both.get_volume())  # no atom too many
    mirrored = both.positions * [1, 1, -1] + [0, 0, cell[2]]
    offset = mirrored[:, None] - both.positions[None]
    offset -= np.round(offset / cell) * cell
    assert np.linalg.norm(offset, axis=2).min(axis=1).max() < 1e-6
    # far from the boundaries at 0 and the middle both are bcc: 8 + 6 neighbors
    firsts, vectors = neighbor_list("iD", both, 1.1 * A)
    counts = np.bincount(firsts, minlength=len(both))
    height = both.positions[:, 2] / cell[2]
    for low, high in ((0.15, 0.35), (0.65, 0.85)):
        assert (counts[(height > low) & (height < high)] == 14).all()
    # and the cubic axes in the plane of x = [001] are turned by the angle against each other
    turns = []
    for low, high in ((0.2, 0.3), (0.7, 0.8)):
        inside = (height[firsts] > low) & (height[firsts] < high)
        axes = vectors[inside & (np.abs(vectors[:, 0]) < 0.1)]
        axes = axes[np.abs(np.linalg.norm(axes, axis=1) - A) < 0.05]
        turns.append(np.degrees(np.arctan2(axes[0, 2], axes[0, 1])) % 90)
    turn = abs(turns[0] - turns[1])
    assert min(turn, 90 - turn) == pytest.approx(min(angle, 90 - angle), abs=0.05)


def test_lithium_between_copper_touches_it_on_both_sides_alike():
    both = copper_sandwich("Li", A, "111", (15.0, 15.0, 25.0), 5, 3.63, 3.0)
    copper = np.array(both.symbols == "Cu")
    assert both.cell.lengths()[:2].min() >= 15
    first, second, distance = neighbor_list("ijd", both, 3.4)
    between = copper[first] & ~copper[second]
    assert 2.2 < distance[between].min() < 2.7  # a Cu-Li bond, above and below
    height = both.positions[:, 2]
    below = height[second[between]] > 0.5 * both.cell[2, 2]
    assert 0.2 < below.mean() < 0.8
    lithium = np.sort(height[~copper])
    thickness = np.ptp(lithium)
    area = both.cell[0, 0] * both.cell[1, 1]
    planes = round(thickness / (A / np.sqrt(2))) + 1
    assert len(lithium) / area / planes == pytest.approx(np.sqrt(2) / A**2, rel=0.05)
    middle = np.exp(2j * np.pi * height[copper] / both.cell[2, 2]).sum()
    assert abs(np.angle(middle)) < 0.01


def test_unknown_boundaries_and_hopeless_strains_are_refused():
    with pytest.raises(InputError, match="must be '210' or '310'"):
        tilt_bicrystal("Li", A, "110", (5, 5, 5))
    with pytest.raises(InputError, match="raise max_strain_percent"):
        copper_sandwich("Li", A, "100", (5.0, 5.0, 10.0), 3, 3.63, 1e-4)
