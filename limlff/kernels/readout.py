"""From the moments of a few atoms, one in each lane, to their energies, and back.

Matrices are packed so that the weights of 8 outputs lie side by side (`pack_matrix`): a tile of
outputs then stays in registers while the inputs pass by.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from numpy.polynomial import Polynomial

from limlff.kernels.lanes import (
    as_lanes,
    kernel_function,
    larger,
    load,
    multiply_add,
    smaller,
    splat,
    store,
    zero_like,
)

TILE = 8


def pack_matrix(matrix: Float[np.ndarray, "outputs inputs"]) -> Float[np.ndarray, " entries"]:
    """Tiles of 8 outputs, then pairs of outputs; within a tile input by input.

    The number of outputs must be even.
    """
    outputs = len(matrix)
    whole = outputs - outputs % TILE
    tiles = [matrix[first : first + TILE].T.ravel() for first in range(0, whole, TILE)]
    tiles += [matrix[first : first + 2].T.ravel() for first in range(whole, outputs, 2)]
    return np.concatenate(tiles)


@kernel_function
def add_product(out, out_row, weights, place, inputs, in_row, outputs, count):
    """Add a packed matrix times rows to rows."""
    first = 0
    while first + 8 <= outputs:
        row = out_row + first
        a0, a1, a2, a3 = load(out, row), load(out, row + 1), load(out, row + 2), load(out, row + 3)
        a4, a5, a6, a7 = (
            load(out, row + 4),
            load(out, row + 5),
            load(out, row + 6),
            load(out, row + 7),
        )
        for i in range(count):
            x = load(inputs, in_row + i)
            w = place + 8 * i
            a0 = multiply_add(splat(weights, w), x, a0)
            a1 = multiply_add(splat(weights, w + 1), x, a1)
            a2 = multiply_add(splat(weights, w + 2), x, a2)
            a3 = multiply_add(splat(weights, w + 3), x, a3)
            a4 = multiply_add(splat(weights, w + 4), x, a4)
            a5 = multiply_add(splat(weights, w + 5), x, a5)
            a6 = multiply_add(splat(weights, w + 6), x, a6)
            a7 = multiply_add(splat(weights, w + 7), x, a7)
        store(out, row, a0)
        store(out, row + 1, a1)
        store(out, row + 2, a2)
        store(out, row + 3, a3)
        store(out, row + 4, a4)
        store(out, row + 5, a5)
        store(out, row + 6, a6)
        store(out, row + 7, a7)
        first += 8
        place += 8 * count
    while first < outputs:
        row = out_row + first
        a0, a1 = load(out, row), load(out, row + 1)
        for i in range(count):
            x = load(inputs, in_row + i)
            a0 = multiply_add(splat(weights, place + 2 * i), x, a0)
            a1 = multiply_add(splat(weights, place + 2 * i + 1), x, a1)
        store(out, row, a0)
        store(out, row + 1, a1)
        first += 2
        place += 2 * count


@kernel_function
def set_rows(out, row, values, place, count):
    """Set rows to numbers."""
    for i in range(count):
        store(out, row + i, splat(values, place + i))


@kernel_function
def clear_rows(out, row, count):
    """Set rows to zero."""
    for i in range(count):
        store(out, row + i, zero_like(out))


@kernel_function
def dot_product(weights, place, inputs, row, count):
    """Sum of weights times rows."""
    even, odd = zero_like(inputs), zero_like(inputs)
    for i in range(0, count - 1, 2):
        even = multiply_add(splat(weights, place + i), load(inputs, row + i), even)
        odd = multiply_add(splat(weights, place + i + 1), load(inputs, row + i + 1), odd)
    if count % 2:
        last = count - 1
        even = multiply_add(splat(weights, place + last), load(inputs, row + last), even)
    return even + odd


def _tanh_fraction(terms: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Coefficients of Lambert's continued fraction of tanh, cut after so many terms.

    tanh x = x p(x^2) / q(x^2), from x / (1 + x^2 / (3 + x^2 / (5 + ...))); all are positive, so
    that nothing cancels.
    """
    upper, lower = Polynomial([1]), Polynomial([2 * terms - 1])
    for odd in range(2 * terms - 3, 0, -2):
        upper, lower = lower, odd * lower + Polynomial([0, 1]) * upper
    scale = 1.0 / lower.coef[0]
    return tuple(map(float, scale * upper.coef)), tuple(map(float, scale * lower.coef))


_UPPER, _LOWER = _tanh_fraction(13)


@kernel_function
def hyperbolic_tangent(x, halvings):
    """tanh by Lambert's continued fraction at x / 2^halvings and as many doublings.

    With 13 terms the fraction is exact to 1e-8 up to 9 and to 1e-17 up to 1.3, and tanh is 1 to
    rounding beyond 9 in float32 and beyond 19 in float64: no halving for the former, four for the
    latter.
    """
    limit = 9.0 if halvings == 0 else 19.5
    bounded = smaller(larger(x, as_lanes(-limit, x)), as_lanes(limit, x))
    y = bounded * (1.0 / (1 << halvings))
    q = y * y
    upper, lower = as_lanes(0.0, x), as_lanes(0.0, x)
    for k in range(len(_UPPER) - 1, -1, -1):
        upper = multiply_add(upper, q, as_lanes(_UPPER[k], x))
    for k in range(len(_LOWER) - 1, -1, -1):
        lower = multiply_add(lower, q, as_lanes(_LOWER[k], x))
    t = y * upper / lower
    for _ in range(halvings):
        t = 2.0 * t / (1.0 + t * t)
    return t


@kernel_function
def activate(values, slopes, row, count, silu, halvings):
    """Replace rows by the activation function of them, and store its slopes."""
    for i in range(row, row + count):
        x = load(values, i)
        if silu:
            gate = 0.5 * hyperbolic_tangent(0.5 * x, halvings) + 0.5
            store(values, i, x * gate)
            store(slopes, i, gate * (1.0 + x * (1.0 - gate)))
        else:
            t = hyperbolic_tangent(x, halvings)
            store(values, i, t)
            store(slopes, i, 1.0 - t * t)


@kernel_function
def apply_net(buffers, net):
    """Energies from the invariants; in the place of these, the derivatives by them."""
    weights, segments, widths, layers = net.weights, net.segments, net.widths, net.sizes.layers
    hidden, slopes, silu, halvings = (
        buffers.hidden,
        buffers.slopes,
        net.sizes.silu,
        net.sizes.halvings,
    )
    first = 2 * (net.sizes.degree + 1) + 1
    inputs, in_row, row = buffers.invariants, np.int64(0), np.int64(0)
    for layer in range(layers):
        outputs, segment = widths[layer + 1], first + 1 + 3 * layer
        set_rows(hidden, row, weights, segments[segment], outputs)
        place = segments[segment + 1]
        add_product(hidden, row, weights, place, inputs, in_row, outputs, widths[layer])
        activate(hidden, slopes, row, outputs, silu, halvings)
        inputs, in_row, row = hidden, row, row + outputs
    last = segments[first + 1 + 3 * layers]
    energy = dot_product(weights, last, inputs, in_row, widths[layers])
    energy += dot_product(weights, segments[first], buffers.invariants, np.int64(0), widths[0])
    energy += splat(weights, segments[first + 2 + 3 * layers])
    _pull_back_net(buffers, net, first, last)
    return energy


@kernel_function
def _pull_back_net(buffers, net, first, last):
    weights, segments, widths, layers = net.weights, net.segments, net.widths, net.sizes.layers
    hidden, slopes, gradient = buffers.hidden, buffers.slopes, buffers.invariants
    set_rows(gradient, np.int64(0), weights, segments[first], widths[0])
    if layers == 0:
        for i in range(widths[0]):
            store(gradient, i, load(gradient, i) + splat(weights, last + i))
    row = net.sizes.hidden_rows - widths[layers]
    if layers > 0:
        set_rows(hidden, row, weights, last, widths[layers])
    for layer in range(layers - 1, -1, -1):
        outputs, place = widths[layer + 1], segments[first + 3 + 3 * layer]
        for i in range(row, row + outputs):
            store(slopes, i, load(slopes, i) * load(hidden, i))
        if layer == 0:
            add_product(gradient, np.int64(0), weights, place, slopes, row, widths[0], outputs)
        else:
            below = row - widths[layer]
            clear_rows(hidden, below, widths[layer])
            add_product(hidden, below, weights, place, slopes, row, widths[layer], outputs)
            row = below
