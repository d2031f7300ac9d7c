"""Example structures of every kind of cell, and a bench that evaluates a potential on them."""

from __future__ import annotations

import jax
import numpy as np
from ase import Atoms
from ase.build import bulk
from ase.data import atomic_numbers, covalent_radii, reference_states
from jaxtyping import Float

from limlff.neighbors.host import Capacity, build_neighbors
from limlff.neighbors.matrix import NeighborMatrix
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import Prediction, predictor_for

SKIN = 0.6
"""Pairs up to the cutoff plus this are listed (Å): more than any displacement of a check."""

_DTYPES = ("float32", "float64")


def example_structures(potential: Potential, seed: int = 0) -> dict[str, Atoms]:
    """Small distorted structures of every kind of cell, by name.

    Crystals are those of the first element at the lattice constant that ASE knows; where the
    potential knows several elements, each structure comes a second time with mixed elements.

    Args:
        potential: Its elements and its cutoff are what is needed of it.
        seed: Of the displacements (0.08 Å along each axis) and of the mixing.
    """
    generator = np.random.default_rng(seed)
    first, last = potential.elements[0], potential.elements[-1]
    unit = _crystal(first)
    slab = unit.repeat((2, 1, 3))
    slab.center(vacuum=0.75 * potential.cutoff, axis=2)
    slab.pbc = (True, True, False)
    sheared = unit.copy()
    sheared.set_cell(unit.cell.array @ [[1, 0, 0], [0.9, 1, 0], [0.4, -0.8, 1]], scale_atoms=True)
    one = Atoms(
        first, cell=unit.cell.array @ [[0.85, 0.1, 0], [0, 0.8, 0.1], [0, 0, 0.75]], pbc=True
    )
    crystal = unit.repeat((2, 2, 2)) if len(unit) < 3 else unit.repeat((2, 2, 1))
    cluster = Atoms(crystal.symbols[:7], crystal.positions[:7])
    close = Atoms([first, last], [[0, 0, 0], [0.3, 0.5, 0.6 * bond_length(first, last)]])
    structures = {
        "bulk": crystal,
        "slab with vacuum": slab,
        "sheared cell": sheared,
        "one-atom cell": one,
        "cluster": cluster,
        "close pair": close,
    }
    for atoms in structures.values():
        atoms.positions += generator.normal(0, 0.08, (len(atoms), 3))
    if len(potential.elements) > 1:
        for name in ("bulk", "slab with vacuum", "sheared cell", "cluster"):
            mixed = structures[name].copy()
            mixed.symbols = generator.choice(potential.elements, len(mixed))
            mixed.symbols[0] = last
            structures[f"{name} of mixed elements"] = mixed
    return structures


def bond_length(first: str, second: str) -> float:
    """Sum of the covalent radii of two elements (Å)."""
    return float(sum(covalent_radii[atomic_numbers[symbol]] for symbol in (first, second)))


class Bench:
    """A potential compiled once for all example structures, by common sizes of the padded arrays.

    It is evaluated as calculators do it: on CPUs by its compiled kernel if it has one.

    Attributes:
        potential: The potential.
        structures: The example structures, by name.
    """

    @own_precision()
    def __init__(self, potential: Potential, seed: int = 0) -> None:
        self.potential = potential
        self.structures = example_structures(potential, seed)
        self._predictors = {dtype: predictor_for(potential, dtype) for dtype in _DTYPES}
        self._padded_atoms = 2 * max(len(atoms) for atoms in self.structures.values())
        self._capacity = Capacity(1, 0)
        for atoms in self.structures.values():  # the largest sizes first, before anything compiles
            self.neighbors(atoms)

    def neighbors(self, atoms: Atoms) -> NeighborMatrix:
        """Neighbor matrix in the common sizes; these grow if the structure needs it."""
        neighbors, self._capacity = build_neighbors(
            *geometry(atoms), self.potential.cutoff + SKIN, self._capacity, self._padded_atoms
        )
        return neighbors

    @own_precision()
    def predict(
        self, atoms: Atoms, dtype: str = "float64", neighbors: NeighborMatrix | None = None
    ) -> Prediction:
        """Prediction in NumPy arrays, without the padded atoms.

        Args:
            atoms: The structure.
            dtype: Arithmetic of the model.
            neighbors: Neighbors to use instead of those found now.
        """
        neighbors = neighbors or self.neighbors(atoms)
        positions, cell, _ = geometry(atoms)
        empty = len(neighbors.lists) - len(atoms)
        species = self.potential.species_of(list(atoms.symbols))
        prediction = self._predictors[dtype].predict(
            np.pad(species, (0, empty), constant_values=-1),
            np.pad(positions, ((0, empty), (0, 0))),
            cell,
            neighbors,
        )
        energy, energies, forces, virial = jax.device_get(prediction)
        return Prediction(energy, energies[: len(atoms)], forces[: len(atoms)], virial)


def geometry(
    atoms: Atoms,
) -> tuple[Float[np.ndarray, "atoms 3"], Float[np.ndarray, "3 3"], np.ndarray]:
    """Positions (Å), cell (Å, rows) and periodicity of ASE atoms."""
    return atoms.get_positions(), np.array(atoms.cell), np.array(atoms.pbc)


def _crystal(symbol: str) -> Atoms:
    """Cubic cell of an element: that of its ground state if it is bcc or fcc, else simple cubic."""
    state = reference_states[atomic_numbers[symbol]] or {}
    if state.get("symmetry") in ("bcc", "fcc"):
        return bulk(symbol, cubic=True)
    return bulk(symbol, "sc", a=1.1 * bond_length(symbol, symbol))
