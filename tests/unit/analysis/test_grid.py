import numpy as np
import pytest

from limlff.analysis.grid import PeriodicGrid

SHEARED = np.array([[12.0, 0.0, 0.0], [1.5, 13.0, 0.0], [-1.0, 2.0, 11.0]])


def nearest_image_distance(point, positions, cell):
    shifts = np.array(list(np.ndindex(5, 5, 5))) - 2
    images = positions[:, None] + (shifts @ cell)[None]
    return np.linalg.norm(images - point, axis=2)


@pytest.mark.parametrize("cell", [np.diag([11.0, 12.0, 13.0]), SHEARED])
def test_smeared_density_is_the_sum_of_gaussians(cell):
    rng = np.random.default_rng(0)
    positions = rng.uniform(-20, 20, (7, 3))
    grid = PeriodicGrid.with_spacing(cell, 0.6)
    density = grid.smeared_density(positions, 1.5)
    for index in rng.integers(0, grid.shape, (12, 3)):
        point = grid.cartesian(index[None])[0]
        fractional = positions @ np.linalg.inv(cell)
        wrapped = (fractional - np.floor(fractional)) @ cell
        distances = nearest_image_distance(point, wrapped, cell)
        expected = np.exp(-0.5 * (distances / 1.5) ** 2).sum() / (2 * np.pi * 1.5**2) ** 1.5
        assert density[tuple(index)] == pytest.approx(expected, abs=2e-4)  # peak of one atom 1.9e-2


def test_density_integrates_to_the_number_of_atoms():
    positions = np.random.default_rng(1).uniform(0, 12, (33, 3))
    grid = PeriodicGrid.with_spacing(SHEARED, 0.7)
    total = grid.smeared_density(positions, 1.5).sum() * grid.volume_per_point
    assert total == pytest.approx(33, rel=1e-12)


def test_a_grown_point_is_a_ball_across_the_boundary():
    grid = PeriodicGrid.with_spacing(SHEARED, 0.5)
    region = np.zeros(grid.shape, bool)
    region[0, 0, 0] = True
    grown = grid.dilated(region, 4.0)
    index = np.argwhere(np.ones(grid.shape, bool))
    distances = nearest_image_distance(np.zeros(3), grid.cartesian(index), SHEARED).min(axis=1)
    np.testing.assert_array_equal(grown.ravel(), distances <= 4.0)
    assert grown.sum() * grid.volume_per_point == pytest.approx(4 / 3 * np.pi * 4**3, rel=0.03)


def test_parts_that_touch_across_the_boundary_are_one():
    grid = PeriodicGrid(np.eye(3) * 10, (10, 10, 10))
    region = np.zeros(grid.shape, bool)
    region[0, :3, 5] = region[9, 2:5, 5] = True  # one, across x
    region[5, 0, 0] = region[5, 9, 0] = region[5, 0, 9] = True  # one, across y and z
    region[4, 5, 5] = True
    labels = grid.connected(region)
    assert len(np.unique(labels[region])) == 3
    assert labels[0, 0, 5] == labels[9, 4, 5]
    assert labels[5, 9, 0] == labels[5, 0, 9]
