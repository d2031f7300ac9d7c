"""One step of a training: gradient of the loss, Adam, exponential average of the parameters.

Learning rate and loss weights are inputs of the compiled step, worked out on the host from the
progress alone, so that a resumed training has the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int

from limlff.models.contract import Model, Parameters
from limlff.training.batches import Batch
from limlff.training.error_sums import SUM_NAMES
from limlff.training.loss import LossFormula, batch_loss
from limlff.training.optimizer_settings import OptimizerSettings
from limlff.training.recipe import Recipe


def controls_at(recipe: Recipe, epoch: float) -> Float[np.ndarray, " controls"]:
    """Learning rate, and weights of energies, forces and stresses, after so many epochs."""
    progress = epoch / recipe.epochs
    weights = (recipe.loss.energy, recipe.loss.force, recipe.loss.stress)
    rate = recipe.optimizer.rate_at(epoch, recipe.epochs)
    return np.array([rate, *(weight.at(progress) for weight in weights)])


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class TrainState:
    """All arrays that a training changes.

    Attributes:
        parameters: `model`, the model's parameters, and `offsets` of the zeros of energy (eV).
        average: Exponential average of the same.
        optimizer: State of the optimiser.
        step: Steps made.
    """

    parameters: dict[str, Parameters]
    average: dict[str, Parameters]
    optimizer: Any
    step: Int[Array, ""]


@dataclass(frozen=True)
class Objective:
    """What is minimised; hashable, so that code compiled for it serves every training of it.

    Attributes:
        model: The model.
        formula: Constants of the loss.
        free: For which zero of energy (outer) and element (inner) an offset is trained.
    """

    model: Model
    formula: LossFormula
    free: tuple[tuple[bool, ...], ...]

    def loss(
        self, parameters: dict[str, Parameters], batch: Batch, weights: Float[Array, " kinds"]
    ) -> tuple[Float[Array, ""], Float[Array, " sums"]]:
        """Loss of a batch and the sums named in `SUM_NAMES`."""
        offsets = jnp.where(jnp.array(self.free), parameters["offsets"], 0.0)
        loss, sums = batch_loss(
            self.model, self.formula, parameters["model"], offsets, batch, weights
        )
        return loss, jnp.stack([sums[name] for name in SUM_NAMES])


def make_optimizer(settings: OptimizerSettings) -> optax.GradientTransformation:
    """Clipping and Adam, without the learning rate."""
    adam = optax.scale_by_adam(b1=settings.beta1, b2=settings.beta2)
    if settings.clip_norm is None:
        return adam
    return optax.chain(optax.clip_by_global_norm(settings.clip_norm), adam)


def initial_state(
    parameters: Parameters,
    objective: Objective,
    settings: OptimizerSettings,
    dtype: str,
) -> TrainState:
    """State before the first step; `parameters` in any dtype."""
    trained = {
        "model": jax.tree.map(lambda leaf: jnp.array(leaf, dtype), parameters),
        "offsets": jnp.zeros((len(objective.free), len(objective.free[0])), dtype),
    }
    return TrainState(
        parameters=trained,
        average=jax.tree.map(jnp.copy, trained),  # own buffers: those of a state are donated
        optimizer=make_optimizer(settings).init(trained),
        step=jnp.zeros((), jnp.int32),
    )


@partial(jax.jit, static_argnames=("objective", "settings"), donate_argnames="state")
def train_step(
    objective: Objective,
    settings: OptimizerSettings,
    state: TrainState,
    batch: Batch,
    controls: Float[Array, " controls"],
) -> tuple[TrainState, Float[Array, " sums"]]:
    """One step of Adam; the old state is used up, its memory is taken for the new one.

    Args:
        objective: What is minimised.
        settings: Of the optimiser.
        state: Before the step.
        batch: Frames and labels.
        controls: Of `controls_at`.

    Returns:
        The state after the step, and the sums named in `SUM_NAMES`, with the parameters before it.
    """
    dtype = batch.vectors.dtype
    rate, weights = controls[0].astype(dtype), controls[1:].astype(dtype)
    differentiate = jax.value_and_grad(objective.loss, has_aux=True)
    (_, sums), gradient = differentiate(state.parameters, batch, weights)
    updates, optimizer_state = make_optimizer(settings).update(
        gradient, state.optimizer, state.parameters
    )
    parameters = jax.tree.map(lambda old, change: old - rate * change, state.parameters, updates)
    # early averages forget faster, so that the random start does not linger
    count = state.step.astype(dtype)
    decay = jnp.minimum(settings.average_decay, (1 + count) / (10 + count)).astype(dtype)
    average = jax.tree.map(
        lambda old, new: old + (1 - decay) * (new - old), state.average, parameters
    )
    return TrainState(parameters, average, optimizer_state, state.step + 1), sums


@partial(jax.jit, static_argnames="objective")
def evaluate_batch(
    objective: Objective,
    parameters: dict[str, Parameters],
    batch: Batch,
    weights: Float[Array, " kinds"],
) -> Float[Array, " sums"]:
    """The sums named in `SUM_NAMES` for given weights of energies, forces and stresses."""
    return objective.loss(parameters, batch, weights.astype(batch.vectors.dtype))[1]
