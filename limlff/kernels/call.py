"""One call of the moment kernel: what goes in and comes out, and how its memory is divided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limlff.kernels.layout import Sizes, scratch_sizes
from limlff.simd.foreign import Numbers
from limlff.simd.lanes import width_of
from limlff.simd.quads import QUAD
from limlff.simd.words import Float64s, Int32s, Int64s, Whole


class Arguments(NamedTuple):
    """What the kernel is given.

    Attributes:
        sizes: A `limlff.kernels.layout.Sizes`.
        call: A `Call`.
        tables: Cutoff, and strengths, lengths and reaches of the repulsion.
        segments: Where the parts of the weights begin.
        widths: Widths of the layers of the net.
        weights: Weights of each element (`limlff.kernels.packing`).
        species: Element of each atom.
        positions: Positions of the atoms (Å).
        cell: Cell vectors as rows (Å).
        lists: Neighbors of each atom.
        owners: Atom of which each ghost is the image.
        shifts: Cell vectors between a ghost and its owner.
        visits: Order in which the atoms are treated.
    """

    sizes: Int64s
    call: Int64s
    tables: Float64s
    segments: Int64s
    widths: Int64s
    weights: Numbers
    species: Int32s
    positions: Float64s
    cell: Float64s
    lists: Int32s
    owners: Int32s
    shifts: Float64s
    visits: Int32s


class Results(NamedTuple):
    """What the kernel gives.

    Attributes:
        energies: Energy of each atom (eV).
        forces: Forces on the atoms (eV/Å).
        virial: xx, yy, zz, yz, xz, xy (eV).
        memory: Room to work in, see `plan_call`.
    """

    energies: Float64s
    forces: Float64s
    virial: Float64s
    memory: Float64s


class Call(NamedTuple):
    """What one call is about, as whole numbers.

    Attributes:
        parts: Number of parts.
        threads: Number of threads.
        atoms: Number of atoms.
        ghosts: Number of ghosts.
        neighbors: Length of a neighbor list.
        tasks: Where in its memory, in 8-byte words, tasks of threads begin,
        extended: positions of atoms and ghosts,
        sums: forces of the parts,
        sum_words: so many words each,
        scratch: scratch space of the threads,
        scratch_words: so many each,
        doubles: of which float64 numbers begin here,
        integers: and whole numbers here.
    """

    parts: Whole
    threads: Whole
    atoms: Whole
    ghosts: Whole
    neighbors: Whole
    tasks: Whole
    extended: Whole
    sums: Whole
    sum_words: Whole
    scratch: Whole
    scratch_words: Whole
    doubles: Whole
    integers: Whole

    @property
    def words(self) -> int:
        """Words of memory, with some to begin at a line of the caches."""
        return self.scratch + self.threads * self.scratch_words + LINE


LINE = 8
"""Words of a line of the caches; what different threads write lies in lines of their own."""
PHASES = 3
THREAD = 4
"""Words kept for what a thread is given, see `limlff.kernels.program`."""
HEAD = 16
"""Words before the forces of a part: virial, first and last atom that it acts on, and ghost."""


def plan_call(
    sizes: Sizes, dtype: str, atoms: int, ghosts: int, neighbors: int, parts: int, threads: int
) -> Call:
    """Divide memory among the parts of a call."""

    def lines(words: int) -> int:
        return -(-words // LINE) * LINE

    numbers, doubles, integers = scratch_sizes(sizes, width_of(dtype), neighbors)
    numbers = lines(numbers * np.dtype(dtype).itemsize // 8)
    tasks = 2 * PHASES * LINE
    extended = tasks + lines(threads * THREAD)
    sums = extended + lines(QUAD * (atoms + ghosts))
    sum_words = HEAD + lines(QUAD * (atoms + ghosts))
    return Call(
        parts=parts,
        threads=threads,
        atoms=atoms,
        ghosts=ghosts,
        neighbors=neighbors,
        tasks=tasks,
        extended=extended,
        sums=sums,
        sum_words=sum_words,
        scratch=sums + parts * sum_words,
        scratch_words=numbers + lines(doubles) + lines(integers),
        doubles=numbers,
        integers=numbers + lines(doubles),
    )
