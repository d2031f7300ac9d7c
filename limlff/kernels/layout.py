"""What the moment kernel works on: sizes, weights, atoms and scratch space, as pointers."""

from __future__ import annotations

from typing import Any, NamedTuple

from limlff.simd.lanes import kernel_function, offset
from limlff.simd.quads import QUAD
from limlff.simd.words import Whole

BUNDLE = 3
"""Groups of atoms, one in each lane, that go through the net together."""


PAIRS_AT_A_TIME = 16
"""Slots that are treated together: their rows fit the first cache of a core. An even number."""


class Sizes(NamedTuple):
    """Settings and sizes of a packed model; padded ones suit the kernel's tiles."""

    elements: Whole
    radial: Whole
    padded_radial: Whole
    degree: Whole
    padded_harmonics: Whole
    pair_rows: Whole
    channels: Whole
    invariants: Whole
    cubic_entries: Whole
    layers: Whole
    hidden_rows: Whole
    silu: Whole
    halvings: Whole
    weights: Whole


class Net(NamedTuple):
    """Weights of one element and where they are, see `limlff.kernels.packing`; pointers."""

    weights: Any
    segments: Any
    widths: Any
    sizes: Sizes


class Buffers(NamedTuple):
    """Scratch space of one group of atoms: pointers to rows of lanes, and to whole numbers.

    Those of the groups of a bundle follow each other, every `pitch` rows.
    """

    pairs: Any
    vectors: Any
    moments: Any
    channels: Any
    invariants: Any
    cubic_slopes: Any
    hidden: Any
    slopes: Any
    harmonic_weights: Any
    radial_weights: Any
    totals: Any
    energies: Any
    own_forces: Any
    neighbors: Any
    close: Any
    counts: Any
    ends: Any
    atoms: Any
    room: int
    pitch: int
    lanes: int


class Scratch(NamedTuple):
    """Scratch space of a thread, all zero at first; see `scratch_sizes`.

    Attributes:
        numbers: Numbers in the kernel's arithmetic, from a multiple of 64 bytes on, that rows of
            lanes do not cross the lines of the caches.
        doubles: Numbers in float64.
        integers: Whole numbers.
        chosen: Atoms of a bundle.
        neighbors: Length of a neighbor list.
        lanes: Lanes of a register.
    """

    numbers: Any
    doubles: Any
    integers: Any
    chosen: Any
    neighbors: int
    lanes: int


class Atoms(NamedTuple):
    """Pointers to the atoms' data.

    Attributes:
        extended: Position and element of atoms and ghosts, four float64 each; -1 for the element of
            padded atoms.
        lists: Neighbors of each.
        visits: Order in which they are treated.
        neighbors: Length of a list.
    """

    extended: Any
    lists: Any
    visits: Any
    neighbors: int


class Sums(NamedTuple):
    """Pointers to what the atoms of a part add up.

    Attributes:
        energies: Energies of all atoms (eV).
        forces: Forces on atoms and ghosts, in quads (eV/Å).
        virial: xx, yy, zz, yz, xz, xy (eV).
    """

    energies: Any
    forces: Any
    virial: Any


@kernel_function
def room_for(sizes, neighbors):
    """Pairs for which an atom has room, element by element, each an even number."""
    return sizes.elements * (neighbors + 2)


@kernel_function
def lay_out(scratch, sizes, group):
    """Divide scratch space among the buffers of a group of a bundle."""
    lanes, room = scratch.lanes, room_for(sizes, scratch.neighbors)
    pitch = rows_of_group(sizes, room)
    pairs = offset(scratch.numbers, group * pitch * lanes)
    vectors = offset(pairs, room * sizes.pair_rows * lanes)
    moments = offset(vectors, QUAD * room * lanes)
    count = sizes.padded_harmonics * sizes.elements * sizes.padded_radial
    channels = offset(moments, count * lanes)
    invariants = offset(channels, (sizes.degree + 1) ** 2 * sizes.channels * lanes)
    cubic = offset(invariants, sizes.invariants * lanes)
    hidden = offset(cubic, sizes.cubic_entries * sizes.channels * lanes)
    slopes = offset(hidden, sizes.hidden_rows * lanes)
    harmonic = offset(slopes, sizes.hidden_rows * lanes)
    by_radial = offset(harmonic, PAIRS_AT_A_TIME * sizes.padded_harmonics * lanes)
    totals = offset(by_radial, PAIRS_AT_A_TIME * sizes.padded_radial * lanes)
    energies = offset(totals, 6 * lanes)
    neighbors = offset(scratch.integers, group * integers_of_group(sizes, lanes, room))
    close = offset(neighbors, room * lanes)
    counts = offset(close, 1 + 3 * room * lanes)
    ends = offset(counts, lanes)
    atoms = offset(ends, sizes.elements + 1)
    return Buffers(
        pairs,
        vectors,
        moments,
        channels,
        invariants,
        cubic,
        hidden,
        slopes,
        harmonic,
        by_radial,
        totals,
        energies,
        scratch.doubles,
        neighbors,
        close,
        counts,
        ends,
        atoms,
        room,
        pitch,
        lanes,
    )


@kernel_function
def rows_of_group(sizes, room):
    """Rows of scratch space of one group of atoms.

    An even number, and such that rows of different groups do not compete for the same places in the
    first cache, which takes those that are 4 kB apart for each other's neighbors.
    """
    rows = (
        room * (sizes.pair_rows + QUAD)
        + sizes.padded_harmonics * (sizes.elements * sizes.padded_radial + PAIRS_AT_A_TIME)
        + ((sizes.degree + 1) ** 2 + sizes.cubic_entries) * sizes.channels
        + sizes.invariants
        + 2 * sizes.hidden_rows
        + PAIRS_AT_A_TIME * sizes.padded_radial
        + 7
    )
    return (rows + 127) // 128 * 128 + 42


@kernel_function
def integers_of_group(sizes, lanes, room):
    """Whole numbers of scratch space of one group of atoms."""
    return (4 * room + 2) * lanes + sizes.elements + 2


def scratch_sizes(sizes: Sizes, lanes: int, neighbors: int) -> tuple[int, int, int]:
    """Numbers, float64 numbers and whole numbers of a thread's scratch space."""
    room = room_for.py_func(sizes, neighbors)
    numbers = BUNDLE * rows_of_group.py_func(sizes, room) * lanes
    integers = BUNDLE * (integers_of_group.py_func(sizes, lanes, room) + lanes)
    return numbers, QUAD * lanes, integers
