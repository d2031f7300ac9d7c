"""The atoms of a run: where they come from, and what of them stays the same."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from jaxtyping import Bool, Float, Int

from limlff.errors import InputError
from limlff.frames import structure
from limlff.md.system.state import AtomTable, MDState
from limlff.paths import user_path
from limlff.potential import Potential


@dataclass(frozen=True)
class Structure:
    """What of the atoms stays the same during a run.

    Attributes:
        numbers: Atomic numbers.
        masses: Masses (amu).
        mobile: 1 for atoms that move, 0 for frozen ones.
        coupled: 1 for atoms that the friction of a Langevin thermostat acts on, if it does not act
            on all.
        periodic: Periodicity along each cell vector.
    """

    numbers: Int[np.ndarray, " atoms"]
    masses: Float[np.ndarray, " atoms"]
    mobile: Float[np.ndarray, " atoms"]
    coupled: Float[np.ndarray, " atoms"]
    periodic: Bool[np.ndarray, "3"]

    def __len__(self) -> int:
        """Number of atoms."""
        return len(self.numbers)

    @property
    def degrees_of_freedom(self) -> int:
        """Independent momenta: 3N - 3 if the total momentum is kept at zero, else 3N."""
        moving = int(self.mobile.sum())
        return max(0, 3 * moving - (3 if self.keeps_centre else 0))

    @property
    def keeps_centre(self) -> bool:
        """Whether the total momentum is conserved: no atom is frozen."""
        return bool(self.mobile.all())

    def padded(
        self, size: int
    ) -> tuple[Float[np.ndarray, "atoms 1"], Float[np.ndarray, "atoms 1"]]:
        """Masses (amu) and mobility of so many atoms, of which those that are missing are empty."""
        count = len(self)
        masses, mobile = np.ones((size, 1)), np.zeros((size, 1))
        masses[:count, 0], mobile[:count, 0] = self.masses, self.mobile
        return masses, mobile

    def table(self, potential: Potential, size: int) -> AtomTable:
        """The atoms for a potential, padded to a size.

        Raises:
            InputError: If the potential does not know an element.
        """
        species = np.full(size, -1, np.int32)
        symbols = Atoms(self.numbers).get_chemical_symbols()
        species[: len(self)] = potential.species_of(symbols)
        masses, mobile = self.padded(size)
        coupled = np.zeros((size, 1))
        coupled[: len(self), 0] = self.coupled
        return AtomTable(
            species,  # type: ignore[arg-type]
            masses,  # type: ignore[arg-type]
            mobile,  # type: ignore[arg-type]
            coupled,  # type: ignore[arg-type]
            np.float64(self.degrees_of_freedom),  # type: ignore[arg-type]
        )


def read_structure(path: Path | None) -> Atoms:
    """Last frame of a structure file, with its velocities and what it holds fixed.

    Raises:
        InputError: If there is none, or it cannot be read.
    """
    if path is None:
        raise InputError("'structure' is missing; name a structure file")
    return structure.read_structure(user_path(path))


def atoms_of(state: MDState, structure: Structure) -> Atoms:
    """A state as an ASE structure with momenta, unwrapped; atoms that are held are fixed in it."""
    count = len(structure)
    atoms = Atoms(
        structure.numbers,
        np.asarray(state.positions)[:count],
        cell=np.asarray(state.cell),
        pbc=structure.periodic,
        masses=structure.masses,
    )
    atoms.set_momenta(np.asarray(state.momenta)[:count])
    held = np.flatnonzero(structure.mobile == 0)
    if len(held):  # so that a run that begins with this structure holds them too
        atoms.set_constraint(FixAtoms(held))
    return atoms
