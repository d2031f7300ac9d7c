"""Room for a deposited atom, against a search of all pairs."""

from __future__ import annotations

import time

import numpy as np
import pytest

from limlff.md.simulation.clearance import Clearance
from limlff.neighbors.pairs import find_pairs


@pytest.mark.parametrize("seed", range(40))
def test_places_are_the_same_as_by_a_search_of_all_pairs(seed):
    """In skewed and narrow cells, upside down or not, with atoms far outside of them."""
    rng = np.random.default_rng(seed)
    cell = np.diag(rng.uniform(2.0, 12.0, 3))
    cell[1, 0], cell[2, :2] = rng.uniform(-15, 15), rng.uniform(-5, 5, 2)
    cell[2] *= rng.choice([-1, 1])
    positions = rng.uniform(-30, 30, (rng.integers(1, 30), 3))
    periodic = np.array([True, True, seed % 2 == 0])
    distance = rng.uniform(0.1, 10.0)
    height = positions[:, 2].max() + rng.uniform(0.1, 8.0)
    clearance = Clearance(positions, cell, periodic, height, distance)
    for _ in range(5):
        place = rng.uniform(size=2) @ cell[:2]
        place[2] = height
        pairs = find_pairs(np.vstack([positions, place]), cell, periodic, distance)
        assert clearance.allows(place) == (not np.any(pairs.centres == len(positions)))


def test_a_thousand_places_above_a_large_surface_take_no_time():
    rng = np.random.default_rng(0)
    positions = rng.uniform(size=(100_000, 3)) * [200.0, 200.0, 40.0]
    begin = time.perf_counter()
    cell, periodic = np.diag([200.0, 200.0, 300.0]), np.ones(3, bool)
    clearance = Clearance(positions, cell, periodic, 46.0, 10.0)
    for place in rng.uniform(size=(1000, 2)) * 200.0:
        clearance.allows(np.array([*place, 46.0]))
    assert time.perf_counter() - begin < 2.0  # 0.05 s; a search of all pairs at each: minutes
