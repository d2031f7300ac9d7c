"""An atom arrives."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from ase.data import atomic_masses, atomic_numbers
from jaxtyping import Float

from limlff.md.config import MDConfig, schedule_ends
from limlff.md.event_settings import Deposit
from limlff.md.simulation.places import free_place
from limlff.md.simulation.population import Population
from limlff.md.system.friction import couples_new_atoms
from limlff.md.system.structure import Structure
from limlff.units import BOLTZMANN


def deposit(
    event: Deposit, step: int, atoms: Population, config: MDConfig, rng: np.random.Generator
) -> Population:
    """The population with one more atom, the last.

    Args:
        event: What arrives, and how.
        step: Step of the state.
        atoms: The atoms before.
        config: The run.
        rng: Source of what is random.

    Raises:
        EventImpossible: If there is no place for it.
    """
    kelvin = event.temperature_k
    if kelvin is None:
        first, last = schedule_ends(config.temperature_k)
        kelvin = first + (last - first) * min(1.0, step / config.steps)
    number = atomic_numbers[event.element]
    mass = float(atomic_masses[number])
    place = free_place(event, atoms, rng)
    old = atoms.structure
    structure = Structure(
        numbers=np.append(old.numbers, number),
        masses=np.append(old.masses, mass),
        mobile=np.append(old.mobile, 1.0),
        coupled=np.append(old.coupled, float(couples_new_atoms(config.ensemble))),
        periodic=old.periodic,
    )
    momentum = mass * draw_velocity(mass, kelvin, rng)
    return replace(
        atoms,
        structure=structure,
        positions=np.vstack([atoms.positions, place]),
        momenta=np.vstack([atoms.momenta, momentum]),
    )


def draw_velocity(
    mass: float, temperature_k: float, rng: np.random.Generator
) -> Float[np.ndarray, "3"]:
    """Velocity of an atom that flies downwards out of a gas (Å / internal unit of time).

    The lateral components are normal with variance kT/m; the downward one is weighted with the
    flux, p(v) = (m v / kT) exp(-m v^2 / 2kT), so that m v^2 / 2kT is exponentially distributed.

    Source: G. A. Bird, Molecular Gas Dynamics (Oxford, 1994), effusion.
    """
    width = np.sqrt(BOLTZMANN * temperature_k / mass)
    lateral = rng.normal(size=2) * width
    return np.array([*lateral, -width * np.sqrt(2.0 * rng.exponential())])
