"""Least squares: columns are the model's own predictions, and the minimum is one."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from training_frames import crystals, many_kinds, write_frames

from limlff.cli.main import main
from limlff.errors import InputError
from limlff.models.moment import MomentModel
from limlff.models.mtp import MomentTensorPotential
from limlff.potential_file import load_potential
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.linear import fit_linear
from limlff.training.linear_columns import unit_predictions
from limlff.training.loss import batch_loss, formula_for, predict_batch
from limlff.training.normal_equations import NormalEquations
from limlff.training.packing import make_packing
from limlff.training.preparation import initial_parameters
from limlff.training.recipe import Recipe
from limlff.training.samples import make_samples

MODELS = {
    "moment": MomentModel(("Cu", "Ni"), cutoff=4.0, radial=3, max_degree=2, channels=2, hidden=()),
    "mtp": MomentTensorPotential(("Cu", "Ni"), cutoff=4.0, radial=3, level=6),
}


def packed(model):
    kinds = many_kinds()
    kinds[1] = replace(kinds[1], core=np.array([True, False, True, True]))
    frames = [LabelledFrame(frame) for frame in kinds]
    samples = make_samples(frames, model.elements, model.cutoff, np.zeros((1, 2)), "float64")
    return samples, make_packing(samples, 64, 1)


@pytest.mark.parametrize("name", sorted(MODELS))
def test_columns_are_differences_of_predictions(name):
    """The energy is linear in these parameters, so any difference is exact."""
    model = MODELS[name]
    samples, packing = packed(model)
    parameters = initial_parameters(model, samples, 0)
    batch = next(packing.batches())
    columns = unit_predictions(model, parameters, batch)
    generator = np.random.default_rng(1)
    change = {key: generator.normal(size=parameters[key].shape) for key in model.linear}
    flat = np.concatenate([change[key].ravel() for key in model.linear])
    compiled = jax.jit(predict_batch, static_argnums=0)

    def row(values):
        parts = compiled(model, {**parameters, **values}, batch)
        return np.concatenate([np.asarray(part).ravel() for part in parts])

    before = {key: parameters[key] for key in model.linear}
    after = {key: jnp.asarray(parameters[key] + change[key]) for key in model.linear}
    difference = row(after) - row(before)
    assert np.abs(flat @ columns - difference).max() < 1e-10 * np.abs(difference).max()


def test_gradient_of_the_loss_vanishes_at_the_solution():
    """The training's own loss, without its Huber function, on the frames that were fitted."""
    model = MODELS["mtp"]
    samples, packing = packed(model)
    recipe = Recipe.model_validate(
        {
            "elements": ["Cu", "Ni"],
            "model": {"architecture": "mtp"},
            "data": [{"name": "all", "files": ["none"]}],
            "loss": {"energy": 1.0, "force": 1.0, "stress": 0.5, "huber": None},
            "dtype": "float64",
            "batch_atoms": 64,
            "least_squares": "only",
        }
    )
    parameters = initial_parameters(model, samples, 0)
    free = np.zeros((1, 2), bool)
    fitted, shift = fit_linear(model, parameters, recipe, packing, None, free)
    formula = formula_for(packing, 64, None)

    def loss(linear, offsets, batch):
        weights = jnp.array([1.0, 1.0, 0.5])
        return batch_loss(model, formula, {**parameters, **linear}, offsets, batch, weights)[0]

    slope = jax.jit(jax.grad(loss))

    def total(values):
        linear = {key: jnp.asarray(values[key]) for key in model.linear}
        slopes = [slope(linear, jnp.asarray(shift)[None], batch) for batch in packing.batches()]
        return np.array([np.abs(sum(s["coefficients"] for s in slopes)).max()])

    assert total(fitted) < 1e-4 * total(parameters)


def test_solution_is_that_of_numpy():
    generator = np.random.default_rng(0)
    matrix, target = generator.normal(size=(30, 6)), generator.normal(size=30)
    matrix[:, 2] *= 1e4
    equations = NormalEquations(matrix.T @ matrix, matrix.T @ target, float(target @ target))
    expected, residual = np.linalg.lstsq(matrix, target, rcond=None)[:2]
    solution = equations.solve(1e-14)
    assert np.allclose(solution, expected, rtol=1e-8)
    assert equations.loss(solution) == pytest.approx(float(residual[0]))
    assert np.linalg.norm(equations.solve(1.0)[:2]) < np.linalg.norm(expected[:2])


def test_model_without_linear_parameters_is_refused():
    from limlff.models.deepmd import DeepPotSE

    model = DeepPotSE(("Cu", "Ni"), sel=(20, 20), cutoff=4.0)
    with pytest.raises(InputError, match="DeepPotSE has no parameters"):
        fit_linear(model, {}, None, None, None, np.zeros((1, 2), bool))


def test_least_squares_alone_give_a_potential(tmp_path):
    """By the command: no epochs, and held-back forces far better than none at all."""
    write_frames(tmp_path / "train.extxyz", crystals(12, seed=1))
    write_frames(tmp_path / "test.extxyz", crystals(4, seed=2))
    (tmp_path / "recipe.yaml").write_text(
        "elements: [Cu]\n"
        "model: {architecture: mtp, cutoff: 4.0, radial: 4, level: 6}\n"
        "data: [{name: emt, files: [train.extxyz]}]\n"
        "validation: {files: {emt: [test.extxyz]}}\n"
        "batch_atoms: 64\nshapes: 1\ndtype: float64\nleast_squares: only\n"
    )
    out = tmp_path / "out"
    assert main(["train", str(tmp_path / "recipe.yaml"), "--out", str(out), "--quiet"]) == 0
    potential = load_potential(out / "potential.limlff")
    errors = potential.card["errors"]["validation"]["emt"]
    forces = np.concatenate([frame.forces.ravel() for frame in crystals(4, seed=2)])
    assert errors["force_mae_ev_per_angstrom"] < 0.3 * np.abs(forces).mean()
    assert errors["energy_mae_mev_per_atom"] < 10
    assert potential.card["training"]["epochs"] == 0
