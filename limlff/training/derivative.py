"""Energies and pair gradients, with a derivative by the parameters that is made for training.

A loss of energies E and pair gradients g = dE/dr has the derivative by the parameters p

    dL/dp = d/dp ( sum_i (dL/dE_i) E_i + sum (dL/dg) g ),

and with dL/dg held fixed as a direction c, the second sum is the directional derivative of the
energy along c. One forward-mode derivative, differentiated backwards once, thus takes the place of
a backward pass through a backward pass: half the time. Both passes go over blocks of atoms that
fit the cache of a CPU; the loops also keep XLA from computing g again for each of its uses.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Bool, Float, Int

from limlff.models.contract import Model, Parameters
from limlff.potential import (
    PairInputs,
    blockwise_energies_and_pair_gradients,
    can_be_in_blocks,
    evaluate_model,
    in_blocks,
    inputs_in_blocks,
    pair_inputs,
    value_and_pair_gradients,
)

LARGEST_BLOCK = 256
"""Atoms; measured."""

Given = tuple[Parameters, Array, Array, Array, Array]
"""The arguments behind the model."""


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def energies_and_pair_gradients(
    model: Model,
    parameters: Parameters,
    species: Int[Array, " atoms"],
    owners: Int[Array, "slots atoms"],
    vectors: Float[Array, "3 slots atoms"],
    mask: Bool[Array, "slots atoms"],
) -> tuple[Float[Array, " atoms"], Float[Array, "3 slots atoms"]]:
    """As in `limlff.potential`, but has derivatives by the parameters alone."""
    size = _block_atoms(species.shape[0])
    return blockwise_energies_and_pair_gradients(
        model, parameters, species, owners, vectors, mask, size
    )


def _forward(model: Model, *given: Any) -> tuple[tuple[Array, Array], Given]:
    return energies_and_pair_gradients(model, *given), given


def _backward(
    model: Model, given: Given, by_results: tuple[Array, Array]
) -> tuple[Parameters, None, None, None, None]:
    parameters, species, owners, vectors, mask = given
    by_energies, by_gradients = by_results
    by_gradients = jnp.where(mask, by_gradients, 0.0)
    inputs = pair_inputs(model, species, owners, vectors, mask)
    size = _block_atoms(species.shape[0])
    if not can_be_in_blocks(model) or size == species.shape[0]:
        total = _by_parameters(model, parameters, owners, inputs, by_energies, by_gradients)
        return total, None, None, None, None

    def add_block(total: Parameters, block: tuple[PairInputs, Array, Array]) -> Any:
        change = _by_parameters(model, parameters, owners, *block)
        return jax.tree.map(jnp.add, total, change), None

    blocks = (
        inputs_in_blocks(model, inputs, size),
        in_blocks(by_energies, 0.0, size),
        in_blocks(by_gradients, 0.0, size),
    )
    total, _ = jax.lax.scan(add_block, jax.tree.map(jnp.zeros_like, parameters), blocks)
    return total, None, None, None, None


energies_and_pair_gradients.defvjp(_forward, _backward)


def _by_parameters(
    model: Model,
    parameters: Parameters,
    owners: Array,
    inputs: PairInputs,
    by_energies: Array,
    by_gradients: Array,
) -> Parameters:
    """Derivative of the formula at the top of the module, for one block."""

    def energies_at(own: Parameters, pair: Array) -> Array:
        return evaluate_model(model, own, inputs._replace(vectors=pair), owners)

    def by_direction(own: Parameters) -> Array:
        energies, slopes = jax.jvp(partial(energies_at, own), (inputs.vectors,), (by_gradients,))
        return jnp.sum(by_energies * energies) + jnp.sum(slopes)

    def by_pair_gradients(own: Parameters) -> Array:
        energies, gradients = value_and_pair_gradients(partial(energies_at, own), inputs.vectors)
        return jnp.sum(by_energies * energies) + jnp.sum(by_gradients * gradients)

    # A backward pass that a model brings along (jax.custom_vjp) has no forward mode.
    traced = str(jax.make_jaxpr(energies_at)(parameters, inputs.vectors))
    brings_its_own = "custom_vjp_call" in traced
    return jax.grad(by_pair_gradients if brings_its_own else by_direction)(parameters)


def _block_atoms(atoms: int) -> int:
    """Atoms per block of as few equal blocks as possible."""
    return -(-atoms // -(-atoms // LARGEST_BLOCK))
