"""Dense layers with the residual rules of DeePMD-kit, features in the first axis.

A layer gives y = a(W^T x + b), times a trained time step if it has one, plus x if the widths are
equal and plus x twice over if the width doubles. A time step is there only where x is added.
Formulas: H. Wang et al., Comput. Phys. Commun. 228, 178 (2018); documentation of DeePMD-kit.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import pairwise
from typing import Literal

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.models.contract import Parameters
from limlff.models.randomness import Normal

Activation = Literal["tanh", "relu", "relu6", "softplus", "sigmoid", "silu", "gelu", "linear"]
"""Names of activations."""

ACTIVATIONS: dict[Activation, Callable[[Array], Array]] = {
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "relu6": jax.nn.relu6,
    "softplus": jax.nn.softplus,
    "sigmoid": jax.nn.sigmoid,
    "silu": jax.nn.silu,
    "gelu": jax.nn.gelu,  # the tanh form, as in DeePMD-kit
    "linear": lambda x: x,
}


def has_residual(inputs: int, outputs: int) -> bool:
    """Whether the input of a hidden layer is added to its output."""
    return outputs in (inputs, 2 * inputs)


def layer_name(index: int) -> str:
    """Key of a layer's parameters."""
    return f"layer{index:02d}"


def initial_layers(generator: Normal, widths: tuple[int, ...], timestep: bool) -> Parameters:
    """Random hidden layers, float64.

    Args:
        generator: Source of randomness.
        widths: Number of inputs, then the widths of the layers.
        timestep: Whether layers with a residual connection have a time step.
    """
    layers = {}
    for index, (inputs, outputs) in enumerate(pairwise(widths)):
        layer = {
            "weights": jnp.asarray(generator.normal(size=(inputs, outputs)))
            / (inputs + outputs) ** 0.5,
            "bias": jnp.asarray(generator.normal(size=outputs)),
        }
        if timestep and has_residual(inputs, outputs):
            layer["timestep"] = jnp.asarray(np.full(outputs, 0.1))
        layers[layer_name(index)] = layer
    return layers


def apply_layers(
    layers: Parameters, activation: Activation, values: Float[Array, "inputs ..."]
) -> Float[Array, "outputs ..."]:
    """Run values through hidden layers.

    Args:
        layers: Parameters of the layers by `layer_name`.
        activation: Key of `ACTIVATIONS`.
        values: Inputs, features in the first axis.
    """
    function = ACTIVATIONS[activation]
    for index in range(len(layers)):
        layer = layers[layer_name(index)]
        inputs, outputs = layer["weights"].shape
        result = function(affine(layer, values))
        if "timestep" in layer:
            result = result * _as_column(layer["timestep"], values.ndim)
        if outputs == inputs:
            result = result + values
        elif outputs == 2 * inputs:
            result = result + jnp.concatenate([values, values])
        values = result
    return values


def affine(layer: Parameters, values: Float[Array, "inputs ..."]) -> Float[Array, "outputs ..."]:
    """W^T x + b."""
    product = jnp.tensordot(layer["weights"], values, axes=(0, 0))
    return product + _as_column(layer["bias"], values.ndim)


def _as_column(vector: Float[Array, " features"], dimensions: int) -> Float[Array, "features ..."]:
    return vector.reshape(-1, *[1] * (dimensions - 1))
