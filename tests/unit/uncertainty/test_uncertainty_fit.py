"""Where spreads come from: coefficients of the labels, posterior, calibration."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from limlff.training.data_settings import LabelWeights
from limlff.training.frame_predictions import predict_frames
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.loss import predict_batch
from limlff.training.packing import make_packing
from limlff.training.samples import make_samples
from limlff.training.uncertainty.calibration import calibration_factor, coverage, reliability
from limlff.training.uncertainty.design import batch_design
from limlff.training.uncertainty.evidence import (
    Evidence,
    _scaled_rows,
    _without_nuisance,
    collect_evidence,
)
from limlff.training.uncertainty.fit import add_uncertainty
from limlff.training.uncertainty.frames import assess_frames, energy_residuals, force_residuals
from limlff.training.uncertainty.posterior import PRIOR, draw_members, fit_grade

predict = jax.jit(predict_batch, static_argnames="model")
NO_OFFSETS = np.zeros((1, 2), bool)


@pytest.fixture(scope="module")
def packing(bare, data):
    """The frames to train on, every third with a core."""
    labelled = [
        replace(item, frame=replace(item.frame, core=np.arange(len(item.frame)) % 2 == 0))
        if index % 3 == 0
        else item
        for index, item in enumerate(data.train)
    ]
    samples = make_samples(labelled, bare.elements, bare.cutoff, np.zeros((1, 2)), "float64")
    return make_packing(samples, 128, 1)


def test_element_without_atoms_has_no_projection_and_one_atom_has_a_distance():
    """A projection of zero stands for an infinite grade; a single atom is at its own centre."""
    features = np.random.default_rng(0).normal(size=(3, 9)).astype(np.float32)
    evidence = Evidence(np.eye(9), features, np.array([0] * 8 + [2]))
    center, projection = fit_grade(evidence, 3)
    assert np.all(projection[1] == 0) and np.all(np.isfinite(projection))
    assert np.all(projection[2].any(axis=1))
    assert np.allclose(center[2], features[:, 8])
    grades = np.linalg.norm(projection[0] @ (features[:, :8] - center[0][:, None]), axis=0)
    assert grades.max() == pytest.approx(1.0)


def test_energies_without_a_known_zero_do_not_calibrate(bare, data, potential, recipe):
    """Frames of a set of which no energy is trained on; their forces do."""
    strange = [
        LabelledFrame(
            replace(item.frame, energy=item.frame.energy + 9.0),
            "other",
            zero=1,
            weights=LabelWeights(energy=0.0),
        )
        for item in data.validation
    ]
    mixed = replace(data, validation=[*data.validation, *strange])
    found = add_uncertainty(bare, mixed, recipe).card["uncertainty"]
    expected = potential.card["uncertainty"]
    assert found["factor_energy"] == pytest.approx(expected["factor_energy"], rel=1e-4)
    assert found["energy"]["labels"] == expected["energy"]["labels"]
    assert found["force"]["labels"] == 2 * expected["force"]["labels"]


def readouts_of(potential) -> np.ndarray:
    """The trained weights in the order of the features, one element after the other."""
    net = potential.parameters["net"]["layer2"]
    return np.concatenate(
        [net["weights"][:, 0], net["bias"], potential.parameters["linear"]], axis=1
    ).ravel()


def test_coefficients_times_weights_are_energies_forces_and_virials(bare, packing):
    """Labels of the model without its repulsion, which does not depend on readouts."""
    shape, chosen = packing.plan(None)[0]
    batch = packing.assemble(shape, chosen)
    parameters = jax.tree.map(jnp.asarray, bare.parameters)
    key = jax.random.key(3)
    design = batch_design(bare.model, parameters, batch, key, 5)
    model = type(bare.model)(**{**vars(bare.model), "repulsion": False})
    energies, forces, virials = predict(model, parameters, batch)
    weights = readouts_of(bare)
    np.testing.assert_allclose(weights @ design.energies, energies, atol=1e-11)
    signs = np.asarray(jax.random.rademacher(key, (5, 3, shape.atoms), jnp.float64))
    signs = np.where(batch.is_core, signs, 0)
    work = np.einsum("pan,na->pn", signs, forces)
    per_frame = np.stack([work[:, batch.frame == f].sum(1) for f in range(shape.frames)], axis=1)
    np.testing.assert_allclose(
        np.einsum("r,prf->pf", weights, design.probes), per_frame, atol=1e-10
    )
    components = np.array([virials[:, a, b] for a, b in ((0, 0), (1, 1), (2, 2), (1, 2), (0, 2))])
    np.testing.assert_allclose(
        np.einsum("r,srf->sf", weights, design.virials)[:5], components, atol=1e-10
    )


def test_information_is_that_of_the_labels(bare, packing):
    """Along random changes of the weights: the mean square of the changes of all labels."""
    parameters = jax.tree.map(jnp.asarray, bare.parameters)
    information = (
        sum(
            collect_evidence(bare.model, parameters, packing, NO_OFFSETS, seed).information
            for seed in range(6)
        )
        / 6
    )
    features = information.shape[0] // 2
    generator = np.random.default_rng(0)
    width = bare.model.hidden[-1]
    estimated, exact = [], []
    for _ in range(4):
        change = generator.normal(size=(2, features))
        net = dict(parameters["net"])
        net["layer2"] = {"weights": change[:, None, :width], "bias": change[:, width : width + 1]}
        changed = {**parameters, "net": net, "linear": change[:, width + 1 :]}
        model = type(bare.model)(**{**vars(bare.model), "repulsion": False})
        total = 0.0
        for batch in packing.batches():
            energies, forces, virials = predict(model, changed, batch)
            used = batch.weights[:, 0] > 0
            total += np.sum((used * energies / batch.atoms / 1e-3) ** 2)
            total += np.sum((np.asarray(forces)[batch.is_core] / 1e-2) ** 2)
            per_atom = np.asarray(virials) / batch.atoms[:, None, None] / 1e-2
            total += np.sum((used[:, None, None] * per_atom) ** 2)
        exact.append(total)
        estimated.append(change.ravel() @ information @ change.ravel())
    np.testing.assert_allclose(estimated, exact, rtol=0.2)  # 48 random vectors per frame
    assert np.ptp(exact) > 0.3 * np.mean(exact)


def test_free_offsets_take_their_share_of_the_information(bare, packing):
    """Against least squares with the offset's column projected out."""
    parameters = jax.tree.map(jnp.asarray, bare.parameters)
    shape, chosen = packing.plan(None)[0]
    batch = packing.assemble(shape, chosen)
    design = jax.device_get(batch_design(bare.model, parameters, batch, jax.random.key(0), 2))
    rows = _scaled_rows(design, batch, np.array([[True, False]]))
    own, offset = rows[:-1], rows[-1]
    projector = np.eye(len(offset)) - np.outer(offset, offset) / (offset @ offset)
    expected = own @ projector @ own.T
    np.testing.assert_allclose(
        _without_nuisance(rows @ rows.T, len(own)), expected, atol=1e-9 * np.abs(expected).max()
    )
    copper = np.array([np.sum(batch.species[batch.frame == f] == 0) for f in range(len(chosen))])
    energy = offset[: len(chosen)] * np.asarray(batch.atoms)[: len(chosen)] * 1e-3
    np.testing.assert_allclose(energy, copper, rtol=1e-12)


def test_members_have_the_covariance_of_the_posterior():
    generator = np.random.default_rng(1)
    factor = generator.normal(size=(6, 6)) * 3e3
    information = factor @ factor.T
    drawn = draw_members(information, 60_000, 2, seed=0)
    assert drawn.shape == (2, 60_000, 3)
    flat = drawn.transpose(1, 0, 2).reshape(-1, 6)
    np.testing.assert_allclose(flat.sum(axis=0), 0, atol=1e-9)
    expected = np.linalg.inv(information + np.eye(6) / PRIOR**2)
    scale = np.sqrt(np.outer(np.diag(expected), np.diag(expected)))
    assert np.abs(flat.T @ flat / 60_000 - expected).max() < 0.02 * scale.max()


@pytest.mark.parametrize("known", [0.2, 1.0, 30.0])
def test_calibration_recovers_a_known_factor(known):
    generator = np.random.default_rng(0)
    spreads = generator.lognormal(-3, 1, 40_000)
    residuals = known * spreads * generator.normal(size=40_000)
    factor = calibration_factor(residuals, spreads)
    assert factor == pytest.approx(known, rel=0.02)
    for level, share in coverage(residuals, factor * spreads).items():
        assert share == pytest.approx(float(level), abs=0.01)


def test_single_large_errors_and_missing_labels_do_not_move_the_factor():
    generator = np.random.default_rng(0)
    residuals = generator.normal(size=5000)
    residuals[:50] *= 1e4
    assert calibration_factor(residuals, np.ones(5000)) == pytest.approx(1.0, rel=0.05)
    assert calibration_factor(np.zeros(0), np.zeros(0)) == 1.0
    assert reliability(np.zeros((0, 3)), np.zeros(0), np.zeros(0))["coverage"] is None


def test_potential_is_calibrated_on_the_frames_held_back(potential, bare, data):
    """Energies and forces are those without uncertainty; 68.3 % of errors are within a spread."""
    frames = [item.frame for item in data.validation]
    predictions = predict_frames(bare, frames)
    for ours, theirs in zip(predict_frames(potential, frames), predictions, strict=True):
        assert ours.energy == theirs.energy
        np.testing.assert_array_equal(ours.forces, theirs.forces)
    assessed = assess_frames(potential, frames)
    force, spread, _ = force_residuals(frames, predictions, assessed)
    assert np.mean(np.abs(force) < spread[:, None]) == pytest.approx(0.683, abs=0.01)
    energy, spread = energy_residuals(frames, predictions, assessed)
    assert np.mean(np.abs(energy[:, 0]) < spread) == pytest.approx(0.683, abs=0.05)
    assert potential.card["uncertainty"]["calibrated_on"] == "frames held back"


def test_recipe_without_uncertainty_leaves_the_potential_alone(bare, data, recipe):
    assert add_uncertainty(bare, data, recipe.model_copy(update={"uncertainty": None})) is bare


def test_same_seed_gives_the_same_arrays(potential, bare, data, recipe):
    again = add_uncertainty(bare, data, recipe)
    for name, array in potential.parameters["uncertainty"].items():
        np.testing.assert_array_equal(again.parameters["uncertainty"][name], array)
