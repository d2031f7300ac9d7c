"""What the moment kernel works on: sizes, weights, atoms and scratch space, as pointers."""

from __future__ import annotations

from typing import Any, NamedTuple

from limlff.kernels.lanes import behind, kernel_function


class Sizes(NamedTuple):
    """Settings and sizes of a packed model; padded ones suit the kernel's tiles."""

    elements: int
    radial: int
    padded_radial: int
    degree: int
    padded_harmonics: int
    slot_rows: int
    channels: int
    invariants: int
    cubic_entries: int
    layers: int
    hidden_rows: int
    silu: int
    halvings: int
    weights: int


class Net(NamedTuple):
    """Weights of one element and where they are, see `limlff.kernels.packing`; pointers."""

    weights: Any
    segments: Any
    widths: Any
    sizes: Sizes


class Buffers(NamedTuple):
    """Scratch space: pointers to rows of lanes, and to whole numbers."""

    pairs: Any
    vectors: Any
    moments: Any
    channels: Any
    invariants: Any
    cubic_slopes: Any
    hidden: Any
    slopes: Any
    harmonic_weights: Any
    totals: Any
    close: Any
    neighbors: Any
    counts: Any
    ends: Any
    atoms: Any
    lanes: int


class Atoms(NamedTuple):
    """Pointers to species and positions (3 each) of atoms and ghosts, neighbors, and visits."""

    species: Any
    positions: Any
    neighbors: Any
    visits: Any
    slots: int


@kernel_function
def lay_out(numbers, integers, sizes, lanes, slots):
    """Divide scratch space, which is zero, among buffers; see `scratch_sizes`."""
    room = slots * sizes.elements
    moments = sizes.padded_harmonics * sizes.elements * sizes.padded_radial
    pairs = numbers
    vectors = behind(pairs, room * sizes.slot_rows * lanes)
    moment = behind(vectors, 3 * room * lanes)
    channels = behind(moment, moments * lanes)
    invariants = behind(channels, (sizes.degree + 1) ** 2 * sizes.channels * lanes)
    cubic = behind(invariants, sizes.invariants * lanes)
    hidden = behind(cubic, sizes.cubic_entries * sizes.channels * lanes)
    slopes = behind(hidden, sizes.hidden_rows * lanes)
    harmonic = behind(slopes, sizes.hidden_rows * lanes)
    totals = behind(harmonic, sizes.padded_harmonics * lanes)
    close = behind(totals, 7 * lanes)
    counts = behind(integers, room * lanes)
    ends = behind(counts, sizes.elements * lanes)
    atoms = behind(ends, sizes.elements + 1)
    return Buffers(
        pairs,
        vectors,
        moment,
        channels,
        invariants,
        cubic,
        hidden,
        slopes,
        harmonic,
        totals,
        close,
        integers,
        counts,
        ends,
        atoms,
        lanes,
    )


def scratch_sizes(sizes: Sizes, lanes: int, slots: int) -> tuple[int, int]:
    """Numbers and whole numbers of scratch space that `lay_out` divides."""
    room = slots * sizes.elements
    rows = (
        room * (sizes.slot_rows + 3 + 5)
        + sizes.padded_harmonics * (sizes.elements * sizes.padded_radial + 1)
        + ((sizes.degree + 1) ** 2 + sizes.cubic_entries) * sizes.channels
        + sizes.invariants
        + 2 * sizes.hidden_rows
        + 7
    )
    return rows * lanes, (room + sizes.elements + 1) * lanes + sizes.elements + 1
