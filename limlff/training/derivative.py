"""Energies and pair gradients, with a derivative by the parameters that is made for training.

A loss of energies E and pair gradients g = dE/dr has the derivative by the parameters p

    dL/dp = d/dp ( sum_i (dL/dE_i) E_i + sum (dL/dg) g ),

and with dL/dg held fixed as a direction c, the second sum is the directional derivative of the
energy along c. One forward-mode derivative, differentiated backwards once, thus takes the place of
a backward pass through a backward pass: half the time. Both passes go over blocks of atoms that
fit the cache of a CPU; the loops also keep XLA from computing g again for each of its uses.
"""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from limlff.models.contract import Model, Neighborhoods, Parameters
from limlff.models.neighborhoods import split_into_blocks, split_neighborhoods
from limlff.prediction import pair_gradients
from limlff.prediction.pair_gradients import can_be_in_blocks, differentiate_energies

LARGEST_BLOCK = 256
"""Atoms; measured."""


@partial(jax.custom_vjp, nondiff_argnums=(0,))
def energies_and_pair_gradients(
    model: Model, parameters: Parameters, around: Neighborhoods
) -> tuple[Float[Array, " atoms"], Float[Array, "3 neighbors atoms"]]:
    """As in `limlff.prediction.pair_gradients`, but has derivatives by the parameters alone."""
    size = _block_atoms(around.species.shape[0])
    return pair_gradients.energies_and_pair_gradients(model, parameters, around, size)


def _forward(
    model: Model, parameters: Parameters, around: Neighborhoods
) -> tuple[tuple[Array, Array], tuple[Parameters, Neighborhoods]]:
    return energies_and_pair_gradients(model, parameters, around), (parameters, around)


def _backward(
    model: Model, given: tuple[Parameters, Neighborhoods], by_results: tuple[Array, Array]
) -> tuple[Parameters, None]:
    parameters, around = given
    by_energies, by_gradients = by_results
    by_gradients = jnp.where(around.mask, by_gradients, 0.0)
    size = _block_atoms(around.species.shape[0])
    if not can_be_in_blocks(model) or size == around.species.shape[0]:
        return _by_parameters(model, parameters, around, by_energies, by_gradients), None

    def add_block(total: Parameters, block: tuple[Neighborhoods, Array, Array]) -> Any:
        change = _by_parameters(model, parameters, *block)
        return jax.tree.map(jnp.add, total, change), None

    blocks = (
        split_neighborhoods(around, model.cutoff, size),
        split_into_blocks(by_energies, 0.0, size),
        split_into_blocks(by_gradients, 0.0, size),
    )
    total, _ = jax.lax.scan(add_block, jax.tree.map(jnp.zeros_like, parameters), blocks)
    return total, None


energies_and_pair_gradients.defvjp(_forward, _backward)


def _by_parameters(
    model: Model,
    parameters: Parameters,
    around: Neighborhoods,
    by_energies: Array,
    by_gradients: Array,
) -> Parameters:
    """Derivative of the formula at the top of the module, for one block."""

    def energies_at(own: Parameters, pair: Array) -> Array:
        return model.energies(own, replace(around, vectors=pair))

    def by_direction(own: Parameters) -> Array:
        energies, slopes = jax.jvp(partial(energies_at, own), (around.vectors,), (by_gradients,))
        return jnp.sum(by_energies * energies) + jnp.sum(slopes)

    def by_pair_gradients(own: Parameters) -> Array:
        energies, gradients = differentiate_energies(model, own, around)
        return jnp.sum(by_energies * energies) + jnp.sum(by_gradients * gradients)

    # A backward pass that a model brings along (jax.custom_vjp) has no forward mode.
    traced = str(jax.make_jaxpr(energies_at)(parameters, around.vectors))
    brings_its_own = "custom_vjp_call" in traced
    return jax.grad(by_pair_gradients if brings_its_own else by_direction)(parameters)


def _block_atoms(atoms: int) -> int:
    """Atoms per block of as few equal blocks as possible."""
    return -(-atoms // -(-atoms // LARGEST_BLOCK))
