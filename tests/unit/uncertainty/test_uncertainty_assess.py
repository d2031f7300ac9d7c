"""Spreads and grades of structures: members against the model itself, symmetries, extrapolation."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from scipy.spatial.transform import Rotation

import limlff
from limlff.errors import InputError
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.neighbors.matrix import pair_vectors
from limlff.potential import Potential
from limlff.potential_file import load_potential, save_potential
from limlff.prediction import formula_predictor_for, predictor_for
from limlff.training.uncertainty.calibration import calibration_factor, reliability
from limlff.training.uncertainty.frames import assess_frames, grade_frames
from limlff.uncertainty import assess, available
from limlff.uncertainty import members as members_module
from limlff.uncertainty.kernel import member_forces_by_kernel

SLOTS = 12
ROOMY = Capacity(neighbors=120, ghosts=600)  # one shape for all structures: one compilation


@partial(jax.jit, static_argnums=(0, 1, 2))
def run(function, model, dtype, parameters, *arguments):
    """A function of a potential and a padded structure, compiled once for each model and shape."""
    potential = Potential(model, parameters, np.zeros(2))
    return function(formula_predictor_for(potential, dtype), *arguments)


def predict(predictor, *arguments):
    return predictor.predict(*arguments)


def deviations_of(predictor, species, positions, cell, neighbors):
    potential = predictor.potential
    vectors = pair_vectors(positions, cell, neighbors)
    around = fill_neighborhoods(
        potential.cutoff, species, neighbors.owners, vectors, neighbors.mask
    )
    return members_module.member_deviations(potential.model, potential.parameters, around)


def alloy() -> Atoms:
    """Eight distorted atoms of both elements in a periodic cell."""
    generator = np.random.default_rng(4)
    atoms = bulk("Cu", "fcc", a=3.6, cubic=True).repeat((2, 1, 1))
    atoms.numbers[[1, 4, 6]] = 28
    atoms.positions += generator.normal(0, 0.1, (8, 3))
    return atoms


def evaluated(function, potential, atoms, slots=SLOTS, dtype="float64"):
    """What a function of a potential says of a structure in padded arrays."""
    empty = slots - len(atoms)
    neighbors, _ = build_neighbors(
        atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff, ROOMY, slots
    )
    return jax.device_get(
        run(
            function,
            potential.model,
            dtype,
            potential.parameters,
            np.pad(potential.species_of(list(atoms.symbols)), (0, empty), constant_values=-1),
            np.pad(atoms.positions, ((0, empty), (0, 0))),
            atoms.cell.array,
            neighbors,
        )
    )


def assessment(potential, atoms, slots=SLOTS, dtype="float64"):
    return evaluated(assess, potential, atoms, slots, dtype)


def member(potential, index) -> Potential:
    """One member as a potential of its own: its readouts written into the model's weights."""
    change = potential.parameters["uncertainty"]["readouts"][:, index]
    return replace(
        potential, parameters=potential.model.with_readouts(potential.parameters, change)
    )


def test_members_are_the_model_with_other_readouts_and_their_mean_is_the_potential(potential):
    """Energies and forces of each member from the model, with its readouts as weights."""
    atoms = alloy()
    ours = evaluated(deviations_of, potential, atoms)
    mean = evaluated(predict, potential, atoms)
    count = potential.parameters["uncertainty"]["readouts"].shape[1]
    predictions = [evaluated(predict, member(potential, m), atoms) for m in range(count)]
    for m, prediction in enumerate(predictions):
        np.testing.assert_allclose(
            ours.energies[m], prediction.energies - mean.energies, atol=1e-12
        )
        np.testing.assert_allclose(ours.forces[m], prediction.forces - mean.forces, atol=1e-11)
    assert np.abs(ours.forces).max() > 1e-6  # else nothing was compared
    average = np.mean([prediction.energies for prediction in predictions], axis=0)
    np.testing.assert_allclose(average, mean.energies, atol=1e-12)
    spread = np.std([prediction.forces for prediction in predictions], axis=0, ddof=1)
    factor = potential.parameters["uncertainty"]["factors"][0, 1]
    np.testing.assert_allclose(
        assessment(potential, atoms).force_spread,
        factor * np.sqrt((spread**2).mean(axis=1)),
        rtol=1e-8,
    )


@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_spreads_by_the_compiled_kernel_are_those_by_the_formulas(potential, dtype):
    atoms = alloy()
    neighbors, _ = build_neighbors(
        atoms.positions, atoms.cell.array, atoms.pbc, potential.cutoff, ROOMY, SLOTS
    )
    species = np.pad(potential.species_of(list(atoms.symbols)), (0, 4), constant_values=-1)
    positions = np.pad(atoms.positions, ((0, 4), (0, 0)))

    program = predictor_for(potential, dtype).program

    @jax.jit
    def spreads(positions, neighbors):
        return member_forces_by_kernel(
            program, jnp.asarray(species), positions, atoms.cell.array, neighbors
        )

    ours = np.asarray(spreads(positions, neighbors))
    expected = evaluated(deviations_of, potential, atoms).forces
    limit = {"float64": 1e-9, "float32": 2e-3}[dtype] * np.abs(expected).max()
    np.testing.assert_allclose(ours, expected, atol=limit)


def test_forces_of_members_are_differences_of_their_energies(potential):
    atoms = alloy()
    forces = evaluated(deviations_of, potential, atoms).forces
    for atom, axis in ((0, 0), (4, 2)):
        energies = []
        for step in (-1e-4, 1e-4):
            moved = atoms.copy()
            moved.positions[atom, axis] += step
            energies.append(evaluated(deviations_of, potential, moved).energies.sum(axis=1))
        numeric = -(energies[1] - energies[0]) / 2e-4
        np.testing.assert_allclose(forces[:, atom, axis], numeric, rtol=1e-5, atol=1e-8)


def test_blocks_and_padding_do_not_matter(potential, monkeypatch):
    atoms = alloy()
    whole = assessment(potential, atoms)
    monkeypatch.setattr(members_module, "CPU_BLOCK_ATOMS", 5)
    for a, b in zip(whole, assessment(potential, atoms, slots=16), strict=True):
        np.testing.assert_allclose(a[:8], b[:8], rtol=1e-9)
        assert not b[8:].any()


def test_rotation_and_order_of_atoms_do_not_matter(potential):
    atoms = alloy()
    expected = assessment(potential, atoms)
    matrix = Rotation.random(rng=np.random.default_rng(1)).as_matrix()
    order = np.random.default_rng(2).permutation(8)
    turned = atoms[order]
    turned.set_cell(turned.cell.array @ matrix.T)
    turned.positions = turned.positions @ matrix.T
    for a, b in zip(expected, assessment(potential, turned), strict=True):
        np.testing.assert_allclose(a[order], b[:8], rtol=1e-7)


def test_atoms_trained_on_have_grades_up_to_1_and_one_of_each_element_has_1(potential, data):
    frames = [item.frame for item in data.train]
    assessed = assess_frames(potential, frames)
    grades = np.concatenate([known.grades for known in assessed])
    numbers = np.concatenate([frame.numbers for frame in frames])
    for number in (28, 29):
        assert grades[numbers == number].max() == pytest.approx(1.0, rel=1e-4)


def test_grades_alone_are_those_of_a_whole_assessment(potential, data):
    frames = [item.frame for item in data.train][:7]
    assessed = assess_frames(potential, frames)
    for grades, known in zip(grade_frames(potential, frames), assessed, strict=True):
        np.testing.assert_allclose(grades, known.grades, rtol=1e-6)


@pytest.mark.parametrize("path", ["compressed", "atom pushed to another", "atom pulled out"])
def test_grade_rises_along_a_path_out_of_the_data(potential, path):
    grades = []
    for step in np.linspace(0.0, 1.0, 6):
        atoms = bulk("Cu", "fcc", a=3.6, cubic=True).repeat((2, 1, 1))
        if path == "compressed":
            atoms.set_cell(atoms.cell.array * (1 - 0.25 * step), scale_atoms=True)
        elif path == "atom pushed to another":
            atoms.positions[0] += step * 0.55 * (atoms.positions[1] - atoms.positions[0])
        else:
            atoms.pbc = (True, True, False)
            atoms.positions[1, 2] -= 2.4 * step
        grades.append(assessment(potential, atoms).grade.max())
    assert np.all(np.diff(grades) > 0), grades
    assert grades[-1] > 3  # far beyond the data


def test_frames_in_single_precision_and_structures_are_assessed_alike(potential, data):
    frames = [item.frame for item in data.validation]
    for frame, known in list(zip(frames, assess_frames(potential, frames), strict=True))[:3]:
        ours = assessment(potential, frame.to_atoms())
        np.testing.assert_allclose(known.force_spreads, ours.force_spread[:4], rtol=5e-3)
        np.testing.assert_allclose(known.grades, ours.grade[:4], rtol=5e-3)
        np.testing.assert_allclose(known.energy_spreads, ours.energy_spread[:4], rtol=5e-3)


def test_a_file_keeps_the_uncertainty_and_one_without_it_is_told_apart(potential, bare, tmp_path):
    save_potential(potential, tmp_path / "with.limlff")
    save_potential(bare, tmp_path / "without.limlff")
    loaded, old = (load_potential(tmp_path / f"{name}.limlff") for name in ("with", "without"))
    assert available(loaded) and not available(old)
    atoms = alloy()
    for a, b in zip(assessment(potential, atoms), assessment(loaded, atoms), strict=True):
        np.testing.assert_array_equal(a, b)
    with pytest.raises(InputError, match="has no uncertainty"):
        assessment(old, atoms)


def test_calculator_gives_uncertainties_when_asked_and_only_then(potential, bare):
    atoms = alloy()
    atoms.calc = limlff.Calculator(potential)
    forces = atoms.get_forces()
    assert "force_spread" not in atoms.calc.results
    expected = assessment(potential, atoms)
    names = ("energy_spread", "force_spread", "extrapolation_grade")
    for name, values in zip(names, expected, strict=True):
        np.testing.assert_allclose(atoms.calc.get_property(name, atoms), values[:8], rtol=1e-9)
    np.testing.assert_array_equal(atoms.get_forces(), forces)
    atoms.positions[0, 0] += 0.05
    assert not np.array_equal(atoms.get_forces(), forces)
    assert "force_spread" not in atoms.calc.results
    atoms.calc = limlff.Calculator(bare)
    with pytest.raises(InputError, match="has no uncertainty"):
        atoms.calc.get_property("force_spread", atoms)


def test_element_that_was_not_trained_on_is_infinitely_uncertain(potential, data):
    """Members agree on what no label has moved: spread and distance would be zero."""
    arrays = potential.parameters["uncertainty"]
    projection = arrays["projection"] * np.array([1.0, 0.0])[:, None, None]
    untrained = replace(
        potential,
        parameters={
            **potential.parameters,
            "uncertainty": {**arrays, "projection": projection},
        },
    )
    atoms = alloy()
    nickel = np.pad(atoms.numbers == 28, (0, SLOTS - len(atoms)))
    before, now = assessment(potential, atoms), assessment(untrained, atoms)
    for old, new in zip(before, now, strict=True):
        assert np.all(np.isinf(new[nickel])) and np.all(new[nickel] > 0)
        assert np.array_equal(new[~nickel], old[~nickel])  # copper, and empty slots
    frames = [item.frame for item in data.validation]
    whole = next(
        known
        for frame, known in zip(frames, assess_frames(untrained, frames), strict=True)
        if 0 < np.sum(frame.numbers == 28) < len(frame)
    )
    assert np.isinf(whole.energy_spread)
    assert 0 < np.isinf(whole.grades).sum() < len(whole.grades)
    errors = np.ones((len(whole.grades), 3))
    summary = reliability(errors, whole.force_spreads, whole.grades)
    assert json.loads(json.dumps(summary, allow_nan=False)) == summary
    assert calibration_factor(errors[:, 0], whole.force_spreads) < np.inf
