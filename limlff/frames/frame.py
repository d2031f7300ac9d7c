"""One labelled configuration: atoms, cell, and their DFT labels."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.data import chemical_symbols
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class Frame:
    """Atoms, cell and labels; a label that is missing is None, never zero.

    Attributes:
        numbers: Atomic numbers.
        positions: Cartesian positions (Å).
        cell: Cell vectors as rows (Å); zero rows where there is no cell.
        periodic: Periodicity along each cell vector.
        energy: Potential energy of the cell, consistent with the forces (eV).
        forces: Forces (eV/Å).
        stress: Cauchy stress, positive in tension (eV/Å^3).
        core: Of a cell that was cut out of a larger one, the atoms whose surroundings are as they
            were there: the others' forces are right for this cell, but those of surroundings that
            no one meets, and are neither trained on nor compared. None where nothing was cut.
        group: Name of the group of frames it belongs to, for weights and error tables.
        origin: File and frame number, for messages.
    """

    numbers: Int[np.ndarray, " atoms"]
    positions: Float[np.ndarray, "atoms 3"]
    cell: Float[np.ndarray, "3 3"]
    periodic: Bool[np.ndarray, " 3"]
    energy: float | None = None
    forces: Float[np.ndarray, "atoms 3"] | None = None
    stress: Float[np.ndarray, "3 3"] | None = None
    core: Bool[np.ndarray, " atoms"] | None = None
    group: str = ""
    origin: str = ""

    def __len__(self) -> int:
        """Number of atoms."""
        return len(self.numbers)

    @property
    def is_core(self) -> Bool[np.ndarray, " atoms"]:
        """Whether each atom belongs to the core; all do where none is marked."""
        return np.ones(len(self), bool) if self.core is None else self.core

    @property
    def volume(self) -> float:
        """Volume of the cell (Å^3); zero where there is no cell."""
        return float(abs(np.linalg.det(self.cell)))

    @property
    def symbols(self) -> list[str]:
        """Chemical symbols, one per atom."""
        return [chemical_symbols[number] for number in self.numbers]

    def to_atoms(self) -> Atoms:
        """The frame as ASE atoms, its labels in a single-point calculator."""
        atoms = Atoms(self.numbers, self.positions, cell=self.cell, pbc=self.periodic)
        labels = {"energy": self.energy, "forces": self.forces, "stress": self.stress}
        present = {name: value for name, value in labels.items() if value is not None}
        if "energy" in present:
            present["free_energy"] = present["energy"]
        atoms.calc = SinglePointCalculator(atoms, **present)
        if self.core is not None:
            atoms.set_array("core", np.asarray(self.core, bool))
        if self.group:
            atoms.info["config_type"] = self.group
        return atoms
