"""ASE calculator.

The code is compiled for padded sizes: atoms, neighbors per atom, ghosts. As long as a
structure fits into them nothing is compiled again, also when atoms are added or removed.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, ClassVar

import jax
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator
from ase.calculators.calculator import all_changes
from ase.data import chemical_symbols
from jaxtyping import Float, Int

from limlff.atom_arrays import AtomArrays, arrays_of
from limlff.calculator_checks import checked_skin, stay_apart
from limlff.calculator_results import results_of, stress_of
from limlff.errors import InputError, shown
from limlff.forks import refuse_forked_process
from limlff.named_potential import potential_of
from limlff.neighbors.kept import SkinNeighbors
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import predictor_for
from limlff.prediction.atom_virials import atom_virials
from limlff.result_cache import Computed, ResultCache
from limlff.uncertainty import assess

UNCERTAINTIES = ("energy_spread", "force_spread", "extrapolation_grade")
"""Results per atom that are computed only when asked for."""


class Calculator(AseCalculator):
    """A potential as an ASE calculator.

    Results are energy, free_energy (the same), energies per atom, forces, and stress (Voigt order
    xx, yy, zz, yz, xz, xy; eV/Å^3, positive in tension). The stress is that of the whole cell:
    the vacuum of a slab counts into its volume, as everywhere in ASE; multiply by the height of the
    cell for a force per length. Without three cell vectors there is no volume and no stress.

    `get_stresses` gives the share of each atom in the stress, a pair's by halves to its two atoms
    (`limlff.prediction.atom_virials`), divided by the volume of the cell, so that their sum is the
    stress. If the potential has an uncertainty, `get_property` gives per atom the "energy_spread"
    (eV), the "force_spread" (eV/Å) and the "extrapolation_grade" of
    `limlff.uncertainty.Assessment`. These are computed when asked for, and cost several times as
    much as the forces.

    Neighbor lists and results are kept separately for each of the last 32 `Atoms` objects, so that
    all images of a path can share a calculator. Threads can share it too; they wait for each other.
    It can be copied and pickled, but refuses to compute in a process that was forked after jax had
    started.

    Args:
        potential: Name of a shipped potential, path of a potential file, or a potential.
        dtype: Arithmetic of the model, "float64" or "float32" (faster, forces good to about
            1e-4 eV/Å); energies and forces are added up in float64 in any case. Relaxations
            by forces reach 1e-5 eV/Å with it; those that search along lines by the energy, elastic
            constants and phonons need float64 (docs/ase.md).
        skin: Distance beyond the cutoff up to which neighbors are listed (Å), 5 at most. The list
            is rebuilt only when atoms or cell have moved so far that a neighbor could be missing.

    Raises:
        InputError: If the potential cannot be loaded, an argument is not allowed, or the process
            was forked after a calculation.
    """

    implemented_properties: ClassVar[list[str]] = [
        "energy",
        "free_energy",
        "energies",
        "forces",
        "stress",
        "stresses",
        *UNCERTAINTIES,
    ]

    @own_precision()
    def __init__(
        self, potential: Potential | str | Path, dtype: str = "float64", skin: float = 0.5
    ) -> None:
        refuse_forked_process()
        super().__init__()
        if str(dtype) not in ("float32", "float64"):
            raise InputError(f"dtype is {shown(repr(dtype))}; choose float64 or float32")
        self.dtype = str(dtype)
        self._skin = checked_skin(skin)
        self.potential = potential_of(potential)
        self.atoms: Any = None
        self.results: dict[str, Any] = {}
        self._start()

    @own_precision()
    def _start(self) -> None:
        """Set up everything that follows from potential, dtype and skin."""
        self._predictor = predictor_for(self.potential, self.dtype)
        self._neighbors = SkinNeighbors(self.potential.cutoff, self._skin)
        self._cache = ResultCache()
        self._lock = threading.RLock()

    def __getstate__(self) -> dict[str, Any]:
        """State of a copy, which builds its own neighbor lists."""
        made = ("_predictor", "_neighbors", "_cache", "_lock")
        return {name: value for name, value in self.__dict__.items() if name not in made}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Restore a copy."""
        refuse_forked_process()
        self.__dict__.update(state)
        self._start()

    def get_property(
        self, name: str, atoms: Atoms | None = None, allow_calculation: bool = True
    ) -> Any:
        """A result, computed if need be; threads that share the calculator wait for each other.

        Raises:
            InputError: If there are no atoms to compute it for, or they cannot be computed.
        """
        with self._lock:
            asked: Any = self.atoms if atoms is None else atoms
            if not isinstance(asked, Atoms):
                what = shown(repr(asked))
                raise InputError(f"{name} is asked of {what}; give an ase.Atoms object")
            known = None if atoms is None else self._cache.get(atoms)
            if known is not None:  # ASE then compares with this, not with another structure
                self.atoms, self.results = known
            return super().get_property(name, atoms, allow_calculation)

    def get_atomic_volumes(self) -> Float[np.ndarray, " atoms"]:
        """What ASE divides the kinetic part of each atom's stress by (Å^3).

        It is the volume of the cell, as for `stresses`, so that the sum over the atoms is the
        stress with its kinetic part; without this ASE would take the volume per atom.

        Raises:
            InputError: If nothing has been computed yet.
        """
        if self.atoms is None:
            raise InputError("nothing has been computed yet; ask for the stresses first")
        return np.full(len(self.atoms), self.atoms.get_volume())

    @own_precision()
    def calculate(
        self,
        atoms: Atoms | None = None,
        properties: list[str] | None = None,
        system_changes: list[str] = all_changes,
    ) -> None:
        """Compute the properties of `atoms`; stresses and uncertainties of atoms only if asked for.

        Raises:
            InputError: If an element is unknown, the arrays are no structure (see
                `limlff.atom_arrays`), atoms are closer than 0.5 Å, a periodic direction has no
                cell vector, the potential has no uncertainty, or the process was forked too late.
        """
        refuse_forked_process()
        with self._lock:
            if system_changes:
                self.results = {}  # also if this structure is refused
            super().calculate(atoms, properties, system_changes)
            # neighbor lists belong to the object that is asked about, not to the copy made of it
            asked = self.atoms if atoms is None else atoms
            self._calculate(asked, set(properties or ()))
            self._cache.store(asked, Computed(self.atoms, self.results))

    def reset(self) -> None:
        """Forget all results."""
        with self._lock:
            super().reset()
            self._cache.clear()

    def _calculate(self, atoms: Atoms, properties: set[str]) -> None:
        arrays = arrays_of(atoms)
        count = len(arrays.numbers)
        species = self._species(arrays)
        kept = self._neighbors.update(atoms)
        empty = len(kept.matrix.lists) - count
        species = np.pad(species, (0, empty), constant_values=-1)
        positions = np.pad(arrays.positions, ((0, empty), (0, 0)))
        if not kept.far_apart:
            kept.far_apart = stay_apart(atoms, positions, arrays.cell, kept.matrix, self._skin)
        geometry = (species, positions, arrays.cell, kept.matrix)
        if "energy" not in self.results:
            self.results = results_of(jax.device_get(self._predictor.predict(*geometry)), arrays)
        if properties & set(UNCERTAINTIES):
            known = jax.device_get(assess(self._predictor, *geometry))
            self.results |= {
                name: np.array(values[:count])
                for name, values in zip(UNCERTAINTIES, known, strict=True)
            }
        if "stresses" in properties and "stress" in self.results:
            virials = jax.device_get(atom_virials(self._predictor, *geometry))
            self.results["stresses"] = stress_of(virials[:count], arrays.cell)

    def _species(self, arrays: AtomArrays) -> Int[np.ndarray, " atoms"]:
        numbers, place = np.unique(arrays.numbers, return_inverse=True)
        return self.potential.species_of([chemical_symbols[number] for number in numbers])[place]
