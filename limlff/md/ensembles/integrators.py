"""Equations of motion at constant volume, composed of jax-md's integration steps.

Each integrator is cut in two where the forces are needed: `begin` leads to the new positions, and
`finish` goes on with the forces there. So the runner can look at the positions before it pays for
forces, and has energy and virial of the same evaluation. jax-md's own step functions round the time
step to float32; its building blocks, used here, do not, so that time is exactly steps x time step.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Protocol

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from limlff import precision as precision  # first: sets up jax
from limlff.jax_md_parts import simulate
from limlff.md.system.state import AtomTable, MDState, kinetic_energy, without_drift
from limlff.units import BOLTZMANN


@dataclass(frozen=True)
class Ramp:
    """A value that changes along a straight line from the first to the last step.

    Attributes:
        start: Value at step 0.
        end: Value at step `steps` and beyond.
        steps: Length of the ramp.
    """

    start: float
    end: float
    steps: int

    def at(self, step: Any) -> Any:
        """Value at a step (traced or not)."""
        return self.start + (self.end - self.start) * jnp.clip(step / self.steps, 0.0, 1.0)


class Integrator(Protocol):
    """One step, in two halves around the evaluation of the forces."""

    @property
    def chain_length(self) -> int:
        """Length of the Nose-Hoover chain in the state; 0 without one."""

    def begin(self, state: MDState, atoms: AtomTable) -> tuple[MDState, Any]:
        """To the new positions and cell; also what `finish` needs to know."""

    def finish(self, state: MDState, memory: Any, atoms: AtomTable) -> MDState:
        """The rest of the step, with the forces, energy and virial at the new positions."""

    def conserved(self, state: MDState, atoms: AtomTable) -> Float[Array, ""]:
        """Conserved quantity (eV), exact for an infinitely small step and constant targets."""


def _shift(positions: Array, displacements: Array) -> Array:
    return positions + displacements


def _particles(state: MDState, atoms: AtomTable) -> simulate.NVEState:
    return simulate.NVEState(state.positions, state.momenta, state.forces, atoms.masses)


def _kick_and_drift(state: MDState, atoms: AtomTable, timestep: float) -> MDState:
    """First half of velocity Verlet."""
    particles = simulate.momentum_step(_particles(state, atoms), timestep / 2)
    particles = simulate.position_step(particles, _shift, timestep)
    return replace(state, positions=particles.position, momenta=particles.momentum)


def kick(state: MDState, atoms: AtomTable, time: float) -> MDState:
    """Momenta after the forces have acted for a time."""
    particles = simulate.momentum_step(_particles(state, atoms), time)
    return replace(state, momenta=particles.momentum)


def _mechanical_energy(state: MDState, atoms: AtomTable) -> Float[Array, ""]:
    return state.energy + kinetic_energy(state.momenta, atoms.masses)


@dataclass(frozen=True)
class VelocityVerlet:
    """Constant energy.

    Attributes:
        timestep: Time step (internal units).
    """

    timestep: float
    chain_length: int = 0

    def begin(self, state: MDState, atoms: AtomTable) -> tuple[MDState, Any]:
        """Half a kick and a drift."""
        return _kick_and_drift(state, atoms, self.timestep), None

    def finish(self, state: MDState, memory: Any, atoms: AtomTable) -> MDState:
        """Half a kick."""
        return kick(state, atoms, self.timestep / 2)

    def conserved(self, state: MDState, atoms: AtomTable) -> Float[Array, ""]:
        """Potential and kinetic energy, less what events brought in (eV)."""
        return _mechanical_energy(state, atoms) + state.bath_energy


@dataclass(frozen=True)
class LangevinBAOAB:
    """Canonical ensemble by friction and noise, in BAOAB order.

    Without frozen atoms the noise is projected so that it has no total momentum: it then samples
    exactly the 3N - 3 remaining momenta, and the centre of mass does not diffuse.

    If it is selective, it acts on the atoms of `AtomTable.coupled` alone. The others take their
    steps of velocity Verlet, which is what BAOAB is without a bath. The noise is then projected
    among the coupled atoms: given the momenta of the others, it samples theirs.

    Attributes:
        timestep: Time step (internal units).
        friction: Inverse time in which a velocity is forgotten (1 / internal unit of time).
        thermal_energy: kT (eV).
        keep_centre: Whether the total momentum is zero and stays so.
        selective: Whether it acts on some of the atoms only.
    """

    timestep: float
    friction: float
    thermal_energy: Ramp
    keep_centre: bool
    selective: bool = False
    chain_length: int = 0

    def begin(self, state: MDState, atoms: AtomTable) -> tuple[MDState, Any]:
        """Half a kick, half a drift, the bath, half a drift."""
        half = self.timestep / 2
        particles = simulate.momentum_step(_particles(state, atoms), half)
        particles = simulate.position_step(particles, _shift, half)
        before = kinetic_energy(particles.momentum, atoms.masses)
        key, own = jax.random.split(state.key)
        friction = self.friction * (atoms.coupled if self.selective else 1.0)
        kept = jnp.exp(-friction * self.timestep)
        widths = jnp.sqrt((1 - kept**2) * self.thermal_energy.at(state.step) * atoms.masses)
        # in single precision, which a random number does not tell from double and takes a third
        noise = jax.random.normal(own, state.momenta.shape, jnp.float32)
        momenta = (kept * particles.momentum + widths * noise) * atoms.mobile
        if self.keep_centre:
            momenta = self._without_drift(momenta, atoms)
        heat = kinetic_energy(momenta, atoms.masses) - before
        particles = simulate.position_step(particles.set(momentum=momenta), _shift, half)
        return replace(
            state,
            positions=particles.position,
            momenta=momenta,
            key=key,
            bath_energy=state.bath_energy - heat,
        ), None

    def _without_drift(
        self, momenta: Float[Array, "atoms 3"], atoms: AtomTable
    ) -> Float[Array, "atoms 3"]:
        """Momenta without a total: what the bath gave is taken back from where it gave it."""
        if not self.selective:
            return without_drift(momenta, atoms.masses, atoms.mobile)
        inertia = atoms.masses * atoms.coupled
        # once all of them have been removed there is nothing to take, and no atom is so light
        velocity = momenta.sum(axis=0) / jnp.maximum(inertia.sum(), 1e-6)
        return momenta - inertia * velocity

    def finish(self, state: MDState, memory: Any, atoms: AtomTable) -> MDState:
        """Half a kick."""
        return kick(state, atoms, self.timestep / 2)

    def conserved(self, state: MDState, atoms: AtomTable) -> Float[Array, ""]:
        """Energy of the atoms less the heat they took up (eV).

        Source: G. Bussi and M. Parrinello, Phys. Rev. E 75, 056707 (2007).
        """
        return _mechanical_energy(state, atoms) + state.bath_energy


@dataclass(frozen=True)
class NoseHooverChain:
    """Canonical ensemble by a Nose-Hoover chain.

    jax-md counts 3N degrees of freedom; here the chain is given the true number, which may change
    when atoms come and go: the masses of the chain follow it.

    Attributes:
        timestep: Time step (internal units).
        tau: Period of the chain (internal units).
        thermal_energy: kT (eV).
        chain_length: Thermostats in the chain.
    """

    timestep: float
    tau: float
    thermal_energy: Ramp
    chain_length: int

    def _half_step(self, state: MDState, atoms: AtomTable, kt: Float[Array, ""]) -> MDState:
        """The chain's action on the momenta for half a time step."""
        chain = simulate.NoseHooverChain(
            state.chain_positions,
            state.chain_momenta,
            self._chain_masses(kt, atoms),
            self.tau,
            kinetic_energy(state.momenta, atoms.masses),
            atoms.degrees_of_freedom,
        )
        momenta = state.momenta
        # jax-md's own loop over these steps takes the degrees of freedom for a constant
        for weight in 2 * simulate.SUZUKI_YOSHIDA_WEIGHTS[3]:
            part = simulate.nose_hoover_chain(
                0.5 * self.timestep * weight, self.chain_length, 1, 1, self.tau
            )
            momenta, chain = part.half_step(momenta, chain, kt)
        return replace(
            state, momenta=momenta, chain_positions=chain.position, chain_momenta=chain.momentum
        )

    def _chain_masses(self, kt: Any, atoms: AtomTable) -> Float[Array, " chain"]:
        masses = jnp.full(self.chain_length, kt * self.tau**2)
        return masses.at[0].multiply(atoms.degrees_of_freedom)

    def begin(self, state: MDState, atoms: AtomTable) -> tuple[MDState, Any]:
        """Half a step of the chain, half a kick, a drift."""
        kt = self.thermal_energy.at(state.step)
        return _kick_and_drift(self._half_step(state, atoms, kt), atoms, self.timestep), kt

    def finish(self, state: MDState, memory: Any, atoms: AtomTable) -> MDState:
        """Half a kick, half a step of the chain."""
        return self._half_step(kick(state, atoms, self.timestep / 2), atoms, memory)

    def conserved(self, state: MDState, atoms: AtomTable) -> Float[Array, ""]:
        """Energy of the atoms and of the chain, less what events brought in (eV).

        Source: G. J. Martyna, M. L. Klein and M. Tuckerman, J. Chem. Phys. 97, 2635 (1992).
        """
        kt = self.thermal_energy.at(state.step)
        kinetic = 0.5 * jnp.sum(state.chain_momenta**2 / self._chain_masses(kt, atoms))
        potential = kt * (
            atoms.degrees_of_freedom * state.chain_positions[0] + jnp.sum(state.chain_positions[1:])
        )
        return _mechanical_energy(state, atoms) + kinetic + potential + state.bath_energy


def thermal_ramp(first_k: float, last_k: float, steps: int) -> Ramp:
    """kT (eV) of a ramp between two temperatures (K)."""
    return Ramp(BOLTZMANN * first_k, BOLTZMANN * last_k, steps)
