"""Constant temperature in a crystal, through the whole runner."""

from __future__ import annotations

import numpy as np
import pytest
from block_averages import blocked_error
from md_models import copper, run_copper

from limlff.md.output.thermo import read_thermo

FREEDOM = 3 * 32 - 3


@pytest.mark.parametrize(
    "ensemble",
    [
        {"kind": "nvt_langevin", "friction_per_ps": 20.0},
        {"kind": "nvt_nose_hoover", "tau_fs": 50.0},
        {"kind": "npt", "tau_fs": 500.0, "thermostat_tau_fs": 20.0},
    ],
    ids=lambda ensemble: ensemble["kind"],
)
def test_kinetic_energy_is_chi_square_distributed(tmp_path, ensemble):
    """Mean T and variance 2 T^2 / (3N - 3) of the temperature of 32 atoms at 300 K."""
    result = run_copper(
        tmp_path,
        steps=5000,
        timestep_fs=3.0,
        ensemble=ensemble,
        initial_temperature_k=600.0,
        output={"thermo_every": 5, "trajectory_every": 10_000},
    )
    kelvin = read_thermo(result.thermo)["temperature_k"][150:]
    error = blocked_error(kelvin)
    assert error < 4.0  # 3N instead of 3N - 3 would be 9 K off
    assert abs(kelvin.mean() - 300.0) < 4 * error
    assert kelvin.var() / (2 * 300.0**2 / FREEDOM) == pytest.approx(1.0, abs=0.3)


def test_velocities_at_the_start_have_the_temperature_and_no_drift(tmp_path):
    """Mean over 400 atoms and three seeds within 4 standard errors."""
    kelvin = []
    for seed in range(3):
        atoms = copper(cells=4)
        result = run_copper(tmp_path / str(seed), atoms, steps=1, seed=seed, temperature_k=450.0)
        kelvin.append(read_thermo(result.thermo)["temperature_k"][0])
        assert np.abs(result.atoms.get_momenta().sum(axis=0)).max() < 1e-10
    assert len(set(kelvin)) == 3
    error = 450.0 * np.sqrt(2.0 / (3 * 256 - 3) / 3)
    assert abs(np.mean(kelvin) - 450.0) < 4 * error


def test_temperature_follows_a_ramp(tmp_path):
    """From 600 K to 200 K in 3 ps with a strong bath; first and last fifth."""
    result = run_copper(
        tmp_path,
        steps=1500,
        ensemble={"kind": "nvt_langevin", "friction_per_ps": 50.0},
        temperature_k=[600.0, 200.0],
        output={"thermo_every": 2},
    )
    kelvin = read_thermo(result.thermo)["temperature_k"]
    fifth = len(kelvin) // 5
    assert kelvin[fifth : 2 * fifth].mean() == pytest.approx(480.0, rel=0.15)
    assert kelvin[-fifth:].mean() == pytest.approx(240.0, rel=0.15)
