"""Stresses of atoms: their sum, their definition by forces between pairs, their kinetic part."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from ase import Atoms
from ase.build import bcc100, bulk
from ase.calculators.calculator import PropertyNotImplementedError
from reference_models import embedded_pairs

from limlff.calculator import Calculator
from limlff.models.mace import MaceModel
from limlff.models.moment import MomentModel
from limlff.potential import Potential

VOIGT = ((0, 1, 2, 1, 0, 0), (0, 1, 2, 2, 2, 1))


@pytest.fixture(scope="module")
def moments() -> Calculator:
    """A small potential of the default model, whose stress comes from the kernel on CPUs."""
    model = MomentModel(("Li",), cutoff=4.0, radial=4, max_degree=2, channels=3, hidden=(5,))
    parameters = jax.tree.map(np.asarray, model.initialize(jax.random.key(0)))
    linear = np.random.default_rng(0).normal(scale=0.1, size=parameters["linear"].shape)
    return Calculator(Potential(model, {**parameters, "linear": linear}, np.array([-1.9])))


@pytest.fixture
def crystal() -> Atoms:
    atoms = bulk("Li", cubic=True, a=3.4).repeat(2)
    atoms.rattle(0.15, seed=1)
    atoms.set_cell(atoms.cell.array @ (np.eye(3) + 0.05 * np.eye(3)[::-1]), scale_atoms=True)
    return atoms


def test_stresses_of_atoms_add_up_to_the_stress(moments, crystal):
    """In a sheared cell whose atoms see their own images."""
    crystal.calc = moments
    stresses = crystal.get_stresses()
    assert stresses.shape == (16, 6)
    assert np.abs(stresses).min() > 1e-7
    assert np.abs(stresses.sum(axis=0) - crystal.get_stress()).max() < 1e-13
    assert np.allclose(
        crystal.get_stresses(voigt=False).sum(axis=0), crystal.get_stress(voigt=False)
    )


def test_repeated_cells_have_the_same_virials(moments, crystal):
    once = moments.get_stresses(crystal) * crystal.get_volume()
    many = crystal.repeat((2, 1, 1))
    repeated = moments.get_stresses(many) * many.get_volume()
    assert np.abs(repeated - np.tile(once, (2, 1))).max() < 1e-11


def _stresses_by_pair_forces(atoms: Atoms, calculator: Calculator) -> np.ndarray:
    """By finite differences of atoms' energies: dE_i/dx_j is the pair gradient where j is no image.

    The force of j on i is dE_i/dr - dE_j/dr with r the vector from i to j; each of the two has half
    of the virial of the pair.
    """
    count, step = len(atoms), 1e-4
    slopes = np.empty((count, count, 3))
    for j in range(count):
        for axis in range(3):
            energies = []
            for sign in (1, -1):
                moved = atoms.copy()
                moved.positions[j, axis] += sign * step
                energies.append(calculator.get_potential_energies(moved))
            slopes[:, j, axis] = (energies[0] - energies[1]) / (2 * step)
    virials = np.zeros((count, 3, 3))
    for i in range(count):
        for j in range(count):
            if i != j:
                vector = atoms.positions[j] - atoms.positions[i]
                virials[i] -= 0.5 * np.outer(slopes[i, j] - slopes[j, i], vector)
    stresses = -virials / atoms.get_volume()
    return (0.5 * (stresses + stresses.swapaxes(1, 2)))[:, VOIGT[0], VOIGT[1]]


@pytest.mark.parametrize("kind", ["moments", "embedded pairs"])
def test_stresses_of_atoms_are_those_of_the_forces_between_pairs(moments, kind):
    """In a cluster without symmetry, of two elements where the model knows two."""
    generator = np.random.default_rng(5)
    grid = bulk("Li", cubic=True, a=3.4).repeat((2, 2, 1))
    atoms = Atoms("Li7", grid.positions[:7] + generator.normal(0, 0.2, (7, 3)), cell=np.eye(3) * 9)
    calculator = moments
    if kind != "moments":
        calculator, atoms.numbers[2:5] = Calculator(embedded_pairs(("Li", "Cu"))), 29
    found, expected = calculator.get_stresses(atoms), _stresses_by_pair_forces(atoms, calculator)
    assert np.abs(expected).max() > 1e-4
    assert np.abs(found - expected).max() < 1e-6 * np.abs(expected).max()


def test_stresses_of_atoms_add_up_where_messages_are_passed(crystal):
    model = MaceModel(
        ("Li",), cutoff=3.5, channels=2, max_degree=1, radial=3, radial_hidden=(4,), correlation=2
    )
    parameters = jax.tree.map(np.asarray, model.initialize(jax.random.key(1)))
    calculator = Calculator(Potential(model, parameters, np.zeros(1)))
    stress = calculator.get_stress(crystal)
    assert np.abs(stress).max() > 1e-8
    difference = calculator.get_stresses(crystal).sum(axis=0) - stress
    assert np.abs(difference).max() < 1e-12 * np.abs(stress).max() + 1e-16


def test_the_kinetic_part_adds_up_too(moments, crystal):
    """p p / m of each atom over the volume of the cell, as in the stress of the whole."""
    crystal.calc = moments
    crystal.set_momenta(np.random.default_rng(2).normal(0, 1.0, (16, 3)))
    still, moving = (crystal.get_stresses(include_ideal_gas=gas) for gas in (False, True))
    total = crystal.get_stress(include_ideal_gas=True)
    assert np.abs(moving.sum(axis=0) - total).max() < 1e-13
    momenta, volume = crystal.get_momenta(), crystal.get_volume()
    expected = -(momenta[:, 0] ** 2) / crystal.get_masses() / volume
    assert np.allclose((moving - still)[:, 0], expected, rtol=1e-10)


def test_atoms_deep_in_a_slab_have_the_stress_of_the_bulk(moments):
    """Shares of a layer in the middle, where the surfaces are out of reach, against the crystal."""
    slab = bcc100("Li", (1, 1, 15), a=3.4, vacuum=6.0)
    inside = moments.get_stresses(slab)[7] * slab.get_volume()
    crystal = bulk("Li", cubic=True, a=3.4)
    expected = moments.get_stress(crystal) * crystal.get_volume() / 2
    assert np.abs(inside - expected).max() < 1e-10
    surface = moments.get_stresses(slab)[0] * slab.get_volume()
    assert np.abs(surface - expected).max() > 1e-3


def test_single_precision_is_near(moments, crystal):
    single = Calculator(moments.potential, dtype="float32")
    right = moments.get_stresses(crystal)
    assert 0 < np.abs(single.get_stresses(crystal) - right).max() < 1e-5 * np.abs(right).max()


def test_without_a_volume_there_are_no_stresses(moments):
    with pytest.raises(PropertyNotImplementedError):
        moments.get_stresses(Atoms("Li2", [[0, 0, 0], [0, 0, 2.9]]))


def test_stresses_asked_for_later_belong_to_the_atoms_as_they_are_now(moments, crystal):
    crystal.calc = Calculator(moments.potential)
    crystal.get_stresses()
    crystal.positions[3] += [0.1, 0.0, -0.2]
    crystal.get_forces()
    assert "stresses" not in crystal.calc.results
    assert np.abs(crystal.get_stresses().sum(axis=0) - crystal.get_stress()).max() < 1e-13
