"""What must hold on each rank in a step of LAMMPS.

Atoms are named by their IDs in LAMMPS, which stay with them from rank to rank.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import covalent_radii
from jaxtyping import Float, Int

from limlff.lammps.domain import NO_CELL, Domain
from limlff.lammps.settings import LammpsGuards
from limlff.md.guards.violation import Violation
from limlff.neighbors.pairs import find_pairs
from limlff.neighbors.search import has_pair_within
from limlff.units import BOLTZMANN

_SHORTER = "use a shorter timestep, or relax the structure first"
_OPEN = np.zeros(3, bool)


@dataclass(frozen=True)
class Motion:
    """How the local atoms of a rank move.

    Attributes:
        forces: Forces of the potential (eV/Å).
        velocities: Velocities (Å/ps).
        timestep: Time step (ps).
    """

    forces: Float[np.ndarray, "local 3"]
    velocities: Float[np.ndarray, "local 3"]
    timestep: float


@dataclass(frozen=True)
class RankGuards:
    """The guards of a rank.

    Attributes:
        limits: The limits.
        symbols: Element of each atom type.
        numbers: Its atomic number.
    """

    limits: LammpsGuards
    symbols: tuple[str, ...]
    numbers: Int[np.ndarray, " types"]

    def name(self, domain: Domain, atom: int) -> str:
        """Element and ID of an atom of a rank."""
        return f"{self.symbols[domain.types[atom] - 1]} {domain.tags[atom]}"

    def before(self, domain: Domain) -> Violation | None:
        """The first guard that the positions violate before neighbors are listed, or None."""
        finite = np.isfinite(domain.positions).all(axis=1)
        if not finite.all():
            atom = int(np.argmin(finite))
            return self._of(domain, "finite", (atom,), "the position of {} is not finite", None)
        return None

    def after(self, domain: Domain, motion: Motion) -> Violation | None:
        """The first guard that forces or velocities violate, or None."""
        finite = np.isfinite(motion.forces).all(axis=1)
        if not finite.all():
            atom = int(np.argmin(finite))
            return self._of(domain, "finite", (atom,), "the force on {} is not finite", None)
        for name, vectors, what in (
            ("max_force_ev_per_angstrom", motion.forces, "force on {} is {value:.3g} eV/Å"),
            (
                "max_displacement_angstrom",
                motion.velocities * motion.timestep,
                "{} moves by {value:.3g} Å in one step",
            ),
        ):
            squared = np.einsum("ij,ij->i", vectors, vectors)
            limit = getattr(self.limits, name)
            if not squared.max(initial=0.0) > limit**2:
                continue
            above = np.flatnonzero(squared > limit**2)
            atoms = tuple(int(i) for i in above[np.argsort(-squared[above], kind="stable")])
            return self._of(domain, name, atoms, what, float(np.sqrt(squared[atoms[0]])))
        return None

    def too_close(self, domain: Domain) -> Violation | None:
        """No local atom is closer to another than the limit of their elements."""
        limit = self.limits.min_distance_angstrom
        radii = 0.5 * covalent_radii[self.numbers] if limit is None else None
        own = np.full(len(self.numbers), 0.5 * (limit or 0.0)) if radii is None else radii
        radii = own[domain.types - 1]
        farthest = 2 * float(radii.max(initial=0.0))
        if not farthest > 0:
            return None
        # the margin, so that rounding cannot hide a pair from the first search
        if not has_pair_within(domain.positions, NO_CELL, _OPEN, farthest * (1 + 1e-9)):
            return None
        pairs = find_pairs(domain.positions, NO_CELL, _OPEN, farthest)
        i, j = pairs.centres, pairs.owners
        distances = np.linalg.norm(domain.positions[j] - domain.positions[i], axis=1)
        excess = np.where(i < domain.local, distances / (radii[i] + radii[j]), np.inf)
        if not excess.min(initial=np.inf) < 1:
            return None
        worst = int(np.argmin(excess))
        one, two = int(i[worst]), int(j[worst])
        least = float(radii[one] + radii[two])
        sentence = (
            f"{self.name(domain, one)} and {self.name(domain, two)} are {distances[worst]:.2f} Å "
            f"apart, below guards.min_distance_angstrom = {least:.2f} Å; the potential does not "
            "keep atoms apart here: train it on such pairs, or start from a relaxed structure"
        )
        ids = tuple(int(domain.tags[atom]) for atom in (one, two))
        return Violation("min_distance_angstrom", sentence, ids, float(distances[worst]), least)

    def too_many_neighbors(self, most: int) -> Violation | None:
        """No atom has more neighbors than the limit.

        Args:
            most: Neighbors within cutoff and skin of the atom with most of them.
        """
        limit = self.limits.max_neighbors
        if most <= limit:
            return None
        sentence = (
            f"an atom has {most} neighbors, above guards.max_neighbors = {limit}; the atoms "
            "collapse: check pressure and potential, or raise the limit"
        )
        return Violation("max_neighbors", sentence, (), float(most), float(limit))

    def too_hot(self, kinetic_energy: float, atoms: int) -> Violation | None:
        """The temperature of all atoms is below the limit.

        Args:
            kinetic_energy: Of all ranks (eV).
            atoms: Of all ranks.
        """
        kelvin = 2 * kinetic_energy / (3 * max(atoms, 1) * BOLTZMANN)
        limit = self.limits.max_temperature_k
        if kelvin <= limit:
            return None
        sentence = (
            f"temperature is {kelvin:.0f} K, above guards.max_temperature_k = {limit:g} K; "
            f"{_SHORTER}"
        )
        return Violation("max_temperature_k", sentence, (), kelvin, limit)

    def _of(
        self, domain: Domain, guard: str, atoms: tuple[int, ...], what: str, value: float | None
    ) -> Violation:
        """A violation by atoms of this rank, the worst first."""
        limit = getattr(self.limits, guard, None)
        sentence = what.format(self.name(domain, atoms[0]), value=value)
        if limit is not None:
            sentence += f", above guards.{guard} = {limit:g}"
        ids = tuple(int(domain.tags[atom]) for atom in atoms)
        return Violation(guard, f"{sentence}; {_SHORTER}", ids, value, limit)
