"""What a state must satisfy whenever the compiled loop returns, before it is accepted and written.

Each guard is a function of the same arguments that returns a problem or nothing. They run on the
host and are independent of what they check: pair distances come from a search of their own and not
from the neighbor list of the run.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from ase.data import chemical_symbols, covalent_radii
from jaxtyping import Float

from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.system.prepare import Structure
from limlff.md.system.state import MDState, temperature
from limlff.neighbors.pairs import find_pairs
from limlff.neighbors.search import has_pair_within
from limlff.units import FEMTOSECOND

_SHORTER = "use a shorter timestep_fs, or relax the structure first"


@dataclass(frozen=True)
class Problem:
    """Why a state cannot be accepted.

    Attributes:
        sentence: What, its value, the limit, and what to do.
        atoms: Indices of the atoms that it is about, the worst first.
    """

    sentence: str
    atoms: tuple[int, ...] = ()


@dataclass(frozen=True)
class Look:
    """A state that the loop has reached, and what is needed to judge it.

    Attributes:
        state: The state (NumPy arrays).
        structure: Its atoms.
        config: The run.
        conserved: Conserved quantity (eV).
        conserved_before: The same of the last accepted state (eV); nan if there is none.
    """

    state: MDState
    structure: Structure
    config: MDConfig
    conserved: float
    conserved_before: float

    @cached_property
    def velocities(self) -> Float[np.ndarray, "atoms 3"]:
        """Velocities (Å / internal unit of time)."""
        momenta = np.asarray(self.state.momenta)[: len(self.structure)]
        return momenta / self.structure.masses[:, None]

    def name(self, atom: int) -> str:
        """Element and index."""
        return f"{chemical_symbols[self.structure.numbers[atom]]} {atom}"


def find_problem(look: Look) -> Problem | None:
    """The first guard that a state violates, or None.

    Args:
        look: The state and its circumstances.
    """
    for guard in (not_finite, too_close, too_large_force, too_far, too_hot, energy_jump):
        try:
            problem = guard(look)
        except InputError as error:  # of a search for pairs, which such a state does not allow
            problem = Problem(str(error))
        if problem:
            return problem
    return None


def not_finite(look: Look) -> Problem | None:
    """Every number of the state is finite."""
    names = ("positions", "momenta", "forces", "energy", "virial", "cell", "bath_energy")
    chain = ("chain_positions", "chain_momenta")
    for name in (*names, *chain):
        values = np.asarray(getattr(look.state, name))
        if np.isfinite(values).all():
            continue
        atoms: tuple[int, ...] = ()
        if values.shape[:1] == np.shape(look.state.positions)[:1]:
            atoms = tuple(int(i) for i in np.flatnonzero(~np.isfinite(values).all(axis=1)))
        where = f" of {look.name(atoms[0])}" if atoms else ""
        return Problem(f"{name}{where} is not finite; {_SHORTER}", atoms)
    return None


def too_close(look: Look) -> Problem | None:
    """No two atoms are closer than the limit of their elements."""
    limit = look.config.guards.min_distance_angstrom
    numbers, count = look.structure.numbers, len(look.structure)
    radii = 0.5 * covalent_radii[numbers] if limit is None else np.full(count, 0.5 * limit)
    if not radii.max() > 0:
        return None
    positions, cell = np.asarray(look.state.positions)[:count], np.asarray(look.state.cell)
    farthest, periodic = 2 * float(radii.max()), look.structure.periodic
    # the margin, so that rounding cannot hide a pair from the first search
    if not has_pair_within(positions, cell, periodic, farthest * (1 + 1e-9)):
        return None
    pairs = find_pairs(positions, cell, periodic, farthest)
    if not len(pairs.centres):
        return None
    i, j = pairs.centres, pairs.owners
    distances = np.linalg.norm(positions[j] + pairs.shifts @ cell - positions[i], axis=1)
    excess = distances / (radii[i] + radii[j])
    worst = int(np.argmin(excess))
    if excess[worst] >= 1:
        return None
    one, two = sorted((int(i[worst]), int(j[worst])))
    other = look.name(two) if two != one else "its own image"
    return Problem(
        f"{look.name(one)} and {other} are {distances[worst]:.2f} Å apart, below "
        f"guards.min_distance_angstrom = {radii[one] + radii[two]:.2f} Å; the potential does not "
        f"keep atoms apart here: train it on such pairs, or start from a relaxed structure",
        (one, two) if two != one else (one,),
    )


def too_large_force(look: Look) -> Problem | None:
    """No force on a moving atom is above the limit."""
    limit = look.config.guards.max_force_ev_per_angstrom
    return _largest(
        look,
        np.asarray(look.state.forces),
        limit,
        "force on {} is {:.3g} eV/Å",
        "force_ev_per_angstrom",
    )


def too_far(look: Look) -> Problem | None:
    """No atom moves farther in one step than the limit."""
    limit = look.config.guards.max_displacement_angstrom
    ways = look.velocities * (look.config.timestep_fs * FEMTOSECOND)
    return _largest(look, ways, limit, "{} moves by {:.3g} Å in one step", "displacement_angstrom")


def _largest(
    look: Look, vectors: np.ndarray, limit: float, what: str, setting: str
) -> Problem | None:
    vectors = vectors[: len(look.structure)]
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    above = np.flatnonzero(lengths > limit)
    if not len(above):
        return None
    atoms = tuple(int(i) for i in above[np.argsort(-lengths[above])])
    sentence = what.format(look.name(atoms[0]), lengths[atoms[0]])
    return Problem(f"{sentence}, above guards.max_{setting} = {limit:g}; {_SHORTER}", atoms)


def too_hot(look: Look) -> Problem | None:
    """The temperature is below the limit."""
    energies = 0.5 * look.structure.masses * np.einsum("ij,ij->i", look.velocities, look.velocities)
    kelvin = temperature(float(np.sum(energies)), look.structure.degrees_of_freedom)
    limit = look.config.guards.max_temperature_k
    if kelvin <= limit:
        return None
    return Problem(
        f"temperature is {kelvin:.0f} K, above guards.max_temperature_k = {limit:g} K; {_SHORTER}",
        (int(np.argmax(energies)),),
    )


def energy_jump(look: Look) -> Problem | None:
    """The conserved quantity has not changed by more than the limit since the last look."""
    jump = (look.conserved - look.conserved_before) / len(look.structure)
    limit = look.config.guards.max_energy_jump_ev_per_atom
    if np.isnan(look.conserved_before) or abs(jump) <= limit:
        return None
    forces = np.asarray(look.state.forces)
    strongest = int(np.argmax(np.einsum("ij,ij->i", forces, forces)))
    return Problem(
        f"the conserved energy jumped by {jump:.3g} eV/atom, above "
        f"guards.max_energy_jump_ev_per_atom = {limit:g} eV/atom; {_SHORTER}",
        (strongest,),
    )


def too_many_neighbors(counts: np.ndarray, look: Look) -> Problem | None:
    """No atom has more neighbors than the limit; more mean that the atoms collapse.

    Args:
        counts: Neighbors of each atom within cutoff and skin.
        look: The state.
    """
    limit, worst = look.config.guards.max_neighbors, int(np.argmax(counts))
    if counts[worst] <= limit:
        return None
    return Problem(
        f"{look.name(worst)} has {counts[worst]} neighbors, above guards.max_neighbors = {limit}; "
        "the atoms collapse: check pressure and potential, or raise the limit",
        (worst,),
    )
