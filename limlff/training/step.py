"""One step of a training: gradient of the loss, Adam, exponential average of the parameters.

Learning rate and loss weights are inputs of the compiled step, worked out on the host from the
progress alone, so that a resumed training has the same ones.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Bool, Float, Int

from limlff.models.contract import Model, Parameters
from limlff.training.batches import Batch
from limlff.training.loss import LossFormula, batch_loss
from limlff.training.recipe import OptimizerSettings

SUM_NAMES = (
    "loss",
    "batches",
    *(
        f"{label}_{kind}"
        for label in ("energy", "force", "stress")
        for kind in ("absolute", "square", "number")
    ),
)
"""What a step returns, in this order; see `limlff.training.loss.error_sums`."""


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


Step = Callable[
    [TrainState, Batch, Float[np.ndarray, " controls"]], tuple[TrainState, Float[Array, " sums"]]
]
Evaluation = Callable[
    [dict[str, Parameters], Batch, Float[np.ndarray, " kinds"]], Float[Array, " sums"]
]


def make_optimizer(settings: OptimizerSettings) -> optax.GradientTransformation:
    """Clipping and Adam, without the learning rate."""
    adam = optax.scale_by_adam(b1=settings.beta1, b2=settings.beta2)
    if settings.clip_norm is None:
        return adam
    return optax.chain(optax.clip_by_global_norm(settings.clip_norm), adam)


def initial_state(
    parameters: Parameters,
    free: Bool[np.ndarray, "zeros elements"],
    settings: OptimizerSettings,
    dtype: str,
) -> TrainState:
    """State before the first step; `parameters` in any dtype."""
    trained = {
        "model": jax.tree.map(lambda leaf: jnp.array(leaf, dtype), parameters),
        "offsets": jnp.zeros(free.shape, dtype),
    }
    return TrainState(
        parameters=trained,
        average=jax.tree.map(jnp.copy, trained),  # own buffers: those of a state are donated
        optimizer=make_optimizer(settings).init(trained),
        step=jnp.zeros((), jnp.int32),
    )


def make_step(
    model: Model,
    formula: LossFormula,
    free: Bool[np.ndarray, "zeros elements"],
    settings: OptimizerSettings,
) -> Step:
    """Compile the step: state, batch, (learning rate, three loss weights) to state and sums.

    The old state is used up: its memory is taken for the new one.
    """
    optimizer = make_optimizer(settings)
    differentiate = jax.value_and_grad(partial(_loss, model, formula, free), has_aux=True)

    @partial(jax.jit, donate_argnums=0)
    def step(
        state: TrainState, batch: Batch, controls: Float[Array, " controls"]
    ) -> tuple[TrainState, Float[Array, " sums"]]:
        dtype = batch.vectors.dtype
        rate, weights = controls[0].astype(dtype), controls[1:].astype(dtype)
        (_, sums), gradient = differentiate(state.parameters, batch, weights)
        updates, optimizer_state = optimizer.update(gradient, state.optimizer, state.parameters)
        parameters = jax.tree.map(
            lambda old, change: old - rate * change, state.parameters, updates
        )
        # early averages forget faster, so that the random start does not linger
        count = state.step.astype(dtype)
        decay = jnp.minimum(settings.average_decay, (1 + count) / (10 + count)).astype(dtype)
        average = jax.tree.map(
            lambda old, new: old + (1 - decay) * (new - old), state.average, parameters
        )
        return TrainState(parameters, average, optimizer_state, state.step + 1), sums

    return step


def make_evaluation(
    model: Model, formula: LossFormula, free: Bool[np.ndarray, "zeros elements"]
) -> Evaluation:
    """Compile the sums of errors of a batch: parameters, batch, three loss weights to sums."""

    @jax.jit
    def evaluate(
        parameters: dict[str, Parameters], batch: Batch, weights: Float[Array, " kinds"]
    ) -> Float[Array, " sums"]:
        weights = weights.astype(batch.vectors.dtype)
        return _loss(model, formula, free, parameters, batch, weights)[1]

    return evaluate


def _loss(
    model: Model,
    formula: LossFormula,
    free: Bool[np.ndarray, "zeros elements"],
    parameters: dict[str, Parameters],
    batch: Batch,
    weights: Float[Array, " kinds"],
) -> tuple[Float[Array, ""], Float[Array, " sums"]]:
    offsets = jnp.where(free, parameters["offsets"], 0.0)
    loss, sums = batch_loss(model, formula, parameters["model"], offsets, batch, weights)
    return loss, jnp.stack([sums[name] for name in SUM_NAMES])
