"""Displacements of walks with a known diffusion coefficient, in cells that breathe and drift."""

import numpy as np
import pytest

from limlff.analysis.mobility import (
    diffusion_coefficient,
    displacements_between,
    group_mean,
    internal_coordinates,
    square_displacements,
)
from limlff.errors import InputError


def random_walk(frames, atoms, diffusion, interval, seed=0):
    steps = np.random.default_rng(seed).normal(
        0, np.sqrt(2 * diffusion * interval), (frames, atoms, 3)
    )
    return np.cumsum(steps, axis=0) + 10.0


def test_affine_motion_of_the_cell_and_drift_move_no_atom():
    rng = np.random.default_rng(1)
    fractional = rng.random((50, 3))
    strain = 1 + 0.02 * rng.normal(size=(30, 1, 1)) + 0.01 * rng.normal(size=(30, 3, 3))
    cells = 20 * np.eye(3) * strain
    drift = np.cumsum(rng.normal(0, 0.3, (30, 1, 3)), axis=0)
    positions = (fractional + drift) @ cells
    coordinates = internal_coordinates(positions, cells)
    assert np.ptp(coordinates, axis=0).max() < 1e-10


def test_diffusion_of_a_random_walk_is_found():
    """500 walkers with D = 0.05 Å^2/ps, vibrations of 0.2 Å on top."""
    positions = random_walk(400, 500, 0.05, 0.2)
    positions += np.random.default_rng(2).normal(0, 0.2, positions.shape)
    cells = np.tile(np.eye(3) * 30.0, (400, 1, 1))
    coordinates = internal_coordinates(positions, cells)
    everyone = np.ones(positions.shape[:2], bool)
    found = diffusion_coefficient(coordinates, everyone, 0.2, (5, 25))
    assert found == pytest.approx(0.05, rel=0.03)


def test_group_of_moving_atoms_is_told_from_one_at_rest():
    positions = random_walk(200, 100, 0.1, 0.1)
    positions[:, 50:] = np.random.default_rng(3).normal(0, 0.2, (200, 50, 3))
    moving = np.zeros((200, 100), bool)
    moving[:, :50] = True
    coordinates = internal_coordinates(positions, np.tile(np.eye(3) * 30.0, (200, 1, 1)))
    fast = diffusion_coefficient(coordinates, moving, 0.1, (4, 20))
    slow = diffusion_coefficient(coordinates, ~moving, 0.1, (4, 20))
    assert fast == pytest.approx(0.1, rel=0.1)
    assert abs(slow) < 0.01 * fast + 5e-4


def test_mean_square_displacement_equals_a_plain_loop():
    positions = random_walk(12, 4, 1.0, 1.0)
    found = square_displacements(positions, 3)
    for start in range(9):
        for atom in range(4):
            expected = np.linalg.norm(positions[start + 3, atom] - positions[start, atom]) ** 2
            assert found[start, atom] == pytest.approx(expected)


def test_empty_group_has_no_mean_instead_of_zero():
    values = np.array([[1.0, 3.0], [5.0, 7.0]])
    members = np.array([[True, True], [False, False]])
    means = group_mean(values, members)
    assert means[0] == 2.0
    assert np.isnan(means[1])


def test_lag_beyond_the_trajectory_is_refused():
    with pytest.raises(InputError, match="lag is 5"):
        square_displacements(np.zeros((5, 2, 3)), 5)


def test_displacements_between_frames_are_those_of_two_frames_of_a_series():
    """The same as over a lag of one frame; atoms that have come since do not count."""
    rng = np.random.default_rng(4)
    positions = rng.random((2, 30, 3)) * 20
    cells = np.array([np.diag([20.0, 21, 22]), np.diag([20.0, 21, 20])])
    series = square_displacements(internal_coordinates(positions, cells), 1)[0]
    more = np.vstack([positions[1], [[1.0, 2, 3]]])
    found = displacements_between((positions[0], cells[0]), (more, cells[1]))
    assert found == pytest.approx(series)
