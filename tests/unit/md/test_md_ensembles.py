"""Integrators against jax-md's own step functions, on coupled springs."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from jax_md import simulate

from limlff.md.ensembles.integrators import (
    LangevinBAOAB,
    NoseHooverChain,
    Ramp,
    VelocityVerlet,
    thermal_ramp,
)
from limlff.md.system.state import AtomTable, initial_state, without_drift
from limlff.units import BOLTZMANN

ATOMS, STEPS = 6, 40
TIMESTEP, TAU = 0.1875, 4.0  # exact in float32, to which jax-md's step functions round
KT = 300.0 * BOLTZMANN
STIFFNESS = np.random.default_rng(0).uniform(0.5, 2.0, size=(ATOMS, ATOMS))
STIFFNESS = STIFFNESS + STIFFNESS.T


def springs(positions, kT=None):
    """Forces; jax-md hands its thermal energy on to them."""
    difference = positions[:, None] - positions[None]
    return -jnp.einsum("ij,ijk->ik", STIFFNESS, difference)


def spring_energy(positions):
    difference = positions[:, None] - positions[None]
    return 0.25 * jnp.einsum("ij,ijk->", STIFFNESS, difference**2)


def start():
    rng = np.random.default_rng(1)
    masses = rng.uniform(5.0, 60.0, size=(ATOMS, 1))
    positions = rng.normal(size=(ATOMS, 3))
    momenta = np.asarray(without_drift(rng.normal(size=(ATOMS, 3)), masses, np.ones((ATOMS, 1))))
    return masses, positions, momenta


def advance(integrator, steps=STEPS, mobile=None, freedom=3 * ATOMS - 3, coupled=None):
    """Positions, momenta and conserved quantities of our integrator."""
    masses, positions, momenta = start()
    mobile = np.ones((ATOMS, 1)) if mobile is None else mobile
    coupled = np.ones((ATOMS, 1)) if coupled is None else coupled
    table = AtomTable(np.zeros(ATOMS, np.int32), masses, mobile, coupled, np.float64(freedom))
    key = np.asarray(jax.random.PRNGKey(5))
    state = initial_state(positions, momenta * mobile, np.eye(3), key, integrator.chain_length)
    state = jax.tree.map(jnp.asarray, state)
    state = replace(
        state,
        forces=springs(positions) * mobile,
        energy=spring_energy(positions),
        step=jnp.int64(0),
    )

    def step(state, _):
        moved, memory = integrator.begin(state, table)
        moved = replace(
            moved,
            forces=springs(moved.positions) * mobile,
            energy=spring_energy(moved.positions),
        )
        state = replace(integrator.finish(moved, memory, table), step=state.step + 1)
        return state, (integrator.conserved(state, table), state.momenta)

    return jax.jit(lambda s: jax.lax.scan(step, s, None, length=steps))(state)


def peer(init, apply, **arguments):
    """Positions and momenta of jax-md's integrator."""
    masses, positions, momenta = start()
    state = init(
        jax.random.PRNGKey(9),
        jnp.array(positions),
        mass=jnp.array(masses[:, 0]),
        momenta=jnp.array(momenta),
        **arguments,
    )
    return state, jax.jit(lambda s: jax.lax.fori_loop(0, STEPS, lambda _, inner: apply(inner), s))


def shift(positions, displacements):
    return positions + displacements


def test_velocity_verlet_is_that_of_jax_md():
    mine, _ = advance(VelocityVerlet(TIMESTEP))
    state, run = peer(*simulate.nve(springs, shift, TIMESTEP), kT=KT)
    theirs = run(state)
    np.testing.assert_allclose(mine.positions, theirs.position, atol=1e-12)
    np.testing.assert_allclose(mine.momenta, theirs.momentum, atol=1e-11)


def test_nose_hoover_is_that_of_jax_md_if_it_counts_the_same_degrees_of_freedom():
    integrator = NoseHooverChain(TIMESTEP, TAU, thermal_ramp(300.0, 300.0, 1), 4)
    mine, _ = advance(integrator, freedom=3 * ATOMS)
    functions = simulate.nvt_nose_hoover(
        springs, shift, TIMESTEP, jnp.float64(KT), chain_length=4, tau=TAU
    )
    state, run = peer(*functions, kT=jnp.float64(KT))
    theirs = run(state)
    np.testing.assert_allclose(mine.positions, theirs.position, atol=1e-9)
    np.testing.assert_allclose(mine.chain_positions, theirs.chain.position, atol=1e-9)


def test_langevin_is_that_of_jax_md_if_the_centre_may_move(monkeypatch):
    """With noise in single precision for jax-md, too."""
    draw, friction = jax.random.normal, 0.05
    monkeypatch.setattr(
        jax.random, "normal", lambda key, shape, dtype: draw(key, shape, jnp.float32)
    )
    thermal = thermal_ramp(300.0, 300.0, 1)
    mine, _ = advance(LangevinBAOAB(TIMESTEP, friction, thermal, keep_centre=False))
    state, run = peer(*simulate.nvt_langevin(springs, shift, TIMESTEP, KT, friction), kT=KT)
    theirs = run(state.set(rng=jax.random.PRNGKey(5)))
    np.testing.assert_allclose(mine.positions, theirs.position, atol=1e-9)


@pytest.mark.parametrize(
    "build",
    [
        lambda dt: VelocityVerlet(dt),
        lambda dt: NoseHooverChain(dt, 20 * TIMESTEP, thermal_ramp(3e3, 3e3, 1), 3),
    ],
)
def test_conserved_quantity_oscillates_with_the_square_of_the_step(build):
    """Half the step, a quarter of the error, over the same time."""
    spread = []
    for division in (1, 2, 4):
        _, (conserved, _) = advance(build(TIMESTEP / division), 200 * division)
        spread.append(np.std(conserved))
    assert 3.5 < spread[0] / spread[1] < 4.5
    assert 3.5 < spread[1] / spread[2] < 4.5


@pytest.mark.parametrize("selective", [False, True], ids=["all", "some"])
@pytest.mark.parametrize("keep_centre", [True, False])
def test_langevin_samples_the_canonical_momenta(keep_centre, selective):
    """Equipartition for light and heavy atoms, variance of K, and 3N - 3 or 3N momenta.

    Also of an atom without friction, which springs couple to those that have it.
    """
    thermal = thermal_ramp(300.0, 300.0, 1)
    integrator = LangevinBAOAB(TIMESTEP, 1.0, thermal, keep_centre, selective)
    coupled = np.array([[1.0], [1.0], [1.0], [0.0], [1.0], [1.0]])
    _, (_, momenta) = advance(integrator, 100_000, coupled=coupled)
    masses = start()[0]
    sample = np.asarray(momenta)[1000:]
    per_atom = (sample**2 / masses).mean(axis=(0, 2)) / KT
    expected = 1.0 - masses[:, 0] / masses.sum() if keep_centre else np.ones(ATOMS)
    # without friction of its own an atom is longer on its way to another velocity
    np.testing.assert_allclose(per_atom, expected, rtol=0.06 if selective else 0.03)
    kinetic = 0.5 * (sample**2 / masses).sum(axis=(1, 2)) / KT
    freedom = 3 * ATOMS - (3 if keep_centre else 0)
    assert kinetic.mean() == pytest.approx(freedom / 2, rel=0.015)
    assert kinetic.var() == pytest.approx(freedom / 2, rel=0.05)
    if keep_centre:
        assert np.abs(sample.sum(axis=1)).max() < 1e-10


def test_bath_whose_atoms_have_all_left_does_nothing():
    """What is left follows Newton's equations, without a division by the mass of no atoms."""
    integrator = LangevinBAOAB(TIMESTEP, 1.0, thermal_ramp(300.0, 300.0, 1), True, selective=True)
    mine, _ = advance(integrator, coupled=np.zeros((ATOMS, 1)))
    newton, _ = advance(VelocityVerlet(TIMESTEP))
    np.testing.assert_allclose(mine.positions, newton.positions, atol=1e-11)


def test_frozen_atoms_take_no_part_in_the_noise():
    mobile = np.ones((ATOMS, 1))
    mobile[2] = 0.0
    thermal = thermal_ramp(300.0, 300.0, 1)
    final, _ = advance(LangevinBAOAB(TIMESTEP, 1.0, thermal, keep_centre=False), mobile=mobile)
    assert np.array_equal(final.positions[2], start()[1][2])
    assert not np.any(final.momenta[2])


def test_ramp_is_straight_and_stays_at_its_end():
    ramp = Ramp(1.0, 3.0, 100)
    assert [float(ramp.at(step)) for step in (0, 50, 100, 150)] == [1.0, 2.0, 3.0, 3.0]
