"""Displacements by layer of walks with known mean squares."""

import numpy as np
import pytest
from ase import Atoms

from limlff.analysis.film import NO_LAYER
from limlff.analysis.layer_mobility import layer_displacements, stacked_positions, unwrapped
from limlff.errors import InputError


def walk(frames, atoms, spread, seed):
    """Steps of given standard deviations along x, y and z (Å)."""
    steps = np.random.default_rng(seed).normal(0, spread, (frames, atoms, 3))
    return np.cumsum(steps, axis=0)


def test_mean_squares_of_two_walks_grow_as_they_must():
    """Layer 1 at rest but for vibrations, layer 2 a walk that is faster in the plane."""
    vibrating = np.random.default_rng(1).normal(0, 0.2, (200, 300, 3))
    walking = walk(200, 300, [0.3, 0.4, 0.1], 2)
    positions = np.concatenate([vibrating, walking], axis=1)
    layers = np.tile(np.repeat([1, 2], 300), (200, 1))
    still, moving = layer_displacements(positions, layers, [1, 5, 20])
    assert still.in_plane == pytest.approx([4 * 0.2**2] * 3, rel=0.05)
    assert still.along_z == pytest.approx([2 * 0.2**2] * 3, rel=0.05)
    assert moving.in_plane == pytest.approx(np.array([1, 5, 20]) * (0.3**2 + 0.4**2), rel=0.06)
    assert moving.along_z == pytest.approx(np.array([1, 5, 20]) * 0.1**2, rel=0.08)
    assert moving.stays.tolist() == [1, 1, 1]
    assert moving.samples == 199 * 300


def test_atom_counts_for_the_layer_it_starts_in():
    positions = np.zeros((3, 2, 3))
    positions[:, 0, 0] = [0, 1, 3]
    layers = np.array([[1, 2], [2, 2], [2, NO_LAYER]])
    first, second = layer_displacements(positions, layers, [1])
    assert first.in_plane.tolist() == [1.0]
    assert first.stays.tolist() == [0.0]
    assert second.in_plane == pytest.approx([(0 + 4 + 0) / 3])
    assert second.stays == pytest.approx([2 / 3])


def test_positions_that_were_wrapped_are_unwrapped():
    cell = np.array([[8.0, 0, 0], [3.0, 7.0, 0], [0, 0, 9.0]])
    true = walk(60, 40, 0.6, 4) + 4.0
    fractional = true @ np.linalg.inv(cell)
    wrapped = (fractional % 1) @ cell
    found = unwrapped(wrapped, np.tile(cell, (60, 1, 1)))
    np.testing.assert_allclose(found - found[0], true - true[0], atol=1e-9)
    still = unwrapped(wrapped, np.tile(cell, (60, 1, 1)), (True, True, False))
    np.testing.assert_allclose(still[..., 2], wrapped[..., 2])


def test_atoms_that_come_later_count_from_then_on():
    frames = [Atoms("Li", [[0, 0, 0]]), Atoms("Li2", [[1, 0, 0], [9, 9, 9]])]
    frames.append(Atoms("Li2", [[2, 0, 0], [9, 9, 12]]))
    positions = stacked_positions(frames)
    positions = unwrapped(positions, np.tile(50 * np.eye(3), (3, 1, 1)))
    layers = np.array([[1, NO_LAYER], [1, 2], [1, 2]])
    first, second = layer_displacements(positions, layers, [1])
    assert first.in_plane.tolist() == [1.0]
    assert (second.along_z.tolist(), second.samples) == ([9.0], 1)
    with pytest.raises(InputError, match="frame 2 has Li, not the atoms of the one before"):
        stacked_positions([frames[0], frames[1], frames[0]])


def test_lags_beyond_the_trajectory_are_refused():
    with pytest.raises(InputError, match=r"lags are \[3\] frames of 3"):
        layer_displacements(np.zeros((3, 1, 3)), np.ones((3, 1), int), [3])
