"""The rate law of closing holes: limits that can be integrated by hand, and laws found again."""

import math

import numpy as np
import pytest
from scipy.special import gamma

from limlff.workflows.healing.inertia import collapse_time
from limlff.workflows.healing.rate_law import (
    Closing,
    CreepLaw,
    Material,
    fit_creep_law,
    laplace_pressure,
)

GAMMA = 0.474
LITHIUM = Material(GAMMA, 550.0)
MASSLESS = Material(GAMMA, 0.0)


def test_surface_tension_of_a_hole_of_80_atoms_is_above_a_gigapascal():
    assert laplace_pressure(7.4, 0.47) == pytest.approx(2 * 0.47 / 7.4e-10 * 1e-9)


def test_closing_time_has_its_limits_of_surface_tension_alone_and_of_pressure_alone():
    """Without pressure dR/dt = -B R (c/R)^n: t = (R^n - r^n) / (n B c^n). Without tension
    t = ln(R/r) / (B P^n)."""
    for exponent in (1.0, 3.5):
        law = CreepLaw(math.log(0.2), exponent, 0.3, MASSLESS)
        c = 20 * GAMMA
        time = (20**exponent - 3**exponent) / (exponent * 0.2 * c**exponent)
        assert math.exp(law.log_time(20, 3, 0.0)) == pytest.approx(time, rel=1e-6)
        bare = CreepLaw(math.log(0.2), exponent, 0.3, Material(1e-9, 0.0))
        time = math.log(20 / 3) / (0.2 * 0.5**exponent)
        assert math.exp(bare.log_time(20, 3, 0.5)) == pytest.approx(time, rel=1e-6)


def test_no_hole_collapses_faster_than_inertia_lets_it():
    """Rayleigh's time without tension; without pressure sqrt(rho R^3 / 2 gamma) times the integral
    of sqrt(x^3 / (1 - x^2)), a beta function. A law adds it to its own."""
    radius, nothing = np.array([20.0]), np.array([1e-9])
    found = collapse_time(radius, nothing, np.array([1.0]), 1e-12, 550.0)[0]
    assert found == pytest.approx(0.91468 * 20e-10 * math.sqrt(550 / 1e9) * 1e12, rel=1e-4)
    found = collapse_time(radius, nothing, np.array([0.0]), GAMMA, 550.0)[0]
    tension = math.sqrt(550 * (20e-10) ** 3 / (2 * GAMMA)) * 1e12
    integral = 0.5 * gamma(5 / 4) * gamma(1 / 2) / gamma(7 / 4)
    assert found == pytest.approx(integral * tension, rel=1e-4)
    fast = CreepLaw(20.0, 2.0, 0.3, LITHIUM)  # without any resistance
    assert math.exp(fast.log_time(20, 1e-6, 0.0)) == pytest.approx(found, rel=1e-3)


def made_up(law: CreepLaw, end: float, seed: int) -> list[Closing]:
    """Runs after a law: 4 sizes x 4 pressures x 4 seeds, watched for so long."""
    rng, runs = np.random.default_rng(seed), []
    for radius in (7.4, 10.8, 14.5, 19.7):
        for pressure in (0.0, 0.3, 0.6, 1.0):
            median = law.log_time(radius, 2.5, pressure)
            for time in np.exp(median + law.scatter * rng.normal(size=4)):
                runs.append(Closing(radius, 2.5, pressure, min(time, end), bool(time <= end)))
    return runs


def test_law_is_found_again_in_runs_of_which_some_did_not_close():
    law = CreepLaw(math.log(0.05), 2.5, 0.2, LITHIUM)
    fit = fit_creep_law(made_up(law, end=10.0, seed=1), LITHIUM, draws=40)
    assert 40 < fit.closed < fit.runs == 64
    low, high = fit.interval([each.exponent for each in fit.drawn])
    assert low < 2.5 < high and high - low < 0.6
    assert fit.law.scatter == pytest.approx(0.2, rel=0.35)
    assert fit.unexpected <= 2
    expected, below, above = fit.log_time(1000, 2.5, 0.001)  # 100 nm, 1 MPa
    assert below < law.log_time(1000, 2.5, 0.001) < above
    assert below < expected < above


def test_too_few_runs_or_pressures_give_no_law():
    law = CreepLaw(math.log(0.05), 2.5, 0.2, LITHIUM)
    runs = made_up(law, end=60.0, seed=1)
    assert fit_creep_law(runs[:4], LITHIUM) is None
    assert fit_creep_law([run for run in runs if run.radius == 7.4 and run.pressure_gpa < 0.5],
                         LITHIUM) is None  # fmt: skip


def test_holes_that_stay_open_against_the_law_are_counted():
    """Small ones closed after a law; large ones, which it has closed long ago, did not."""
    law = CreepLaw(math.log(0.3), 1.5, 0.2, LITHIUM)
    runs = [run for run in made_up(law, end=1e9, seed=2) if run.radius < 12]
    stuck = [Closing(14.5, 2.5, 0.0, 1e4, False)]
    fit = fit_creep_law(runs + stuck, LITHIUM, draws=0)
    assert fit.unexpected == 1
    assert all(math.isnan(limit) for limit in fit.interval([]))
