"""Constant temperature and pressure: stochastic cell rescaling with stochastic velocity rescaling.

The cell changes by strain modes e_k, each a common logarithmic strain of some Cartesian axes. At
fixed scaled coordinates and scaled momenta the wanted distribution, flat in volume, is
exp(-Phi/kT) with

    Phi = K + U + P0 V - kT ln V
    f_k = -dPhi/de_k = sum_a (sum m v_a^2 + W_aa - P_a V) + n_k kT

where the sum over a is over the n_k axes of the mode, and W is the virial. The modes follow
overdamped dynamics, de_k = mu_k f_k dt + sqrt(2 kT mu_k) dW, with mu_k = kappa / (m n_k^2 V_0 tau)
for m modes, kappa the compressibility and V_0 the volume at the start. A constant mobility makes
the noise additive, and tau the relaxation time of the volume. Positions are scaled with the cell
and momenta against it.

One step needs one evaluation of the forces: thermostat, half a kick, the strain together with the
drift x' = a x + v dt, v' = v / a (a = exp(strain)), which is its own inverse under time reversal,
the forces at the new point, half a kick. The ratio of the probabilities of this step and of its
reverse gives the change of the effective energy, which is conserved as the step goes to zero. The
variance of the volume is too large by about step / tau.

With N atoms whose total momentum is zero the volume of an ideal gas is distributed as
V^(N-1) exp(-P V / kT), so that <V> = N kT / P; with frozen atoms the exponent is the number of
moving ones.

Sources: M. Bernetti and G. Bussi, J. Chem. Phys. 153, 114107 (2020); V. Del Tatto, P. Raiteri,
M. Bernetti and G. Bussi, Appl. Sci. 12, 1139 (2022); G. Bussi, D. Donadio and M. Parrinello,
J. Chem. Phys. 126, 014101 (2007).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import NamedTuple

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, UInt32

from limlff import precision as precision  # first: sets up jax
from limlff.md.ensembles.integrators import Ramp, kick
from limlff.md.system.state import AtomTable, MDState, kinetic_energy

STRAIN_MODES: dict[str, tuple[tuple[float, float, float], ...]] = {
    "isotropic": ((1.0, 1.0, 1.0),),
    "axes": ((1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0)),
    "uniaxial x": ((1.0, 0.0, 0.0),),
    "uniaxial y": ((0.0, 1.0, 0.0),),
    "uniaxial z": ((0.0, 0.0, 1.0),),
}


class StrainStep(NamedTuple):
    """What the second half of a step must know of the first.

    Attributes:
        forces: f_k at the old cell (eV).
        strains: Change of each mode.
        volume: The old volume (Å^3).
        kt: Thermal energy of this step (eV).
        pressures: Targets of this step, one per axis (eV/Å^3).
    """

    forces: Float[Array, " modes"]
    strains: Float[Array, " modes"]
    volume: Float[Array, ""]
    kt: Float[Array, ""]
    pressures: Float[Array, "3"]


@dataclass(frozen=True)
class StochasticCellRescaling:
    """Isothermal-isobaric integrator.

    Frozen atoms have no momentum and follow the cell.

    Attributes:
        timestep: Time step (internal units).
        thermal_energy: kT (eV).
        pressures: Target for each Cartesian axis, positive in compression (eV/Å^3).
        modes: Axes that each strain mode scales.
        tau: Relaxation time of the volume (internal units).
        compressibility: Isothermal compressibility (Å^3/eV).
        thermostat_tau: Relaxation time of the kinetic energy (internal units).
    """

    timestep: float
    thermal_energy: Ramp
    pressures: tuple[Ramp, Ramp, Ramp]
    modes: tuple[tuple[float, float, float], ...]
    tau: float
    compressibility: float
    thermostat_tau: float
    chain_length: int = 0

    def begin(self, state: MDState, atoms: AtomTable) -> tuple[MDState, StrainStep]:
        """Thermostat, half a kick, strain and drift."""
        kt = self.thermal_energy.at(state.step)
        pressures = jnp.stack([ramp.at(state.step) for ramp in self.pressures])
        key, thermostat_key, strain_key = jax.random.split(state.key, 3)
        state = self._thermalise(state, atoms, kt, thermostat_key)
        state = kick(state, atoms, self.timestep / 2)
        forces, volume = self._mode_forces(state, atoms, kt, pressures)
        mobility = self._mobilities(state)
        noise = jax.random.normal(strain_key, (len(self.modes),), dtype=jnp.float64)
        strains = mobility * forces * self.timestep + noise * jnp.sqrt(
            2.0 * kt * mobility * self.timestep
        )
        scale = jnp.exp(strains @ jnp.array(self.modes))
        moved = replace(
            state,
            positions=state.positions * scale + self.timestep * state.momenta / atoms.masses,
            momenta=state.momenta / scale,
            cell=state.cell * scale,
            key=key,
        )
        return moved, StrainStep(forces, strains, volume, kt, pressures)

    def finish(self, state: MDState, memory: StrainStep, atoms: AtomTable) -> MDState:
        """Account for the strain, half a kick."""
        forces, volume = self._mode_forces(state, atoms, memory.kt, memory.pressures)
        before = memory.forces
        # -kT ln(P(step) / P(reverse)), and the change of P0 V - kT ln V; K and U are added later
        irreversible = 0.5 * jnp.sum(memory.strains * (before + forces)) - 0.25 * jnp.sum(
            self._mobilities(state) * self.timestep * (before**2 - forces**2)
        )
        axis_strains = memory.strains @ jnp.array(self.modes)
        work = self._work(memory, volume, axis_strains)
        entropy = memory.kt * jnp.log(volume / memory.volume)
        state = replace(state, bath_energy=state.bath_energy + irreversible + work - entropy)
        return kick(state, atoms, self.timestep / 2)

    def _work(
        self, memory: StrainStep, volume: Float[Array, ""], axis_strains: Float[Array, "3"]
    ) -> Float[Array, ""]:
        """Work against the target pressures: exact if they are equal, by the mean volume if not."""
        mean = jnp.mean(memory.pressures)
        deviation = jnp.sum((memory.pressures - mean) * axis_strains)
        return mean * (volume - memory.volume) + deviation * 0.5 * (volume + memory.volume)

    def _mobilities(self, state: MDState) -> Float[Array, " modes"]:
        axes = jnp.array(self.modes).sum(axis=1)
        inertia = len(self.modes) * axes**2 * state.reference_volume
        return self.compressibility / (inertia * self.tau)

    def _mode_forces(
        self,
        state: MDState,
        atoms: AtomTable,
        kt: Float[Array, ""],
        pressures: Float[Array, "3"],
    ) -> tuple[Float[Array, " modes"], Float[Array, ""]]:
        """f_k (eV) and the volume (Å^3)."""
        modes = jnp.array(self.modes)
        volume = jnp.abs(jnp.linalg.det(state.cell))
        kinetic = jnp.sum(state.momenta**2 / atoms.masses, axis=0)
        on_axes = kinetic + jnp.diagonal(state.virial) - pressures * volume
        return modes @ on_axes + modes.sum(axis=1) * kt, volume

    def _thermalise(
        self, state: MDState, atoms: AtomTable, kt: Float[Array, ""], key: UInt32[Array, "2"]
    ) -> MDState:
        """Stochastic velocity rescaling."""
        decay = jnp.exp(-self.timestep / self.thermostat_tau)
        before = kinetic_energy(state.momenta, atoms.masses)
        factor = velocity_factor(before, kt, atoms.degrees_of_freedom, decay, key)
        heat = before * (factor**2 - 1.0)
        return replace(state, momenta=state.momenta * factor, bath_energy=state.bath_energy - heat)

    def conserved(self, state: MDState, atoms: AtomTable) -> Float[Array, ""]:
        """Effective energy (eV)."""
        kinetic = kinetic_energy(state.momenta, atoms.masses)
        return state.energy + kinetic + state.bath_energy


def velocity_factor(
    kinetic: Float[Array, ""],
    kt: Float[Array, ""],
    degrees_of_freedom: Float[Array, ""],
    decay: Float[Array, ""],
    key: UInt32[Array, "2"],
) -> Float[Array, ""]:
    """Factor of all velocities that relaxes the kinetic energy towards its canonical distribution.

    Args:
        kinetic: Present kinetic energy, not zero (eV).
        kt: Thermal energy (eV).
        degrees_of_freedom: Number of independent momenta, at least 3.
        decay: exp(-time / relaxation time).
        key: Random key.

    Source: appendix of G. Bussi, D. Donadio and M. Parrinello, J. Chem. Phys. 126, 014101 (2007).
    """
    one, rest = jax.random.split(key)
    normal = jax.random.normal(one, dtype=jnp.float64)
    others = 2.0 * _gamma(rest, 0.5 * (degrees_of_freedom - 1.0))
    per_mode = 0.5 * kt
    new = (
        decay * kinetic
        + (1.0 - decay) * per_mode * (normal**2 + others)
        + 2.0 * normal * jnp.sqrt(decay * (1.0 - decay) * kinetic * per_mode)
    )
    sign = jnp.sign(normal + jnp.sqrt(decay * kinetic / ((1.0 - decay) * per_mode)))
    return sign * jnp.sqrt(new / kinetic)


def _gamma(key: UInt32[Array, "2"], shape: Float[Array, ""]) -> Float[Array, ""]:
    """A gamma variate of unit scale and a shape of at least 1.

    jax.random.gamma does the same for any shape, but takes three seconds to compile in a loop.

    Source: G. Marsaglia and W. W. Tsang, ACM Trans. Math. Softw. 26, 363 (2000).
    """
    d = shape - 1.0 / 3.0

    def propose(carry: tuple[Array, Array, Array]) -> tuple[Array, Array, Array]:
        key, one, two = jax.random.split(carry[0], 3)
        x = jax.random.normal(one, dtype=jnp.float64)
        v = (1.0 + x / jnp.sqrt(9.0 * d)) ** 3
        bound = 0.5 * x * x + d - d * v + d * jnp.log(jnp.maximum(v, 1e-300))
        accepted = (v > 0) & (jnp.log(jax.random.uniform(two, dtype=jnp.float64)) < bound)
        return key, d * v, accepted

    start = (key, jnp.zeros_like(d), jnp.array(False))
    return jax.lax.while_loop(lambda carry: ~carry[2], propose, start)[1]
