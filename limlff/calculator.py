"""ASE calculator, and `load` for a potential by name or path.

The code is compiled for padded sizes: atom slots, neighbors per atom, ghosts. As long as a
structure fits into them nothing is compiled again, also when atoms are added or removed.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import jax
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator
from ase.calculators.calculator import all_changes
from ase.data import chemical_symbols
from jaxtyping import Float, Int

from limlff.catalog import find_potential
from limlff.compiled import assess_atoms, closest_pair, predict, program_and_weights
from limlff.errors import InputError
from limlff.neighbors.choice import choose_builder
from limlff.neighbors.host import Capacity, bucket, full_cell
from limlff.neighbors.matrix import NeighborMatrix
from limlff.neighbors.skin import list_is_complete
from limlff.potential import Potential, Prediction
from limlff.potential_file import load_potential

SHORTEST_DISTANCE = 0.5
"""Atoms closer than this are a mistake of the structure, not physics (Å)."""

UNCERTAINTIES = ("energy_spread", "force_spread", "extrapolation_grade")
"""Results per atom that are computed only when asked for."""

_VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))


def load(name_or_path: str | Path) -> Potential:
    """Potential by the name of a shipped one ("li"), or by the path of a file or its folder.

    Raises:
        InputError: If there is none, or the file is damaged.
    """
    return load_potential(find_potential(name_or_path))


class Calculator(AseCalculator):
    """A potential as an ASE calculator.

    Results are energy, free_energy (the same), energies per atom, forces, and stress (Voigt order
    xx, yy, zz, yz, xz, xy; eV/Å^3, positive in tension). The stress is that of the whole cell:
    the vacuum of a slab counts into its volume, as everywhere in ASE; multiply by the height of the
    cell for a force per length. Without three cell vectors there is no volume and no stress.

    If the potential has an uncertainty, `get_property` gives per atom the "energy_spread" (eV), the
    "force_spread" (eV/Å) and the "extrapolation_grade" of `limlff.uncertainty.Assessment`. They are
    computed when asked for, and cost several times as much as the forces.

    Args:
        potential: Name of a shipped potential, path of a potential file, or a potential.
        precision: Arithmetic of the model, "float64" or "float32" (faster, forces good to about
            1e-4 eV/Å); energies and forces are added up in float64 in any case.
        skin: How much farther than the cutoff neighbors are listed (Å). The list is built anew only
            when atoms or cell have moved so much that a neighbor could be missing.

    Raises:
        InputError: If the potential cannot be loaded or an argument is not allowed.
    """

    implemented_properties: ClassVar[list[str]] = [
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        *UNCERTAINTIES,
    ]

    def __init__(
        self, potential: Potential | str | Path, precision: str = "float64", skin: float = 0.5
    ) -> None:
        super().__init__()
        if precision not in ("float32", "float64"):
            raise InputError(f"precision is {precision!r}; choose float64 or float32")
        if not skin >= 0:
            raise InputError(f"skin is {skin} Å; it must not be negative")
        self.potential = potential if isinstance(potential, Potential) else load(potential)
        self.precision = precision
        self._program, self._weights = program_and_weights(self.potential)
        self._skin = skin
        self._neighbors = SkinNeighbors(self.potential.cutoff, skin)
        self._apart: NeighborMatrix | None = None
        self.results: dict[str, Any] = {}

    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute all properties of `atoms`; uncertainties only if they are among `properties`.

        Raises:
            InputError: If an element is unknown, a position is not finite, atoms are closer than
                0.5 Å, a periodic direction has no cell vector, or the potential has no uncertainty.
        """
        super().calculate(atoms, properties, system_changes)
        structure = self.atoms
        species = self._species(structure)
        _check_geometry(structure)
        neighbors = self._neighbors.update(structure)
        empty = len(neighbors.lists) - len(structure)
        species = np.pad(species, (0, empty), constant_values=-1)
        positions = np.pad(structure.positions, ((0, empty), (0, 0)))
        self._refuse_touching_atoms(structure, positions, neighbors)
        arguments = (
            self._program,
            self.precision,
            self._weights,
            species,
            positions,
            structure.cell.array,
            neighbors,
        )
        if system_changes or "energy" not in self.results:
            self.results = _results(jax.device_get(predict(*arguments)), structure)
        if set(properties or ()) & set(UNCERTAINTIES):
            known = jax.device_get(assess_atoms(*arguments))
            self.results |= {
                name: values[: len(structure)]
                for name, values in zip(UNCERTAINTIES, known, strict=True)
            }

    def _species(self, atoms: Atoms) -> Int[np.ndarray, " atoms"]:
        numbers, place = np.unique(atoms.numbers, return_inverse=True)
        return self.potential.species_of([chemical_symbols[number] for number in numbers])[place]

    def _refuse_touching_atoms(
        self, atoms: Atoms, positions: Float[np.ndarray, "slots 3"], neighbors: NeighborMatrix
    ) -> None:
        # While a list is complete no distance is farther than the skin from what it was when the
        # list was built, so that most lists need to be looked at only once.
        if neighbors is self._apart:
            return
        distance, first, second = jax.device_get(
            closest_pair(positions, atoms.cell.array, neighbors)
        )
        if distance < SHORTEST_DISTANCE:
            partner = "its own image" if first == second else f"{atoms.symbols[second]} {second}"
            raise InputError(
                f"{atoms.symbols[first]} {first} and {partner} are {distance:.2f} Å apart; the "
                f"shortest distance allowed is {SHORTEST_DISTANCE} Å. Remove one or correct the "
                "cell"
            )
        if distance >= SHORTEST_DISTANCE + 2 * self._skin:
            self._apart = neighbors


class _Geometry(NamedTuple):
    """What a neighbor matrix depends on; positions padded, cell without zero vectors."""

    atoms: int
    periodic: tuple[bool, ...]
    positions: Float[np.ndarray, "slots 3"]
    cell: Float[np.ndarray, "3 3"]


class SkinNeighbors:
    """Neighbor matrix of a structure that changes step by step, kept while it is complete.

    Args:
        cutoff: Cutoff of the potential (Å).
        skin: What is listed beyond it (Å).
    """

    def __init__(self, cutoff: float, skin: float) -> None:
        self._cutoff = cutoff
        self._skin = skin
        self._slots = 0
        self._capacity = Capacity(1, 0)
        self._reference: _Geometry | None = None
        self._matrix: NeighborMatrix | None = None

    def update(self, atoms: Atoms) -> NeighborMatrix:
        """Neighbor matrix that holds all pairs within the cutoff of `atoms`."""
        slots = atom_slots(len(atoms))
        now = _Geometry(
            len(atoms),
            tuple(atoms.pbc),
            np.pad(atoms.positions, ((0, slots - len(atoms)), (0, 0))),
            full_cell(atoms.cell.array),
        )
        if self._matrix is None or not self._is_complete(now):
            if slots != self._slots:  # another size compiles again anyway: start from its own sizes
                self._slots, self._capacity = slots, Capacity(1, 0)
            matrix, self._capacity = choose_builder()(
                atoms.positions,
                atoms.cell.array,
                atoms.pbc,
                self._cutoff + self._skin,
                self._capacity,
                slots,
            )
            self._matrix, self._reference = jax.device_put(matrix), now
        return self._matrix

    def _is_complete(self, now: _Geometry) -> bool:
        before = self._reference
        if before is None or (now.atoms, now.periodic) != (before.atoms, before.periodic):
            return False
        return bool(
            list_is_complete(
                now.positions, now.cell, before.positions, before.cell, self._cutoff, self._skin
            )
        )


def atom_slots(atoms: int) -> int:
    """Size of the padded arrays for so many atoms: the next of 8 sizes per power of two."""
    step = max(8, 1 << max(0, (atoms - 1).bit_length() - 4))
    return bucket(atoms, step, headroom=1.0)


def _results(prediction: Prediction, atoms: Atoms) -> dict[str, Any]:
    count = len(atoms)
    results = {
        "energy": float(prediction.energy),
        "free_energy": float(prediction.energy),
        "energies": prediction.energies[:count],
        "forces": prediction.forces[:count],
    }
    if atoms.cell.rank == 3:
        stress = -np.asarray(prediction.virial) / atoms.get_volume()
        results["stress"] = (0.5 * (stress + stress.T))[_VOIGT]
    return results


def _check_geometry(atoms: Atoms) -> None:
    if len(atoms) == 0:
        raise InputError("the structure has no atoms; nothing can be computed for it")
    wrong = np.flatnonzero(~np.isfinite(atoms.positions).all(axis=1))
    if len(wrong):
        index = int(wrong[0])
        raise InputError(
            f"atom {index} ({atoms.symbols[index]}) is at {atoms.positions[index]}; positions must "
            "be finite: the run before has diverged or the file is damaged"
        )
