"""Local current density of arrivals whose distribution is known."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import constants

from limlff.analysis.current_density import has_landed, local_current
from limlff.errors import InputError
from limlff.structures.grain import bcc_slab

CELL = np.diag([40.0, 30.0, 50.0])


def test_current_density_of_a_tile_is_its_charge_per_area_and_time():
    places = np.array([[0.1, 0.1], [0.1, 0.2], [1.1, 0.1], [0.9, 0.9]])  # one from another image
    found = local_current(places, CELL, (2, 2), 500.0)
    assert found.counts.tolist() == [[3, 0], [0, 1]]
    ampere = 3 * constants.elementary_charge / 500e-12
    square_cm = 20e-8 * 15e-8
    assert found.density[0, 0] == pytest.approx(1e3 * ampere / square_cm)


def test_even_arrivals_have_shot_noise_alone():
    rng = np.random.default_rng(0)
    found = [local_current(rng.random((400, 2)), CELL, (5, 4), 1.0) for _ in range(200)]
    assert found[0].shot_noise == pytest.approx(20 / 400)
    mean = np.mean([each.unevenness for each in found])
    assert mean == pytest.approx(0, abs=0.05 * 4 * np.sqrt(2 / 19 / 200))


def test_unevenness_is_the_relative_variance_of_the_current_without_noise():
    """Half of the tiles get three times what the others get: mean 2, deviation 1."""
    rng = np.random.default_rng(1)
    values = []
    for _ in range(100):
        x = rng.random(2000)
        x = np.where(rng.random(2000) < 0.75, 0.5 * x, 0.5 + 0.5 * x)
        found = local_current(np.stack([x, rng.random(2000)], axis=1), CELL, (4, 4), 1.0)
        values.append(found.unevenness)
    assert np.mean(values) == pytest.approx(0.25 * 16 / 15, rel=0.03)  # of a sample of 16 tiles
    one = local_current(np.zeros((90, 2)), CELL, (3, 3), 1.0)
    assert one.relative_variance == pytest.approx(9)  # all on one of nine: k^2 / k with n - 1


def test_atoms_in_flight_have_not_landed():
    slab = bcc_slab("Li", "100", (5, 5), 4, 3.44, vacuum=30)
    top = slab.positions[:, 2].max()
    adatom, flying = [5.16, 5.16, top + 1.72], [8, 8, top + 9]
    positions = np.vstack([slab.positions, adatom, flying])
    assert has_landed(positions, slab.cell.array).tolist() == [True] * (len(slab) + 1) + [False]


def test_nothing_landed_and_too_few_tiles():
    assert np.isnan(local_current(np.zeros((0, 2)), CELL, (2, 2), 1.0).unevenness)
    with pytest.raises(InputError, match="tiles are"):
        local_current(np.zeros((1, 2)), CELL, (1, 1), 1.0)
