"""A crystal in two halves, each with a halo of one cutoff, against the whole.

As on two MPI ranks: the atoms of the halo are atoms with empty lists that are not local.
"""

from __future__ import annotations

from itertools import product

import jax
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk

from limlff.errors import InputError
from limlff.models.mace import MaceModel
from limlff.models.moment import MomentModel
from limlff.neighbors.host import build_neighbors
from limlff.neighbors.matrix import NeighborMatrix
from limlff.potential import Potential
from limlff.prediction import formula_predictor_for, predictor_for

MODEL = MomentModel(("Li", "Cu"), cutoff=4.0, radial=4, channels=4, max_degree=3, hidden=(6,))


@pytest.fixture(scope="module")
def potential() -> Potential:
    """Untrained, with an energy of isolated atoms that would show if the halo had one."""
    return Potential(MODEL, MODEL.initialize(jax.random.key(1)), np.array([-1.9, -3.7]))


@pytest.fixture(scope="module")
def crystal() -> Atoms:
    """A distorted crystal in a sheared cell, periodic along all axes, of both elements."""
    atoms = bulk("Li", "bcc", a=3.4, cubic=True).repeat((4, 3, 3))
    atoms.symbols[::5] = "Cu"
    atoms.set_cell(atoms.cell.array @ [[1, 0.1, 0], [0, 1, 0.2], [0, 0, 1]], scale_atoms=True)
    atoms.rattle(0.1, seed=1)
    atoms.wrap()
    return atoms


def half_of(atoms: Atoms, upper: bool, size: int):
    """Owners, positions, locality and lists of one half, found image by image.

    All periodic images are atoms of the halo, so that there is no ghost and the cell does not
    matter. Arrays are padded to `size` atoms.
    """
    own = np.flatnonzero((atoms.get_scaled_positions()[:, 0] >= 0.5) == upper)
    owners, positions = list(own), list(atoms.positions[own])
    for shift in product((-1, 0, 1), repeat=3):
        for atom, position in enumerate(atoms.positions + shift @ atoms.cell.array):
            is_own = shift == (0, 0, 0) and atom in own
            distances = np.linalg.norm(atoms.positions[own] - position, axis=1)
            if not is_own and distances.min() < MODEL.cutoff:
                owners.append(atom)
                positions.append(position)
    points = np.array(positions)
    near = [
        [j for j in np.flatnonzero(np.linalg.norm(points - points[i], axis=1) < MODEL.cutoff)]
        for i in range(len(own))
    ]
    lists = np.tile(np.arange(size, dtype=np.int32)[:, None], (1, 40))  # empty: the atom itself
    for i, found in enumerate(near):
        others = [j for j in found if j != i]
        lists[i, : len(others)] = others
    empty = size - len(points)
    matrix = NeighborMatrix(
        lists, np.zeros(0, np.int32), np.zeros((0, 3)), np.arange(size, dtype=np.int32)
    )
    padded = np.pad(points, ((0, empty), (0, 0)))
    return np.array(owners), padded, np.arange(size) < len(own), matrix


@pytest.mark.parametrize(
    "chosen", [formula_predictor_for, predictor_for], ids=["formula", "kernel"]
)
def test_two_halves_with_their_halos_give_the_whole(potential, crystal, chosen):
    predictor = chosen(potential)
    species = potential.species_of(list(crystal.symbols))
    cell = crystal.cell.array
    whole_list, _ = build_neighbors(crystal.positions, cell, crystal.pbc, MODEL.cutoff)
    whole = predictor.predict(species, crystal.positions, cell, whole_list)
    energy, forces, virial = 0.0, np.zeros((len(crystal), 3)), np.zeros((3, 3))
    for upper in (False, True):
        size = 400
        owners, positions, local, matrix = half_of(crystal, upper, size)
        assert len(owners) > 2 * local.sum()  # more halo than atoms
        own = np.full(size, -1, np.int32)
        own[: len(owners)] = species[owners]
        found = predictor.predict(own, positions, np.eye(3), matrix, local)
        energy += float(found.energy)
        np.add.at(forces, owners, np.asarray(found.forces)[: len(owners)])
        virial += np.asarray(found.virial)
        assert not np.asarray(found.energies)[~local].any()
        assert np.abs(np.asarray(found.forces)[~local]).max() > 1e-3
    assert energy == pytest.approx(float(whole.energy), abs=1e-9)
    np.testing.assert_allclose(forces, whole.forces, rtol=0, atol=1e-10)
    np.testing.assert_allclose(virial, whole.virial, rtol=0, atol=1e-9)


def test_a_model_with_messages_refuses_a_halo():
    """Its energies reach farther than one cutoff."""
    model = MaceModel(("Li",), cutoff=3.0, channels=2, max_degree=1)
    potential = Potential(model, model.initialize(jax.random.key(0)), np.zeros(1))
    matrix, _ = build_neighbors(np.zeros((1, 3)), np.eye(3), np.zeros(3, bool), 3.0)
    predictor = predictor_for(potential)
    with pytest.raises(InputError, match="MaceModel passes messages"):
        predictor.predict(
            np.zeros(1, np.int32), np.zeros((1, 3)), np.eye(3), matrix, np.ones(1, bool)
        )
