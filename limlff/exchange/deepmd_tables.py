"""Embedding nets of a DeepPot-SE potential put into tables.

The error falls with the sixth power of the spacing of the nodes; `tabulate` measures it.
"""

from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limlff.errors import InputError
from limlff.models.contract import Parameters
from limlff.models.deepmd import DeepPotSE
from limlff.models.deepmd_network import Activation, apply_layers
from limlff.models.deepmd_table import MOST_NODES, TabulatedDeepPotSE, settings_of_nets
from limlff.potential import Potential
from limlff.precision import own_precision


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
    settings = settings_of_nets(model)
    tables, worst = {}, 0.0
    for name, layers in potential.parameters["embedding"].items():
        first, last = _range_of(potential, model, name, shortest)
        tables[name], error = _table(model, layers, first, last, spacing)
        worst = max(worst, error)
    tabulated = TabulatedDeepPotSE(**settings, shortest=shortest)
    parameters = {**potential.parameters, "embedding": tables}
    card = {**potential.card, "table": {"spacing": spacing, "largest_error": worst}}
    return Potential(tabulated, parameters, potential.baseline, card), worst


def _range_of(
    potential: Potential, model: DeepPotSE, name: str, shortest: float
) -> tuple[float, float]:
    """Least and largest normalised s of all pairs that a net serves."""
    vector = jnp.array([shortest, 0.0, 0.0]).reshape(3, 1, 1)
    largest = float(model.rows(vector)[0, 0, 0])
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
