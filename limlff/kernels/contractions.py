"""Sums over radial functions times harmonics of pairs, and the way back, tile by tile.

A tile is as many sums as fit the registers: enough of them that a multiply-add need not wait for
the one before, and with as few loads as possible for each multiply-add.
"""

from __future__ import annotations

from typing import Any

from limlff.simd.lanes import kernel_function, load, multiply_add, store, zero_like

HARMONICS_OF_A_TILE = 3


@kernel_function
def add_moments(moments, row, pitch, pairs, first, last, sizes):
    """Add radial functions times harmonics of degree 1 and more, pair by pair.

    Args:
        moments: Buffer; row `row + m * pitch + n` is harmonic m, radial function n.
        row: First row to add to.
        pitch: Rows between harmonics.
        pairs: Pair buffer.
        first: First row of the first pair.
        last: First row behind the last pair.
        sizes: Sizes of the model.
    """
    angular = sizes.padded_radial
    for m in range(1, sizes.padded_harmonics, HARMONICS_OF_A_TILE):
        n = 0
        while n + 4 <= sizes.padded_radial:
            place, y = row + m * pitch + n, angular + m - 1
            _add_tile_of_4(moments, place, pitch, pairs, first, last, sizes.pair_rows, n, y)
            n += 4
        if n < sizes.padded_radial:
            place, y = row + m * pitch + n, angular + m - 1
            _add_tile_of_2(moments, place, pitch, pairs, first, last, sizes.pair_rows, n, y)


@kernel_function
def _add_tile_of_4(moments, place, pitch, pairs, first, last, stride, n, y):
    p, q = place + pitch, place + 2 * pitch
    a0, a1 = load(moments, place), load(moments, place + 1)
    a2, a3 = load(moments, place + 2), load(moments, place + 3)
    b0, b1, b2, b3 = (
        load(moments, p),
        load(moments, p + 1),
        load(moments, p + 2),
        load(moments, p + 3),
    )
    c0, c1, c2, c3 = (
        load(moments, q),
        load(moments, q + 1),
        load(moments, q + 2),
        load(moments, q + 3),
    )
    pair = first  # not by range, which could raise an error for a stride of zero
    while pair < last:
        u, v, w = load(pairs, pair + y), load(pairs, pair + y + 1), load(pairs, pair + y + 2)
        r = load(pairs, pair + n)
        a0, b0, c0 = multiply_add(r, u, a0), multiply_add(r, v, b0), multiply_add(r, w, c0)
        r = load(pairs, pair + n + 1)
        a1, b1, c1 = multiply_add(r, u, a1), multiply_add(r, v, b1), multiply_add(r, w, c1)
        r = load(pairs, pair + n + 2)
        a2, b2, c2 = multiply_add(r, u, a2), multiply_add(r, v, b2), multiply_add(r, w, c2)
        r = load(pairs, pair + n + 3)
        a3, b3, c3 = multiply_add(r, u, a3), multiply_add(r, v, b3), multiply_add(r, w, c3)
        pair += stride
    store(moments, place, a0)
    store(moments, place + 1, a1)
    store(moments, place + 2, a2)
    store(moments, place + 3, a3)
    store(moments, p, b0)
    store(moments, p + 1, b1)
    store(moments, p + 2, b2)
    store(moments, p + 3, b3)
    store(moments, q, c0)
    store(moments, q + 1, c1)
    store(moments, q + 2, c2)
    store(moments, q + 3, c3)


@kernel_function
def _add_tile_of_2(moments, place, pitch, pairs, first, last, stride, n, y):
    p, q = place + pitch, place + 2 * pitch
    a0, a1 = load(moments, place), load(moments, place + 1)
    b0, b1 = load(moments, p), load(moments, p + 1)
    c0, c1 = load(moments, q), load(moments, q + 1)
    pair = first
    while pair < last:
        u, v, w = load(pairs, pair + y), load(pairs, pair + y + 1), load(pairs, pair + y + 2)
        r = load(pairs, pair + n)
        a0, b0, c0 = multiply_add(r, u, a0), multiply_add(r, v, b0), multiply_add(r, w, c0)
        r = load(pairs, pair + n + 1)
        a1, b1, c1 = multiply_add(r, u, a1), multiply_add(r, v, b1), multiply_add(r, w, c1)
        pair += stride
    store(moments, place, a0)
    store(moments, place + 1, a1)
    store(moments, p, b0)
    store(moments, p + 1, b1)
    store(moments, q, c0)
    store(moments, q + 1, c1)


@kernel_function
def pull_back_to_harmonics(gradient, row, pitch, pairs, first, last, sizes, weights):
    """Derivatives by the harmonics of degree 1 and more of some pairs, given those by the moments.

    Args:
        gradient: Derivatives by the moments, laid out as in `add_moments`.
        row: Their first row.
        pitch: Rows between harmonics.
        pairs: Pair buffer.
        first: First row of the first pair.
        last: First row behind the last pair; their number is even.
        sizes: Sizes of the model.
        weights: Written, pair by pair; row m is the derivative by harmonic m.
    """
    harmonics, radial = sizes.padded_harmonics, sizes.padded_radial
    for m in range(1, harmonics, HARMONICS_OF_A_TILE):
        g, out, stride = row + m * pitch, m, sizes.pair_rows
        if radial == 10:
            _harmonics_by_10(
                gradient, g, pitch, pairs, first, last, stride, radial, weights, out, harmonics
            )
        elif radial == 8:
            _harmonics_by_8(
                gradient, g, pitch, pairs, first, last, stride, radial, weights, out, harmonics
            )
        else:
            _harmonics(
                gradient, g, pitch, pairs, first, last, stride, radial, weights, out, harmonics
            )


def _tile_of_harmonics(known: int) -> Any:
    """Three harmonics of all pairs; known, if not zero, is the number of radial functions.

    Loops of known length are unrolled; around others the compiler puts more code than in them.
    """

    @kernel_function
    def tile(gradient, g, pitch, pairs, first, last, stride, radial, weights, out, harmonics):
        count = known if known > 0 else radial
        h, k, pair = g + pitch, g + 2 * pitch, first
        while pair + 4 * stride <= last:
            a0 = zero_like(pairs)
            a1, a2, b0, b1, b2, c0, c1, c2, d0, d1, d2 = a0, a0, a0, a0, a0, a0, a0, a0, a0, a0, a0
            b, c, d = pair + stride, pair + 2 * stride, pair + 3 * stride
            for n in range(count):
                u, v, w = load(gradient, g + n), load(gradient, h + n), load(gradient, k + n)
                r = load(pairs, pair + n)
                a0, a1, a2 = multiply_add(r, u, a0), multiply_add(r, v, a1), multiply_add(r, w, a2)
                r = load(pairs, b + n)
                b0, b1, b2 = multiply_add(r, u, b0), multiply_add(r, v, b1), multiply_add(r, w, b2)
                r = load(pairs, c + n)
                c0, c1, c2 = multiply_add(r, u, c0), multiply_add(r, v, c1), multiply_add(r, w, c2)
                r = load(pairs, d + n)
                d0, d1, d2 = multiply_add(r, u, d0), multiply_add(r, v, d1), multiply_add(r, w, d2)
            _store_three(weights, out, a0, a1, a2)
            _store_three(weights, out + harmonics, b0, b1, b2)
            _store_three(weights, out + 2 * harmonics, c0, c1, c2)
            _store_three(weights, out + 3 * harmonics, d0, d1, d2)
            pair, out = pair + 4 * stride, out + 4 * harmonics
        if pair < last:
            a0 = zero_like(pairs)
            a1, a2, b0, b1, b2 = a0, a0, a0, a0, a0
            for n in range(count):
                u, v, w = load(gradient, g + n), load(gradient, h + n), load(gradient, k + n)
                r = load(pairs, pair + n)
                a0, a1, a2 = multiply_add(r, u, a0), multiply_add(r, v, a1), multiply_add(r, w, a2)
                r = load(pairs, pair + stride + n)
                b0, b1, b2 = multiply_add(r, u, b0), multiply_add(r, v, b1), multiply_add(r, w, b2)
            _store_three(weights, out, a0, a1, a2)
            _store_three(weights, out + harmonics, b0, b1, b2)

    return tile


_harmonics, _harmonics_by_8, _harmonics_by_10 = map(_tile_of_harmonics, (0, 8, 10))


@kernel_function
def _store_three(out, row, a, b, c):
    store(out, row, a)
    store(out, row + 1, b)
    store(out, row + 2, c)


@kernel_function
def pull_back_to_radial(gradient, row, pitch, pairs, first, last, sizes, weights):
    """Derivatives by the radial functions of some pairs, given those by the moments.

    Arguments as those of `pull_back_to_harmonics`; row n of a pair in `weights` is the derivative
    by radial function n.
    """
    stride, radial = sizes.pair_rows, sizes.padded_radial
    if sizes.degree == 3:
        _radial_by_15(gradient, row, pitch, pairs, first, last, stride, radial, weights)
    elif sizes.degree == 2:
        _radial_by_9(gradient, row, pitch, pairs, first, last, stride, radial, weights)
    elif sizes.degree == 1:
        _radial_by_3(gradient, row, pitch, pairs, first, last, stride, radial, weights)
    else:
        _radial_by_24(gradient, row, pitch, pairs, first, last, stride, radial, weights)


def _tiles_of_radial(harmonics: int) -> Any:
    """All radial functions of all pairs, given the number of harmonics of degree 1 and more."""

    @kernel_function
    def tiles(gradient, row, pitch, pairs, first, last, stride, radial, weights):
        n = 0
        while n + 5 <= radial:
            out = n
            pair = first  # not by range, which could raise an error for a stride of zero
            while pair < last:
                g, y = row + n, pair + radial
                a0, a1 = load(gradient, g), load(gradient, g + 1)  # harmonic 0 is 1
                a2, a3, a4 = load(gradient, g + 2), load(gradient, g + 3), load(gradient, g + 4)
                b0, b1, b2, b3, b4 = a0, a1, a2, a3, a4
                for m in range(harmonics):
                    g += pitch
                    r, s = load(pairs, y + m), load(pairs, y + stride + m)
                    u = load(gradient, g)
                    a0, b0 = multiply_add(r, u, a0), multiply_add(s, u, b0)
                    u = load(gradient, g + 1)
                    a1, b1 = multiply_add(r, u, a1), multiply_add(s, u, b1)
                    u = load(gradient, g + 2)
                    a2, b2 = multiply_add(r, u, a2), multiply_add(s, u, b2)
                    u = load(gradient, g + 3)
                    a3, b3 = multiply_add(r, u, a3), multiply_add(s, u, b3)
                    u = load(gradient, g + 4)
                    a4, b4 = multiply_add(r, u, a4), multiply_add(s, u, b4)
                _store_three(weights, out, a0, a1, a2)
                store(weights, out + 3, a3)
                store(weights, out + 4, a4)
                _store_three(weights, out + radial, b0, b1, b2)
                store(weights, out + radial + 3, b3)
                store(weights, out + radial + 4, b4)
                pair, out = pair + 2 * stride, out + 2 * radial
            n += 5
        while n < radial:
            out = n
            pair = first
            while pair < last:
                g, y = row + n, pair + radial
                a = load(gradient, g)
                b = a
                for m in range(harmonics):
                    g += pitch
                    u = load(gradient, g)
                    a = multiply_add(load(pairs, y + m), u, a)
                    b = multiply_add(load(pairs, y + stride + m), u, b)
                store(weights, out, a)
                store(weights, out + radial, b)
                pair, out = pair + 2 * stride, out + 2 * radial
            n += 1

    return tiles


_radial_by_3, _radial_by_9, _radial_by_15, _radial_by_24 = map(_tiles_of_radial, (3, 9, 15, 24))
