"""The loss: its formula, its gradient, and that it does not depend on how frames are packed."""

from __future__ import annotations

from dataclasses import replace

import jax
import numpy as np
import pytest
from training_frames import many_kinds

from limlff import precision as precision
from limlff.models.moment import MomentModel
from limlff.neighbors.host import Capacity, build_neighbors
from limlff.potential import Potential
from limlff.prediction import formula_predictor_for, predictor_for
from limlff.training import frame_predictions
from limlff.training.batches import Shape, assemble_batch
from limlff.training.data_settings import LabelWeights
from limlff.training.frame_predictions import FramePrediction, predict_frames
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.loss import LossFormula
from limlff.training.samples import make_samples
from limlff.training.step import SUM_NAMES, Objective
from limlff.units import GIGAPASCAL

ELEMENTS = ("Cu", "Ni")
MODEL = MomentModel(ELEMENTS, cutoff=4.0, radial=4, max_degree=1, channels=2, hidden=(4,))
FORMULA = LossFormula(huber=3.0, energy_norm=2.0, force_norm=7.0, stress_norm=3.0)
OBJECTIVE = Objective(MODEL, FORMULA, ((False, False), (True, False)))
BASELINES = np.array([[0.3, -0.2], [0.5, -0.2]])
SHAPE = Shape(neighbors=24, atoms=19, frames=7)
WEIGHTS = np.array([0.7, 1.3, 0.4])
FACTORS = (
    LabelWeights(),
    LabelWeights(energy=2.0, force=0.5, shear_stress=0.0),
    LabelWeights(stress=3.0, shear_stress=0.2),
    LabelWeights(force=4.0),
    LabelWeights(energy=0.5),
)

QUICK_TO_COMPILE = {"xla_backend_optimization_level": 0}

gradient_of_loss = jax.jit(
    jax.value_and_grad(OBJECTIVE.loss, has_aux=True), compiler_options=QUICK_TO_COMPILE
)
loss_alone = jax.jit(lambda *given: OBJECTIVE.loss(*given)[0], compiler_options=QUICK_TO_COMPILE)


@pytest.fixture(scope="module")
def labelled():
    """Frames of all kinds, two zeros of energy, and a factor of its own for each."""
    frames = many_kinds()
    return [LabelledFrame(frame, "", i % 2, FACTORS[i]) for i, frame in enumerate(frames)]


@pytest.fixture(scope="module")
def parameters():
    """Random parameters; those that start at zero are moved from there."""
    generator = np.random.default_rng(3)
    start = MODEL.initialize(jax.random.key(0))
    moved = jax.tree.map(lambda leaf: leaf + generator.normal(0, 0.1, leaf.shape), start)
    moved["statistics"] = start["statistics"]
    return {"model": moved, "offsets": generator.normal(0, 0.01, (2, 2))}


def samples_of(labelled, dtype="float64"):
    return make_samples(labelled, ELEMENTS, MODEL.cutoff, BASELINES, dtype)


@pytest.fixture(scope="module")
def batch(labelled):
    return assemble_batch(samples_of(labelled), SHAPE)


@pytest.fixture(scope="module")
def predictions(labelled, parameters):
    """Energy, forces and stress of each frame by the potential, with ghost atoms."""
    potential = Potential(MODEL, parameters["model"], np.zeros(2))
    predict = predictor_for(potential).predict
    slots, capacity = 16, Capacity(neighbors=24, ghosts=256)
    found = []
    for frame in (item.frame for item in labelled):
        atoms = len(frame)
        species = np.full(slots, -1, np.int32)
        species[:atoms] = potential.species_of(frame.symbols)
        positions = np.zeros((slots, 3))
        positions[:atoms] = frame.positions
        neighbors, grown = build_neighbors(
            frame.positions, frame.cell, frame.periodic, MODEL.cutoff, capacity, slots
        )
        assert grown == capacity
        result = predict(species, positions, frame.cell, neighbors)
        stress = -np.asarray(result.virial) / frame.volume if frame.volume > 0 else None
        forces = np.asarray(result.forces)[:atoms]
        found.append(FramePrediction(float(result.energy), forces, stress))
    return found


@pytest.fixture(scope="module")
def reference(batch, parameters):
    """Loss, sums and gradient of all frames in one batch."""
    (loss, sums), gradient = gradient_of_loss(parameters, batch, WEIGHTS)
    return float(loss), np.asarray(sums), gradient


def flat(tree):
    return np.concatenate([np.ravel(leaf) for leaf in jax.tree.leaves(tree)])


def pseudo_huber(squared):
    width = FORMULA.huber
    return width**2 * (np.sqrt(1 + squared / width**2) - 1)


def test_loss_is_the_documented_sum_over_frames(labelled, parameters, predictions, reference):
    """Energies, forces and stresses of the potential put into the formula of the loss."""
    total = 0.0
    for item, prediction in zip(labelled, predictions, strict=True):
        frame, factor, atoms = item.frame, item.weights, len(item.frame)
        shift = BASELINES[item.zero].copy()
        if item.zero == 1:
            shift[0] += parameters["offsets"][1, 0]  # the only one that is free
        zero = sum(shift[ELEMENTS.index(symbol)] for symbol in frame.symbols)
        energy = (prediction.energy + zero - frame.energy) / atoms / 1e-3
        total += 0.7 * factor.energy * pseudo_huber(energy**2) / 2.0
        for predicted, true in zip(prediction.forces, frame.forces, strict=True):
            squared = np.sum((predicted - true) ** 2) / 0.01**2 / 3
            total += 1.3 * factor.force * pseudo_huber(squared) / 7.0
        if frame.stress is not None:
            virial = (prediction.stress - frame.stress) * frame.volume / atoms / 0.01
            normal = np.sum(np.diag(virial) ** 2) / 3
            shear = (np.sum(virial**2) - np.sum(np.diag(virial) ** 2)) / 6
            total += 0.4 * factor.stress * pseudo_huber(normal) / 3.0
            total += 0.4 * factor.shear * pseudo_huber(shear) / 3.0
    assert reference[0] == pytest.approx(total, rel=1e-10)


def test_forces_outside_of_a_core_count_nowhere(labelled, parameters, predictions, reference):
    """The loss lacks just their terms, nothing of them is reported, their values do not matter."""
    item, prediction = labelled[1], predictions[1]
    core = np.array([True, False, False, True])
    rim = np.where(core[:, None], item.frame.forces, 1e3)
    found = [
        gradient_of_loss(
            parameters,
            assemble_batch(
                samples_of([labelled[0], replace(item, frame=frame), *labelled[2:]]), SHAPE
            ),
            WEIGHTS,
        )
        for frame in (replace(item.frame, core=core), replace(item.frame, core=core, forces=rim))
    ]
    terms = np.sum((prediction.forces - item.frame.forces)[~core] ** 2, axis=1) / 0.01**2 / 3
    lacking = 1.3 * item.weights.force * pseudo_huber(terms).sum() / 7.0
    (loss, sums), gradient = found[0]
    assert reference[0] - float(loss) == pytest.approx(lacking, rel=1e-9) and lacking > 1
    assert sums[SUM_NAMES.index("force_number")] == 3 * 13
    assert sums[SUM_NAMES.index("energy_number")] == 5
    assert np.array_equal(sums, found[1][0][1])
    assert np.array_equal(flat(gradient), flat(found[1][1]))


def test_reported_errors_are_those_of_the_used_labels(labelled, predictions, reference):
    """Counts and sums of absolute residuals, with the left-out shear stress not among them."""
    sums = dict(zip(SUM_NAMES, reference[1], strict=True))
    force, stress = 0.0, []
    for item, prediction in zip(labelled, predictions, strict=True):
        force += np.abs(prediction.forces - item.frame.forces).sum()
        if item.frame.stress is not None:
            difference = np.abs(prediction.stress - item.frame.stress) / GIGAPASCAL
            upper = np.triu_indices(3, 1)
            stress += [*np.diag(difference), *(difference[upper] if item.weights.shear else [])]
    assert sums["energy_number"] == 5 and sums["force_number"] == 3 * 15
    assert sums["force_absolute"] == pytest.approx(force, rel=1e-10)
    assert sums["stress_number"] == len(stress) == 6 + 3 + 6
    assert sums["stress_absolute"] == pytest.approx(np.sum(stress), rel=1e-10)


def test_gradient_of_the_loss_is_its_derivative(batch, parameters, reference):
    """Every trained parameter moved by +-h and +-2h: central differences of fourth order."""
    gradient = reference[2]
    assert not np.any(flat(gradient["model"]["statistics"]))
    leaves, structure = jax.tree.flatten(parameters)
    paths = [jax.tree_util.keystr(p) for p, _ in jax.tree_util.tree_leaves_with_path(parameters)]
    step = 2e-4
    for index, (path, leaf) in enumerate(zip(paths, leaves, strict=True)):
        if "statistics" in path:
            continue
        differences = np.zeros(np.shape(leaf))
        for place in np.ndindex(np.shape(leaf)):

            def loss_at(change, index=index, place=place):
                moved = [np.array(other) for other in leaves]
                moved[index][place] += change
                return float(loss_alone(jax.tree.unflatten(structure, moved), batch, WEIGHTS))

            near = loss_at(step) - loss_at(-step)
            far = loss_at(2 * step) - loss_at(-2 * step)
            differences[place] = (8 * near - far) / (12 * step)
        exact = np.asarray(jax.tree.leaves(gradient)[index])
        error = np.abs(differences - exact).max()
        assert error <= 1e-6 * np.abs(exact).max(), f"{path}: {error}"
    assert np.any(gradient["offsets"][1, 0]) and gradient["offsets"][0, 0] == 0


def test_packed_batch_is_the_sum_of_its_frames(labelled, parameters, reference):
    """Each frame alone leaves most slots of the same shape empty, which changes nothing."""
    loss, sums, gradient = 0.0, 0.0, 0.0
    for sample in samples_of(labelled):
        (one, its_sums), its_gradient = gradient_of_loss(
            parameters, assemble_batch([sample], SHAPE), WEIGHTS
        )
        loss, gradient = loss + one, gradient + flat(its_gradient)
        sums = sums + np.asarray(its_sums)
    sums[SUM_NAMES.index("batches")] = 1
    assert float(loss) == pytest.approx(reference[0], rel=1e-12)
    np.testing.assert_allclose(sums, reference[1], rtol=1e-10)
    together = flat(reference[2])
    np.testing.assert_allclose(gradient, together, atol=1e-12 * np.abs(together).max())


def test_order_of_frames_changes_nothing(labelled, parameters, reference):
    (loss, sums), gradient = gradient_of_loss(
        parameters, assemble_batch(samples_of(labelled)[::-1], SHAPE), WEIGHTS
    )
    assert float(loss) == pytest.approx(reference[0], rel=1e-12)
    np.testing.assert_allclose(sums, reference[1], rtol=1e-10)
    together = flat(reference[2])
    np.testing.assert_allclose(flat(gradient), together, atol=1e-12 * np.abs(together).max())


@pytest.mark.parametrize("label", ["energy", "force", "stress"])
def test_a_label_without_weight_does_not_reach_the_gradient(labelled, parameters, label):
    """Absent, left out, or left out with another value: the same bits; used: other ones."""
    field = "forces" if label == "force" else label
    item = labelled[1]
    wrong = np.asarray(getattr(item.frame, field)) * 3 + 1
    wrong = float(wrong) if label == "energy" else wrong
    left_out = {label: 0.0, **({"shear_stress": 0.0} if label == "stress" else {})}
    weights = item.weights.model_copy(update=left_out)
    variants = [
        replace(item, frame=replace(item.frame, **{field: None})),
        replace(item, weights=weights),
        replace(item, weights=weights, frame=replace(item.frame, **{field: wrong})),
        replace(item, frame=replace(item.frame, **{field: wrong})),
    ]
    results = []
    for variant in variants:
        batch = assemble_batch(samples_of([labelled[0], variant]), SHAPE)
        (loss, sums), gradient = gradient_of_loss(parameters, batch, WEIGHTS)
        results.append(np.concatenate([[loss], sums, flat(gradient)]))
    assert np.array_equal(results[0], results[1]) and np.array_equal(results[0], results[2])
    assert not np.array_equal(results[0], results[3])


def test_shear_stress_left_out_has_no_effect(labelled, parameters):
    item = replace(labelled[1], weights=LabelWeights(shear_stress=0.0))
    sheared = item.frame.stress + np.array([[0, 1, 2], [1, 0, 3], [2, 3, 0]])
    pulled = item.frame.stress + np.diag([0, 0, 1e-3])
    results = []
    for stress in (item.frame.stress, sheared, pulled):
        variant = replace(item, frame=replace(item.frame, stress=stress))
        batch = assemble_batch(samples_of([variant]), SHAPE)
        results.append(flat(gradient_of_loss(parameters, batch, WEIGHTS)[1]))
    assert np.array_equal(results[0], results[1])
    assert not np.array_equal(results[0], results[2])


@pytest.mark.parametrize("kernel", [True, False], ids=["kernel", "formulas"])
def test_frames_have_the_energies_forces_and_stresses_of_the_potential(
    labelled, parameters, predictions, kernel, monkeypatch
):
    """By the kernel, and by the formulas in one batch, against each frame alone by the kernel."""
    if not kernel:
        monkeypatch.setattr(frame_predictions, "predictor_for", formula_predictor_for)
    baseline = np.array([-3.0, -2.0])
    potential = Potential(MODEL, parameters["model"], baseline)
    frames = [item.frame for item in labelled]
    packed = predict_frames(potential, frames)
    for frame, prediction, expected in zip(frames, packed, predictions, strict=True):
        zero = sum(baseline[ELEMENTS.index(symbol)] for symbol in frame.symbols)
        assert prediction.energy == pytest.approx(expected.energy + zero, rel=1e-12)
        np.testing.assert_allclose(prediction.forces, expected.forces, atol=1e-11)
        assert (prediction.stress is None) == (frame.volume == 0)
        if prediction.stress is not None:
            np.testing.assert_allclose(prediction.stress, expected.stress, atol=1e-12)
