"""Least squares for the parameters that the energy is linear in.

With E = E_0 + sum_k theta_k e_k, forces and virials are linear in theta too, so that the loss of
the training without its Huber function is a quadratic form, whose minimum is one linear solve away.
Columns for the energy per atom of each element, and for the free offsets of zeros, are solved for
along with theta; the first are a shift of the baseline, the others are left to the training.

The ridge that keeps theta small is chosen on the held-back frames, of a ladder of factors on the
normalised columns.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float

from limlff.errors import InputError
from limlff.models.contract import LinearModel, Model, Parameters
from limlff.training.batches import Batch
from limlff.training.linear_columns import unit_predictions
from limlff.training.loss import (
    ENERGY_SCALE,
    FORCE_SCALE,
    VIRIAL_SCALE,
    LossFormula,
    compiled_predict_batch,
    formula_for,
)
from limlff.training.normal_equations import NormalEquations
from limlff.training.packing import Packing, make_packing
from limlff.training.recipe import Recipe

RIDGES = tuple(10.0**power for power in range(-8, -2))
"""Factors on the squared norm of normalised columns; below, rounding in float32 would be fitted."""

_WITHOUT_VALIDATION = RIDGES[0]
_BATCH_ATOMS = 108  # twice a common cell; what is kept per pair then stays in the caches


def fit_linear(
    model: Model,
    parameters: Parameters,
    recipe: Recipe,
    train: Packing,
    validation: Packing | None,
    free: Bool[np.ndarray, "zeros elements"],
) -> tuple[Parameters, Float[np.ndarray, " elements"]]:
    """The parameters with the linear ones solved for, and the shift of the baseline with them (eV).

    Args:
        model: A model whose `linear` names the parameters that its energy is linear in.
        parameters: All parameters; the others stay as they are.
        recipe: Weights of labels, as at the end of a training.
        train: Frames to fit.
        validation: Frames on which the ridge is chosen, if any.
        free: Zeros and elements whose offset is free.

    Raises:
        InputError: If the model has no such parameters.
    """
    if not isinstance(model, LinearModel):
        raise InputError(
            f"least_squares: a {type(model).__name__} has no parameters that its energy is linear "
            "in; choose least_squares: none"
        )
    settings = recipe.loss
    weights = [settings.energy.final, settings.force.final, settings.stress.final]
    problem = _Problem(model, formula_for(train, recipe.batch_atoms, None))
    train, validation = _in_one_shape(train, validation)
    trained = jax.tree.map(lambda leaf: jnp.asarray(leaf, recipe.dtype), parameters)
    equations = problem.normal_equations(trained, train, weights, free)
    ridge = _WITHOUT_VALIDATION
    if validation is not None:
        held_back = problem.normal_equations(trained, validation, weights, free)
        ridge = min(RIDGES, key=lambda factor: held_back.loss(equations.solve(factor)))
    solution = equations.solve(ridge)
    shift = len(solution) - free.size - free.shape[1] + np.arange(free.shape[1])
    return {**parameters, **_changed(parameters, model.linear, solution)}, solution[shift]


def shifted(packing: Packing, shift: Float[np.ndarray, " elements"]) -> Packing:
    """The same frames for a baseline that is higher by `shift` (eV)."""
    samples = [
        replace(sample, energy=sample.energy - float(sample.composition @ shift))
        if sample.weights[0] > 0
        else sample
        for sample in packing.samples
    ]
    return replace(packing, samples=samples)


def _in_one_shape(train: Packing, validation: Packing | None) -> tuple[Packing, Packing | None]:
    """The same frames with one shape of batches, since compiling costs more than padding here."""
    samples = train.samples + (validation.samples if validation else [])
    atoms = max(_BATCH_ATOMS, *map(len, samples))
    [(shape, _)] = make_packing(samples, atoms, 1).buckets

    def repacked(packing: Packing) -> Packing:
        return Packing(packing.samples, [(shape, list(range(len(packing.samples))))])

    return repacked(train), validation and repacked(validation)


@dataclass(frozen=True)
class _Problem:
    """A model, and the weights of labels in its loss."""

    model: LinearModel
    formula: LossFormula

    def normal_equations(
        self, parameters: Parameters, packing: Packing, weights: list[float], free: np.ndarray
    ) -> NormalEquations:
        """Sums over all frames."""
        columns = sum(int(np.prod(parameters[name].shape)) for name in self.model.linear)
        total = columns + free.shape[1] + free.size
        gram, moment, constant = np.zeros((total, total)), np.zeros(total), 0.0
        for batch in packing.batches():
            scale = self._scales(batch, weights)
            target = self._target(parameters, batch) * scale
            kept = scale > 0
            fitted = unit_predictions(self.model, parameters, batch)
            rows = np.concatenate([fitted, _composition_columns(batch, free)])
            rows = (rows * scale)[:, kept]
            gram += rows @ rows.T
            moment += rows @ target[kept]
            constant += float(target[kept] @ target[kept])
        return NormalEquations(gram, moment, constant)

    def _target(self, parameters: Parameters, batch: Batch) -> np.ndarray:
        """Labels less what the parameters give already, as one row."""
        energy, forces, virial = compiled_predict_batch(self.model, parameters, batch)
        return np.concatenate(
            [
                np.asarray(label - predicted, float).ravel()
                for label, predicted in (
                    (batch.energy, energy),
                    (batch.forces, forces),
                    (batch.virial, virial),
                )
            ]
        )

    def _scales(self, batch: Batch, weights: list[float]) -> np.ndarray:
        """Square roots of the factors on squared residuals in the loss; see its formula."""
        factors, atoms = np.asarray(batch.weights, float), np.asarray(batch.atoms, float)
        energy = weights[0] * factors[:, 0] / self.formula.energy_norm / (ENERGY_SCALE * atoms) ** 2
        of_atom = np.where(batch.is_core, factors[batch.frame, 1], 0.0)
        force = weights[1] * of_atom / self.formula.force_norm / (3 * FORCE_SCALE**2)
        normal = np.eye(3, dtype=bool)
        parts = np.where(normal, factors[:, 2, None, None] / 3, factors[:, 3, None, None] / 6)
        stress = weights[2] * parts / self.formula.stress_norm
        stress = stress / ((VIRIAL_SCALE * atoms) ** 2)[:, None, None]
        squares = [energy, np.repeat(force, 3), stress.ravel()]
        return np.sqrt(np.concatenate(squares))


def _composition_columns(batch: Batch, free: np.ndarray) -> Float[np.ndarray, "columns rows"]:
    """Columns of the energy per atom of each element, and of each free offset of a zero."""
    composition = np.asarray(batch.composition, float)
    columns = [composition.T]
    for zero in range(len(free)):
        own = np.asarray(batch.zero) == zero
        columns.append(np.where(free[zero], composition * own[:, None], 0.0).T)
    energies = np.concatenate(columns)
    rest = 3 * len(batch.species) + 9 * len(composition)
    return np.concatenate([energies, np.zeros((len(energies), rest))], axis=1)


def _changed(
    parameters: Parameters, names: tuple[str, ...], change: Float[np.ndarray, " columns"]
) -> Parameters:
    """The named parameters with a row of numbers added to them."""
    arrays, start = {}, 0
    for name in names:
        old = np.asarray(parameters[name], float)
        arrays[name] = old + change[start : start + old.size].reshape(old.shape)
        start += old.size
    return arrays
