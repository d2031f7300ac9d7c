"""DeepPot-SE with its embedding nets in tables.

An embedding net is a function of one number, the normalised s of a pair. Between equally spaced
nodes it is replaced by the polynomial of fifth order that has the net's value, first and second
derivative at both ends, so that forces and their slopes stay continuous. Beyond the last node, for
pairs nearer than `shortest`, the net goes on with the last node's value and slope. Tables are made
by `limlff.exchange.deepmd_tables`.

Source of the idea: D. Lu et al., J. Chem. Theory Comput. 18, 5559 (2022).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float
from pydantic import Field

from limlff.errors import InputError
from limlff.models.contract import Parameters
from limlff.models.deepmd import DeepPotSE

MOST_NODES = 10**6
"""Nodes of a table."""


@dataclass(frozen=True)
class TabulatedDeepPotSE(DeepPotSE):
    """Settings of a DeepPot-SE model whose embedding nets are tables; made of trained nets.

    Attributes:
        shortest: Distance that the tables reach down to (Å).
    """

    shortest: Annotated[float, Field(ge=0.01, le=20.0)] = 1.0

    positive: ClassVar[tuple[str, ...]] = (*DeepPotSE.positive, "embedding/*/spacing")

    def parameter_shapes(self) -> Parameters:
        """Shapes of all parameters, nested as these are; tables may have any number of nodes."""
        nets = DeepPotSE(**settings_of_nets(self))
        shapes = jax.eval_shape(nets.initialize, jax.eval_shape(lambda: jax.random.key(0)))
        rows = range(2, MOST_NODES + 1)
        table = {"coefficients": (rows, 6, self.embedding[-1]), "first": (), "spacing": ()}
        return {**shapes, "embedding": dict.fromkeys(shapes["embedding"], table)}

    def initialize(self, key: Array) -> Parameters:
        """Refuses: tables are made of trained nets."""
        raise InputError("deepmd-table cannot be trained; train a 'deepmd' model and tabulate it")

    def _embed(
        self, parameters: Parameters, name: str, s: Float[Array, "neighbors atoms"]
    ) -> Float[Array, "width neighbors atoms"]:
        """Embedding of a pair of elements from its table."""
        table = parameters["embedding"][name]
        coefficients = table["coefficients"]
        spacing, first = table["spacing"], table["first"]
        intervals = coefficients.shape[0] - 1  # the last one is the straight line beyond the nodes
        place = (s - first) / spacing
        index = jnp.clip(jnp.floor(jax.lax.stop_gradient(place)), 0, intervals).astype(jnp.int32)
        x = (place - index)[..., None]
        rows = coefficients[index]
        value = rows[..., 5, :]
        for order in range(4, -1, -1):
            value = value * x + rows[..., order, :]
        return jnp.moveaxis(value, -1, 0)


def settings_of_nets(model: DeepPotSE) -> dict[str, Any]:
    """Settings of the model with nets."""
    return {field.name: getattr(model, field.name) for field in fields(DeepPotSE)}
