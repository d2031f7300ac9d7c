"""The barostat against the exact distribution of an ideal gas."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from limlff.md.ensembles.barostat import STRAIN_MODES, StochasticCellRescaling, velocity_factor
from limlff.md.ensembles.integrators import Ramp, thermal_ramp
from limlff.md.system.state import AtomTable, initial_state, without_drift
from limlff.units import BOLTZMANN, FEMTOSECOND, GIGAPASCAL

ATOMS, REPLICAS, TAU_FS = 8, 512, 100.0
KT = 300.0 * BOLTZMANN
PRESSURE = 1.0 * GIGAPASCAL


@cache
def gas_simulation(coupling: str, frozen: bool, rows: int):
    """Compiled replicas of an ideal gas: step in fs -> volumes and effective energies.

    Both have the shape (replicas, rows), with ten steps from row to row.
    """
    ramp = Ramp(PRESSURE, PRESSURE, 1)
    mobile = np.ones((ATOMS, 1))
    mobile[0] = 0.0 if frozen else 1.0
    freedom = 3.0 * mobile.sum() - (0.0 if frozen else 3.0)
    masses = np.linspace(5.0, 9.0, ATOMS)[:, None]
    table = AtomTable(np.zeros(ATOMS, np.int32), masses, mobile, mobile, np.float64(freedom))
    cell = np.eye(3) * (ATOMS * KT / PRESSURE) ** (1 / 3)

    def simulate(key, timestep_fs):
        barostat = StochasticCellRescaling(
            timestep=timestep_fs * FEMTOSECOND,
            thermal_energy=thermal_ramp(300.0, 300.0, 1),
            pressures=(ramp, ramp, ramp),
            modes=STRAIN_MODES[coupling],
            tau=TAU_FS * FEMTOSECOND,
            compressibility=1.0 / PRESSURE,
            thermostat_tau=50.0 * FEMTOSECOND,
        )
        start_key, velocity_key, volume_key = jax.random.split(key, 3)
        momenta = jax.random.normal(velocity_key, (ATOMS, 3)) * jnp.sqrt(masses * KT) * mobile
        if not frozen:
            momenta = without_drift(momenta, masses, mobile)
        state = initial_state(np.zeros((ATOMS, 3)), momenta, cell, start_key, 0)
        # A gas without collisions never forgets how its energy is shared among the axes, so the
        # replicas start in equilibrium, and the barostat must keep them there.
        stretch = jax.random.gamma(volume_key, float(ATOMS)) / ATOMS
        mode = jnp.array(STRAIN_MODES[coupling]).sum(axis=0)
        state = replace(state, cell=cell * stretch ** (mode / mode.sum()))
        state = jax.tree.map(jnp.asarray, state)

        def once(_, state):
            moved, memory = barostat.begin(state, table)
            return barostat.finish(moved, memory, table)

        def row(state, _):
            state = jax.lax.fori_loop(0, 10, once, state)
            return state, (jnp.linalg.det(state.cell), barostat.conserved(state, table))

        return jax.lax.scan(row, state, None, length=rows)[1]

    keys = jax.random.split(jax.random.PRNGKey(3), REPLICAS)
    compiled = jax.jit(jax.vmap(simulate, in_axes=(0, None)))
    return lambda timestep_fs: map(np.asarray, compiled(keys, timestep_fs))


@pytest.mark.parametrize(
    ("coupling", "frozen", "rate"),
    [("isotropic", False, 5 / 3), ("axes", True, 5 / 3), ("uniaxial z", False, 3.0)],
)
def test_volume_of_an_ideal_gas_is_gamma_distributed(coupling, frozen, rate):
    """p(V) ~ V^(n-1) exp(-PV/kT): n = N at zero total momentum, N_mobile + 1 with frozen atoms.

    One atom more or less would change mean and variance by an eighth.
    """
    volumes, _ = gas_simulation(coupling, frozen, 100)(2.0)
    unit = KT / PRESSURE
    means = volumes.mean(axis=1)
    error = means.std() / np.sqrt(REPLICAS)
    assert error < 0.015 * ATOMS * unit
    assert abs(means.mean() - ATOMS * unit) < 4 * error
    squares = ((volumes - ATOMS * unit) ** 2).mean(axis=1)
    error = squares.std() / np.sqrt(REPLICAS)
    # the kinetic part pulls too, so that relaxation is faster than tau by the factor `rate`; Euler
    # steps widen the distribution by rate x step / (2 tau), here 2 or 3 %
    widening = rate * 2.0 / (2.0 * TAU_FS)
    assert error < 0.06 * ATOMS * unit**2
    assert abs(squares.mean() - (1.0 + widening) * ATOMS * unit**2) < 4 * error
    assert volumes.var(axis=1).mean() > 0.4 * ATOMS * unit**2  # it does move in every replica


def test_effective_energy_is_conserved_better_with_shorter_steps():
    """Its change over 0.8 ps falls with the step; the energy itself changes by kT sqrt(dof / 2)."""
    changes = []
    for timestep_fs in (4.0, 2.0, 1.0):
        _, conserved = gas_simulation("isotropic", False, 100)(timestep_fs)
        changes.append(np.std(conserved[:, int(80 / timestep_fs)] - conserved[:, 0]) / KT)
    assert changes[0] < 0.2
    assert changes[0] / changes[1] > 1.6
    assert changes[1] / changes[2] > 1.6


def test_velocity_rescaling_samples_the_canonical_kinetic_energy():
    """Repeated rescaling: mean and variance of a chi-square variable of 21 degrees of freedom."""
    freedom = 21.0

    def relax(kinetic, key):
        factor = velocity_factor(kinetic, KT, freedom, 0.5, key)
        return kinetic * factor**2, kinetic

    keys = jax.random.split(jax.random.PRNGKey(1), 200_000)
    _, kinetic = jax.jit(lambda: jax.lax.scan(relax, jnp.float64(freedom * KT), keys))()
    sample = np.asarray(kinetic)[100:] / KT
    assert abs(sample.mean() - freedom / 2) < 4 * np.sqrt(freedom / 2 / 200_000 * 3)
    assert abs(sample.var() / (freedom / 2) - 1) < 0.02
