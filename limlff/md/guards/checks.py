"""What a state must satisfy whenever the compiled loop returns, before it is accepted and written.

Each guard is a function of a snapshot that returns a violation or nothing. They run on the
host and are independent of what they check: pair distances come from a search of their own and not
from the neighbor list of the run.
"""

from __future__ import annotations

import numpy as np
from ase.data import covalent_radii

from limlff.errors import InputError
from limlff.md.guards.violation import Snapshot, Violation
from limlff.md.system.state import temperature
from limlff.neighbors.pairs import find_pairs
from limlff.neighbors.search import has_pair_within
from limlff.units import FEMTOSECOND

_SHORTER = "use a shorter timestep_fs, or relax the structure first"


def find_violation(snapshot: Snapshot) -> Violation | None:
    """The first guard that a state violates, or None.

    Args:
        snapshot: The state and its circumstances.
    """
    for guard in (not_finite, too_close, too_large_force, too_far, too_hot, energy_jump):
        try:
            violation = guard(snapshot)
        except InputError as error:  # of a search for pairs, which such a state does not allow
            violation = Violation("neighbor_search", str(error))
        if violation:
            return violation
    return None


def not_finite(snapshot: Snapshot) -> Violation | None:
    """Every number of the state is finite."""
    names = ("positions", "momenta", "forces", "energy", "virial", "cell", "bath_energy")
    chain = ("chain_positions", "chain_momenta")
    for name in (*names, *chain):
        values = np.asarray(getattr(snapshot.state, name))
        if np.isfinite(values).all():
            continue
        atoms: tuple[int, ...] = ()
        if values.shape[:1] == np.shape(snapshot.state.positions)[:1]:
            atoms = tuple(int(i) for i in np.flatnonzero(~np.isfinite(values).all(axis=1)))
        where = f" of {snapshot.name(atoms[0])}" if atoms else ""
        return Violation("finite", f"{name}{where} is not finite; {_SHORTER}", atoms)
    return None


def too_close(snapshot: Snapshot) -> Violation | None:
    """No two atoms are closer than the limit of their elements."""
    limit = snapshot.config.guards.min_distance_angstrom
    numbers, count = snapshot.structure.numbers, len(snapshot.structure)
    radii = 0.5 * covalent_radii[numbers] if limit is None else np.full(count, 0.5 * limit)
    if not radii.max() > 0:
        return None
    positions, cell = np.asarray(snapshot.state.positions)[:count], np.asarray(snapshot.state.cell)
    farthest, periodic = 2 * float(radii.max()), snapshot.structure.periodic
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
    other = snapshot.name(two) if two != one else "its own image"
    return Violation(
        "min_distance_angstrom",
        f"{snapshot.name(one)} and {other} are {distances[worst]:.2f} Å apart, below "
        f"guards.min_distance_angstrom = {radii[one] + radii[two]:.2f} Å; the potential does not "
        f"keep atoms apart here: train it on such pairs, or start from a relaxed structure",
        (one, two) if two != one else (one,),
        float(distances[worst]),
        float(radii[one] + radii[two]),
    )


def too_large_force(snapshot: Snapshot) -> Violation | None:
    """No force on a moving atom is above the limit."""
    limit = snapshot.config.guards.max_force_ev_per_angstrom
    return _largest(
        snapshot,
        np.asarray(snapshot.state.forces),
        limit,
        "force on {} is {:.3g} eV/Å",
        "max_force_ev_per_angstrom",
    )


def too_far(snapshot: Snapshot) -> Violation | None:
    """No atom moves farther in one step than the limit."""
    limit = snapshot.config.guards.max_displacement_angstrom
    displacements = snapshot.velocities * (snapshot.config.timestep_fs * FEMTOSECOND)
    what = "{} moves by {:.3g} Å in one step"
    return _largest(snapshot, displacements, limit, what, "max_displacement_angstrom")


def _largest(
    snapshot: Snapshot, vectors: np.ndarray, limit: float, what: str, setting: str
) -> Violation | None:
    vectors = vectors[: len(snapshot.structure)]
    lengths = np.sqrt(np.einsum("ij,ij->i", vectors, vectors))
    above = np.flatnonzero(lengths > limit)
    if not len(above):
        return None
    atoms = tuple(int(i) for i in above[np.argsort(-lengths[above])])
    worst = float(lengths[atoms[0]])
    sentence = what.format(snapshot.name(atoms[0]), worst)
    sentence += f", above guards.{setting} = {limit:g}; {_SHORTER}"
    return Violation(setting, sentence, atoms, worst, limit)


def too_hot(snapshot: Snapshot) -> Violation | None:
    """The temperature is below the limit."""
    velocities = snapshot.velocities
    energies = 0.5 * snapshot.structure.masses * np.einsum("ij,ij->i", velocities, velocities)
    kelvin = temperature(float(np.sum(energies)), snapshot.structure.degrees_of_freedom)
    limit = snapshot.config.guards.max_temperature_k
    if kelvin <= limit:
        return None
    return Violation(
        "max_temperature_k",
        f"temperature is {kelvin:.0f} K, above guards.max_temperature_k = {limit:g} K; {_SHORTER}",
        (int(np.argmax(energies)),),
        kelvin,
        limit,
    )


def energy_jump(snapshot: Snapshot) -> Violation | None:
    """The conserved quantity has not changed by more than the limit since the last snapshot."""
    jump = (snapshot.conserved - snapshot.conserved_before) / len(snapshot.structure)
    limit = snapshot.config.guards.max_energy_jump_ev_per_atom
    if np.isnan(snapshot.conserved_before) or abs(jump) <= limit:
        return None
    forces = np.asarray(snapshot.state.forces)
    strongest = int(np.argmax(np.einsum("ij,ij->i", forces, forces)))
    return Violation(
        "max_energy_jump_ev_per_atom",
        f"the conserved energy jumped by {jump:.3g} eV/atom, above "
        f"guards.max_energy_jump_ev_per_atom = {limit:g} eV/atom; {_SHORTER}",
        (strongest,),
        float(jump),
        limit,
    )


def too_many_neighbors(counts: np.ndarray, snapshot: Snapshot) -> Violation | None:
    """No atom has more neighbors than the limit; more mean that the atoms collapse.

    Args:
        counts: Neighbors of each atom within cutoff and skin.
        snapshot: The state.
    """
    limit, worst = snapshot.config.guards.max_neighbors, int(np.argmax(counts))
    if counts[worst] <= limit:
        return None
    return Violation(
        "max_neighbors",
        f"{snapshot.name(worst)} has {counts[worst]} neighbors, above "
        f"guards.max_neighbors = {limit}; "
        "the atoms collapse: check pressure and potential, or raise the limit",
        (worst,),
        float(counts[worst]),
        float(limit),
    )
