"""State of a run: what a step changes, and the atoms that it does not.

Atoms are padded, so that some can come and go without compilation: behind the real ones there may
be empty ones, of species -1 and mass 1, at the origin, without momentum or force. Positions are
never wrapped; only ghosts carry whole cell vectors.
"""

from __future__ import annotations

from dataclasses import dataclass

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from limlff import precision as precision  # first: sets up jax
from limlff.units import BOLTZMANN


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class AtomTable:
    """What an atom is.

    Attributes:
        species: Index of the element in the potential; -1 for an empty one.
        masses: Masses (amu); 1 for an empty one.
        mobile: 1 for an atom that moves, 0 for a frozen and an empty one.
        coupled: 1 for an atom that the friction of a Langevin thermostat acts on, if it does not
            act on all; 0 for an empty one.
        degrees_of_freedom: 3N - 3 for N moving atoms whose total momentum is kept at zero, 3N if
            there are frozen atoms, which take up momentum.
    """

    species: Int[Array, " atoms"]
    masses: Float[Array, "atoms 1"]
    mobile: Float[Array, "atoms 1"]
    coupled: Float[Array, "atoms 1"]
    degrees_of_freedom: Float[Array, ""]


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class MDState:
    """Everything that a step changes; together with the settings it defines the rest of the run.

    Attributes:
        step: Steps done.
        forces_known: Whether forces, energy and virial are those of the positions; not yet at the
            start, and after atoms came or went.
        positions: Unwrapped positions (Å).
        momenta: Momenta (amu Å / time unit, see `limlff.units`).
        forces: Forces on moving atoms, zero for the others (eV/Å).
        cell: Cell vectors as rows, none of them zero (Å).
        energy: Potential energy (eV).
        virial: -dE/dstrain (eV).
        key: Key of the random numbers to come.
        bath_energy: What thermostat, barostat and events have taken up (eV); with the energy of
            the atoms it makes the conserved quantity.
        chain_positions: Positions of a Nose-Hoover chain; of length zero without one.
        chain_momenta: Their momenta.
        reference_volume: Volume at the start (Å^3), in the barostat's mobility.
        reference_area: Area of the first two cell vectors at the start (Å^2), to which current
            densities refer.
        lid_height: Height of the lid, if the run has one (Å).
        reflections: How often it has turned an atom back.
    """

    step: Int[Array, ""]
    forces_known: Bool[Array, ""]
    positions: Float[Array, "atoms 3"]
    momenta: Float[Array, "atoms 3"]
    forces: Float[Array, "atoms 3"]
    cell: Float[Array, "3 3"]
    energy: Float[Array, ""]
    virial: Float[Array, "3 3"]
    key: UInt32[Array, "2"]
    bath_energy: Float[Array, ""]
    chain_positions: Float[Array, " chain"]
    chain_momenta: Float[Array, " chain"]
    reference_volume: Float[Array, ""]
    reference_area: Float[Array, ""]
    lid_height: Float[Array, ""]
    reflections: Int[Array, ""]


def initial_state(
    positions: Float[np.ndarray, "atoms 3"],
    momenta: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    key: UInt32[np.ndarray, "2"],
    chain_length: int,
) -> MDState:
    """State before the first evaluation of the forces (NumPy arrays)."""
    return MDState(
        step=np.int64(0),  # type: ignore[arg-type]
        forces_known=np.bool_(False),  # type: ignore[arg-type]
        positions=positions,  # type: ignore[arg-type]
        momenta=momenta,  # type: ignore[arg-type]
        forces=np.zeros_like(positions),  # type: ignore[arg-type]
        cell=cell,  # type: ignore[arg-type]
        energy=np.float64(0),  # type: ignore[arg-type]
        virial=np.zeros((3, 3)),  # type: ignore[arg-type]
        key=key,  # type: ignore[arg-type]
        bath_energy=np.float64(0),  # type: ignore[arg-type]
        chain_positions=np.zeros(chain_length),  # type: ignore[arg-type]
        chain_momenta=np.zeros(chain_length),  # type: ignore[arg-type]
        reference_volume=np.float64(abs(np.linalg.det(cell))),  # type: ignore[arg-type]
        reference_area=np.float64(plane_area(cell)),  # type: ignore[arg-type]
        lid_height=np.float64(0),  # type: ignore[arg-type]
        reflections=np.int64(0),  # type: ignore[arg-type]
    )


def plane_area(cell: Float[np.ndarray, "3 3"]) -> float:
    """Area of the first two vectors of a cell (Å^2)."""
    return float(np.linalg.norm(np.cross(cell[0], cell[1])))


def kinetic_tensor(state: MDState, atoms: AtomTable) -> Float[Array, "3 3"]:
    """Sum of m v v^T over the moving atoms (eV); half its trace is the kinetic energy."""
    return (state.momenta / atoms.masses).T @ state.momenta


def kinetic_energy(
    momenta: Float[Array, "atoms 3"], masses: Float[Array, "atoms 1"]
) -> Float[Array, ""]:
    """Kinetic energy (eV)."""
    return 0.5 * jnp.sum(momenta * momenta / masses)


def temperature(kinetic: float, degrees_of_freedom: float) -> float:
    """Temperature (K) of a kinetic energy (eV); zero without degrees of freedom."""
    if degrees_of_freedom <= 0:
        return 0.0
    return 2.0 * kinetic / (degrees_of_freedom * BOLTZMANN)


def draw_momenta(
    masses: Float[np.ndarray, "atoms 1"],
    mobile: Float[np.ndarray, "atoms 1"],
    temperature_k: float,
    key: UInt32[Array, "2"],
) -> Float[np.ndarray, "atoms 3"]:
    """Momenta of the Maxwell-Boltzmann distribution for the moving atoms.

    The drift of all atoms is removed by `without_drift` afterwards; what is left is distributed
    as it is in an ensemble without total momentum.
    """
    normal = np.asarray(jax.random.normal(key, (len(masses), 3), dtype=jnp.float64))
    return normal * np.sqrt(masses * BOLTZMANN * temperature_k) * mobile


def without_drift(
    momenta: Float[Array, "atoms 3"],
    masses: Float[Array, "atoms 1"],
    mobile: Float[Array, "atoms 1"],
) -> Float[Array, "atoms 3"]:
    """Momenta after the velocity of the centre of mass is taken from every moving atom.

    In mass-weighted coordinates this is an orthogonal projection, so that Gaussian momenta stay
    Gaussian with the same temperature in the remaining degrees of freedom.
    """
    inertia = masses * mobile
    return momenta - inertia * (momenta.sum(axis=0) / inertia.sum())
