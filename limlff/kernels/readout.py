"""From the invariants of a few groups of atoms to their energies, and back."""

from __future__ import annotations

import numpy as np
from numpy.polynomial import Polynomial

from limlff.simd.lanes import (
    broadcast,
    kernel_function,
    larger,
    load,
    load_broadcast,
    multiply_add,
    smaller,
    store,
    zero_like,
)
from limlff.simd.products import add_products


@kernel_function
def set_rows(out, row, values, place, count):
    """Set rows to numbers."""
    for i in range(count):
        store(out, row + i, load_broadcast(values, place + i))


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
        even = multiply_add(load_broadcast(weights, place + i), load(inputs, row + i), even)
        odd = multiply_add(load_broadcast(weights, place + i + 1), load(inputs, row + i + 1), odd)
    if count % 2:
        last = count - 1
        even = multiply_add(load_broadcast(weights, place + last), load(inputs, row + last), even)
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
    # in this order of the arguments what is no number stays so, see `limlff.simd.lanes.smaller`
    bounded = smaller(broadcast(limit, x), larger(broadcast(-limit, x), x))
    y = bounded * (1.0 / (1 << halvings))
    q = y * y
    upper, lower = broadcast(0.0, x), broadcast(0.0, x)
    for k in range(len(_UPPER) - 1, -1, -1):
        upper = multiply_add(upper, q, broadcast(_UPPER[k], x))
    for k in range(len(_LOWER) - 1, -1, -1):
        lower = multiply_add(lower, q, broadcast(_LOWER[k], x))
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
def apply_net(buffers, net, groups):
    """Energies from the invariants; in the place of these, the derivatives by them.

    Args:
        buffers: Buffers of the first of the groups.
        net: Weights.
        groups: Number of groups.
    """
    weights, segments, widths, sizes = net.weights, net.segments, net.widths, net.sizes
    hidden, slopes, pitch = buffers.hidden, buffers.slopes, buffers.pitch
    first = 2 * (sizes.degree + 1) + 1
    inputs, in_row, row = buffers.invariants, np.int64(0), np.int64(0)
    for layer in range(sizes.layers):
        outputs, count, segment = widths[layer + 1], widths[layer], first + 1 + 3 * layer
        for group in range(groups):
            set_rows(hidden, row + group * pitch, weights, segments[segment], outputs)
        place = segments[segment + 1]
        add_products(
            hidden, row, pitch, weights, place, inputs, in_row, pitch, outputs, count, groups
        )
        for group in range(groups):
            begin = row + group * pitch
            activate(hidden, slopes, begin, outputs, sizes.silu, sizes.halvings)
        inputs, in_row, row = hidden, row, row + outputs
    last = segments[first + 1 + 3 * sizes.layers]
    for group in range(groups):
        offset = group * pitch
        energy = dot_product(weights, last, inputs, in_row + offset, widths[sizes.layers])
        energy += dot_product(weights, segments[first], buffers.invariants, offset, widths[0])
        energy += load_broadcast(weights, segments[first + 2 + 3 * sizes.layers])
        store(buffers.energies, offset, energy)
    _pull_back_net(buffers, net, first, last, groups)


@kernel_function
def _pull_back_net(buffers, net, first, last, groups):
    weights, segments, widths, layers = net.weights, net.segments, net.widths, net.sizes.layers
    hidden, slopes, gradient = buffers.hidden, buffers.slopes, buffers.invariants
    pitch, top = buffers.pitch, net.sizes.hidden_rows - widths[layers]
    for group in range(groups):
        offset = group * pitch
        set_rows(gradient, offset, weights, segments[first], widths[0])
        if layers == 0:
            for i in range(widths[0]):
                store(
                    gradient,
                    offset + i,
                    load(gradient, offset + i) + load_broadcast(weights, last + i),
                )
        else:
            set_rows(hidden, offset + top, weights, last, widths[layers])
    row = top
    for layer in range(layers - 1, -1, -1):
        outputs, count, place = widths[layer], widths[layer + 1], segments[first + 3 + 3 * layer]
        out, out_row = gradient, np.int64(0)
        if layer > 0:
            out, out_row = hidden, row - outputs
        for group in range(groups):
            offset = group * pitch
            for i in range(offset + row, offset + row + count):
                store(slopes, i, load(slopes, i) * load(hidden, i))
            if layer > 0:
                clear_rows(hidden, offset + out_row, outputs)
        add_products(
            out, out_row, pitch, weights, place, slopes, row, pitch, outputs, count, groups
        )
        row = out_row
