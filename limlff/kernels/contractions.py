"""Sums over radial functions times harmonics of pairs, and the way back, tile by tile.

A tile is as many sums as fit the registers: enough of them that a multiply-add need not wait for
the one before, and with as few loads as possible for each multiply-add.
"""

from __future__ import annotations

from typing import Any

from limlff.simd.lanes import kernel_function, part_of_caller, variant
from limlff.simd.tiles import add_each_with_each, rows_of, tile_of

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


def _tile_of_moments(functions: int) -> Any:
    """Moments of three harmonics and so many radial functions: sums over all pairs."""
    _, load_tile, store_tile = tile_of(HARMONICS_OF_A_TILE, functions)
    load_harmonics, load_radial = tile_of(1, HARMONICS_OF_A_TILE).load, tile_of(1, functions).load

    @kernel_function
    @variant(functions)
    def add(moments, place, pitch, pairs, first, last, stride, n, y):
        sums = load_tile(moments, place, pitch)
        pair = first  # not by range, which could raise an error for a stride of zero
        while pair < last:
            harmonics, radial = load_harmonics(pairs, pair + y, 1), load_radial(pairs, pair + n, 1)
            sums = add_each_with_each(sums, harmonics, radial)
            pair += stride
        store_tile(moments, place, pitch, sums)

    return add


_add_tile_of_4, _add_tile_of_2 = map(_tile_of_moments, (4, 2))


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
    four, two = (_sums_of_harmonics(pairs, known) for pairs in (4, 2))

    @kernel_function
    @variant(known)
    def tile(gradient, g, pitch, pairs, first, last, stride, radial, weights, out, harmonics):
        pair = first
        while pair + 4 * stride <= last:
            four(gradient, g, pitch, pairs, pair, stride, radial, weights, out, harmonics)
            pair, out = pair + 4 * stride, out + 4 * harmonics
        if pair < last:
            two(gradient, g, pitch, pairs, pair, stride, radial, weights, out, harmonics)

    return tile


def _sums_of_harmonics(count: int, known: int) -> Any:
    """Three harmonics of so many pairs."""
    zero, _, store_tile = tile_of(count, HARMONICS_OF_A_TILE)
    load_pairs, load_gradient = rows_of(count), rows_of(HARMONICS_OF_A_TILE)

    @part_of_caller
    @variant(count, known)
    def fill(gradient, g, pitch, pairs, pair, stride, radial, weights, out, harmonics):
        sums = zero(pairs)
        for n in range(known if known > 0 else radial):
            functions, slopes = (
                load_pairs(pairs, pair + n, stride),
                load_gradient(gradient, g + n, pitch),
            )
            sums = add_each_with_each(sums, functions, slopes)
        store_tile(weights, out, harmonics, sums)

    return fill


_harmonics, _harmonics_by_8, _harmonics_by_10 = map(_tile_of_harmonics, (0, 8, 10))


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
    five, one = (_sums_of_radial(functions, harmonics) for functions in (5, 1))

    @kernel_function
    @variant(harmonics)
    def tiles(gradient, row, pitch, pairs, first, last, stride, radial, weights):
        n = 0
        while n + 5 <= radial:
            five(gradient, row + n, pitch, pairs, first, last, stride, radial, weights, n)
            n += 5
        while n < radial:
            one(gradient, row + n, pitch, pairs, first, last, stride, radial, weights, n)
            n += 1

    return tiles


def _sums_of_radial(functions: int, harmonics: int) -> Any:
    """So many radial functions of all pairs, two pairs at a time."""
    load_gradient, load_pairs = tile_of(1, functions).load, rows_of(2)
    _, load_twice, store_tile = tile_of(2, functions)

    @part_of_caller
    @variant(functions, harmonics)
    def fill(gradient, row, pitch, pairs, first, last, stride, radial, weights, out):
        pair = first  # not by range, which could raise an error for a stride of zero
        while pair < last:
            g, y = row, pair + radial
            sums = load_twice(gradient, g, 0)  # harmonic 0 is 1
            for m in range(harmonics):
                g += pitch
                sums = add_each_with_each(
                    sums, load_pairs(pairs, y + m, stride), load_gradient(gradient, g, 1)
                )
            store_tile(weights, out, radial, sums)
            pair, out = pair + 2 * stride, out + 2 * radial

    return fill


_radial_by_3, _radial_by_9, _radial_by_15, _radial_by_24 = map(_tiles_of_radial, (3, 9, 15, 24))
