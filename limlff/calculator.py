"""ASE calculator, and `load` for a potential by name or path.

The code is compiled for padded sizes: atom slots, neighbors per atom, ghosts. As long as a
structure fits into them nothing is compiled again, also when atoms are added or removed.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.calculators.calculator import Calculator as AseCalculator
from ase.calculators.calculator import all_changes
from jaxtyping import Array, Float, Int

from limlff.catalog import find_potential
from limlff.errors import InputError
from limlff.neighbors.choice import choose_builder
from limlff.neighbors.host import Capacity, bucket, full_cell
from limlff.neighbors.matrix import NeighborMatrix, pair_vectors
from limlff.neighbors.skin import list_is_complete
from limlff.potential import Potential, Prediction
from limlff.potential_file import load_potential
from limlff.uncertainty import Assessment, assess

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
        self._weights = _on_device(self.potential)
        self._neighbors = SkinNeighbors(self.potential.cutoff, skin)
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
        species = self.potential.species_of(list(structure.symbols))
        _check_geometry(structure)
        neighbors = self._neighbors.update(structure)
        empty = len(neighbors.lists) - len(structure)
        arguments = (
            self.potential.model,
            self.precision,
            self._weights,
            np.pad(species, (0, empty), constant_values=-1),
            np.pad(structure.positions, ((0, empty), (0, 0))),
            structure.cell.array,
            neighbors,
        )
        if system_changes or "energy" not in self.results:
            prediction, closest = jax.device_get(_evaluate(*arguments))
            _refuse_touching_atoms(structure, *closest)
            self.results = _results(prediction, structure)
        if set(properties or ()) & set(UNCERTAINTIES):
            known = jax.device_get(_assess(*arguments))
            self.results |= {
                name: values[: len(structure)]
                for name, values in zip(UNCERTAINTIES, known, strict=True)
            }


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


def _on_device(potential: Potential) -> tuple[Any, Array]:
    return jax.device_put((potential.parameters, jnp.asarray(potential.baseline)))


@partial(jax.jit, static_argnums=(0, 1))
def _evaluate(
    model: Any,
    precision: str,
    weights: tuple[Any, Array],
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> tuple[Prediction, tuple[Array, Array, Array]]:
    """Prediction, and the closest pair: its distance (Å), its atom, the atom it is next to."""
    potential = Potential(model, *weights)  # type: ignore[arg-type]  # traced, not NumPy
    prediction = potential.predict(species, positions, cell, neighbors, precision)
    vectors = pair_vectors(positions, cell, neighbors)
    distances = jnp.where(neighbors.mask, jnp.linalg.norm(vectors, axis=0), jnp.inf)
    slot, atom = jnp.unravel_index(jnp.argmin(distances), distances.shape)
    return prediction, (distances[slot, atom], atom, neighbors.owners[slot, atom])


@partial(jax.jit, static_argnums=(0, 1))
def _assess(
    model: Any,
    precision: str,
    weights: tuple[Any, Array],
    species: Int[Array, " atoms"],
    positions: Float[Array, "atoms 3"],
    cell: Float[Array, "3 3"],
    neighbors: NeighborMatrix,
) -> Assessment:
    potential = Potential(model, *weights)  # type: ignore[arg-type]  # traced, not NumPy
    return assess(potential, species, positions, cell, neighbors, precision)


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


def _refuse_touching_atoms(atoms: Atoms, distance: float, first: int, second: int) -> None:
    if distance < SHORTEST_DISTANCE:
        partner = "its own image" if first == second else f"{atoms.symbols[second]} {second}"
        raise InputError(
            f"{atoms.symbols[first]} {first} and {partner} are {distance:.2f} Å apart; the "
            f"shortest distance allowed is {SHORTEST_DISTANCE} Å. Remove one or correct the cell"
        )
