"""DeepPot-SE with its embedding nets in tables.

An embedding net is a function of one number, the normalised s of a pair. Between equally spaced
nodes it is replaced by the polynomial of fifth order that has the net's value, first and second
derivative at both ends, so that forces and their slopes stay continuous. The error falls with the
sixth power of the spacing; `tabulate` measures it. Beyond the last node, for pairs nearer than
`shortest`, the net goes on with the last node's value and slope.

Source of the idea: D. Lu et al., J. Chem. Theory Comput. 18, 5559 (2022).
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from functools import partial
from typing import Annotated, Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float
from pydantic import Field

from limlff.errors import InputError
from limlff.models.contract import Parameters
from limlff.models.deepmd import DeepPotSE
from limlff.models.deepmd_network import Activation, apply_layers
from limlff.potential import Potential
from limlff.precision import own_precision

MOST_NODES = 10**6
"""Nodes of a table."""


@dataclass(frozen=True)
class TabulatedDeepPotSE(DeepPotSE):
    """Settings of a DeepPot-SE model whose embedding nets are tables; made by `tabulate`.

    Attributes:
        shortest: Distance that the tables reach down to (Å).
    """

    shortest: Annotated[float, Field(ge=0.01, le=20.0)] = 1.0

    positive: ClassVar[tuple[str, ...]] = (*DeepPotSE.positive, "embedding/*/spacing")

    def parameter_shapes(self) -> Parameters:
        """Shapes of all parameters, nested as these are; tables may have any number of nodes."""
        nets = DeepPotSE(**_settings_of(self))
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


@own_precision()
def tabulate(
    potential: Potential, spacing: float = 0.01, shortest: float = 1.0
) -> tuple[Potential, float]:
    """The potential with its embedding nets in tables, and their error.

    Args:
        potential: A DeepPot-SE potential.
        spacing: Distance of the nodes, in units of the normalised s.
        shortest: Distance of the nearest pairs that the tables are made for (Å).

    Returns:
        The potential, and the largest deviation of a table from its net between the nodes.

    Raises:
        InputError: If it is of another architecture, or an argument is out of its limits.
    """
    model = potential.model
    if type(model) is not DeepPotSE:
        raise InputError(f"a {type(model).__name__} has no embedding nets; tabulate a deepmd model")
    if not 0 < spacing <= 1 or not 0 < shortest < model.cutoff:
        raise InputError(
            f"spacing is {spacing}, shortest {shortest} Å; choose a spacing up to 1 and a distance "
            f"below the cutoff, {model.cutoff} Å"
        )
    settings = _settings_of(model)
    tables, worst = {}, 0.0
    for name, layers in potential.parameters["embedding"].items():
        first, last = _range_of(potential, model, name, shortest)
        tables[name], error = _table(model, layers, first, last, spacing)
        worst = max(worst, error)
    tabulated = TabulatedDeepPotSE(**settings, shortest=shortest)
    parameters = {**potential.parameters, "embedding": tables}
    card = {**potential.card, "table": {"spacing": spacing, "largest_error": worst}}
    return Potential(tabulated, parameters, potential.baseline, card), worst


def _settings_of(model: DeepPotSE) -> dict[str, Any]:
    """Settings of the model with nets."""
    return {field.name: getattr(model, field.name) for field in fields(DeepPotSE)}


def _range_of(
    potential: Potential, model: DeepPotSE, name: str, shortest: float
) -> tuple[float, float]:
    """Least and largest normalised s of all pairs that a net serves."""
    vector = jnp.array([shortest, 0.0, 0.0]).reshape(3, 1, 1)
    largest = float(model._rows(vector)[0, 0, 0])
    statistics = potential.parameters["statistics"]
    bounds = [
        ((s - float(statistics["average"][i])) / float(statistics["deviation"][i][0]))
        for i in range(len(model.elements))
        for j in range(len(model.elements))
        if model.embedding_name(i, j) == name
        for s in (0.0, largest)
    ]
    return min(bounds), max(bounds)


def _table(
    model: DeepPotSE, layers: Parameters, first: float, last: float, spacing: float
) -> tuple[Parameters, float]:
    """Coefficients for each interval, and the largest error at thirds of the intervals."""
    if not (last - first) / spacing < MOST_NODES - 2:
        raise InputError(
            f"spacing is {spacing:g}, which makes {(last - first) / spacing:.2g} nodes; the most "
            f"are {MOST_NODES}: choose a wider one"
        )
    nodes = first + spacing * np.arange(int(np.ceil((last - first) / spacing)) + 1)
    coefficients, error = _interpolate(model.embedding_activation, layers, nodes, spacing)
    table = {
        "coefficients": np.asarray(coefficients),
        "first": np.array(first),
        "spacing": np.array(spacing),
    }
    return table, float(error)


@partial(jax.jit, static_argnums=0)
def _interpolate(
    activation: Activation, layers: Parameters, nodes: Float[Array, " nodes"], spacing: float
) -> tuple[Float[Array, "nodes 6 width"], Float[Array, ""]]:
    """See `_table`; in one piece, because operations by themselves take long to compile."""

    def net(s: Float[Array, " points"]) -> Float[Array, "points width"]:
        return apply_layers(layers, activation, s[None]).T

    def slope(s: Float[Array, " points"]) -> Float[Array, "points width"]:
        return jax.jvp(net, (s,), (jnp.ones_like(s),))[1]

    values, slopes = net(nodes), spacing * slope(nodes)
    bends = spacing**2 * jax.jvp(slope, (nodes,), (jnp.ones_like(nodes),))[1]
    ends = [array[:-1] for array in (values, slopes, bends)]
    rise = values[1:] - ends[0] - ends[1] - ends[2] / 2
    tilt = slopes[1:] - ends[1] - ends[2]
    bend = bends[1:] - ends[2]
    inner = jnp.stack(
        [
            ends[0],
            ends[1],
            ends[2] / 2,
            10 * rise - 4 * tilt + bend / 2,
            -15 * rise + 7 * tilt - bend,
            6 * rise - 3 * tilt + bend / 2,
        ],
        axis=1,
    )
    zero = jnp.zeros_like(values[-1])
    line = jnp.stack([values[-1], slopes[-1], zero, zero, zero, zero])[None]
    coefficients = jnp.concatenate([inner, line])
    x = np.array([1 / 3, 1 / 2, 2 / 3])[:, None, None]
    between = sum(inner[:, order] * x**order for order in range(6))
    exact = jnp.stack([net(nodes[:-1] + float(t) * spacing) for t in x.ravel()])
    return coefficients, jnp.abs(between - exact).max()
