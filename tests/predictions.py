"""Predictions for a few structures, compiled once."""

from __future__ import annotations

import jax
import numpy as np
from ase import Atoms

from limlff.neighbors.host import Capacity, build_neighbors
from limlff.potential import Potential
from limlff.prediction import Prediction, predictor_for


def predict_in_one_shape(potential: Potential, structures: list[Atoms]) -> list[Prediction]:
    """Predictions in NumPy arrays, in float64, without empty atom slots."""
    columns = max(map(len, structures))
    capacity = Capacity(1, 0)

    def neighbors_of(atoms):
        nonlocal capacity
        geometry = (atoms.positions, atoms.cell.array, atoms.pbc)
        matrix, capacity = build_neighbors(*geometry, potential.cutoff, capacity, columns)
        return matrix

    for atoms in structures:  # the largest sizes, before anything compiles
        neighbors_of(atoms)
    predictor = predictor_for(potential, "float64")
    predictions = []
    for atoms in structures:
        empty = columns - len(atoms)
        species = potential.species_of(list(atoms.symbols))
        prediction = predictor.predict(
            np.pad(species, (0, empty), constant_values=-1),
            np.pad(atoms.positions, ((0, empty), (0, 0))),
            atoms.cell.array,
            neighbors_of(atoms),
        )
        energy, energies, forces, virial = jax.device_get(prediction)
        predictions.append(Prediction(energy, energies[: len(atoms)], forces[: len(atoms)], virial))
    return predictions


def changes_of_the_first_of_a_chain(potential: Potential, axis: int) -> np.ndarray:
    """By how much the first atom's energy changes (eV) when the n-th of four moves, 3 Å apart."""
    chain = Atoms("Li4", [[3.0 * i, 0, 0] for i in range(4)])
    moved = [chain.copy() for _ in range(4)]
    for index in (1, 2, 3):
        moved[index].positions[index, axis] += 0.3
    first = np.array([each.energies[0] for each in predict_in_one_shape(potential, moved)])
    return np.abs(first - first[0])
