"""One call of the moment kernel: what it is about, and how its memory is divided."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from limlff.kernels.layout import Sizes, scratch_sizes
from limlff.simd.foreign import input_of, int64_at
from limlff.simd.lanes import behind, kernel_function, width_of
from limlff.simd.quads import QUAD


class Call(NamedTuple):
    """What one call is about, as whole numbers; the same order as in `call_of`.

    Attributes:
        parts: Number of parts.
        threads: Number of threads.
        atoms: Number of atoms.
        ghosts: Number of ghosts.
        slots: Length of a neighbor list.
        tasks: Where in its memory, in 8-byte words, tasks of threads begin,
        extended: positions of atoms and ghosts,
        sums: forces of the parts,
        sum_words: so many words each,
        scratch: scratch space of the threads,
        scratch_words: so many each,
        doubles: of which float64 numbers begin here,
        integers: and whole numbers here.
    """

    parts: int
    threads: int
    atoms: int
    ghosts: int
    slots: int
    tasks: int
    extended: int
    sums: int
    sum_words: int
    scratch: int
    scratch_words: int
    doubles: int
    integers: int

    @property
    def words(self) -> int:
        """Words of memory, with some to begin at a line of the caches."""
        return self.scratch + self.threads * self.scratch_words + LINE


LINE = 8
"""Words of a line of the caches; what different threads write lies in lines of their own."""
PHASES = 3
TASK = 4
"""Words of a thread's task: frame, memory, handle."""
HEAD = 16
"""Words before the forces of a part: virial, first and last atom that it acts on, and ghost."""
_NUMBERS = 0  # argument of the foreign function with sizes and call


def plan_call(
    sizes: Sizes, dtype: str, atoms: int, ghosts: int, slots: int, parts: int, threads: int
) -> Call:
    """Divide memory among the parts of a call."""

    def lines(words: int) -> int:
        return -(-words // LINE) * LINE

    numbers, doubles, integers = scratch_sizes(sizes, width_of(dtype), slots)
    numbers = lines(numbers * np.dtype(dtype).itemsize // 8)
    tasks = 2 * PHASES * LINE
    extended = tasks + lines(threads * TASK)
    sums = extended + lines(QUAD * (atoms + ghosts))
    sum_words = HEAD + lines(QUAD * (atoms + ghosts))
    return Call(
        parts,
        threads,
        atoms,
        ghosts,
        slots,
        tasks=tasks,
        extended=extended,
        sums=sums,
        sum_words=sum_words,
        scratch=sums + parts * sum_words,
        scratch_words=numbers + lines(doubles) + lines(integers),
        doubles=numbers,
        integers=numbers + lines(doubles),
    )


@kernel_function
def sizes_of(frame):
    """Sizes of the model."""
    s = int64_at(input_of(frame, np.int64(_NUMBERS)))
    return Sizes(
        s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12], s[13]
    )


@kernel_function
def call_of(frame):
    """What the call is about."""
    s = behind(int64_at(input_of(frame, np.int64(_NUMBERS))), 14)
    return Call(s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], s[8], s[9], s[10], s[11], s[12])
