"""Which frames share a batch, and which batches a shape.

Frames are sorted into buckets by the neighbors they need; in each bucket they are packed, in a
shuffled order, into batches with the same padded numbers of atoms and frames. So each bucket is
compiled once, and little work is spent on padding.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int

from limlff.errors import InputError
from limlff.training.batches import Batch, Shape, assemble_batch
from limlff.training.samples import Sample

_OPEN_BATCHES = 8  # batches that packing keeps open; more fill better but mix less


@dataclass(frozen=True)
class Packing:
    """Samples sorted into buckets, ready to be packed anew every epoch.

    Attributes:
        samples: All samples.
        buckets: Shape of each bucket, and the indices of its samples.
    """

    samples: list[Sample]
    buckets: list[tuple[Shape, list[int]]]

    @property
    def atoms(self) -> int:
        """Atoms of all samples."""
        return sum(len(sample) for sample in self.samples)

    def plan(self, generator: np.random.Generator | None) -> list[tuple[Shape, list[int]]]:
        """Shape and samples of each batch of an epoch.

        Args:
            generator: Shuffles frames and batches; without it they stay in order.
        """
        batches: list[tuple[Shape, list[int]]] = []
        for shape, members in self.buckets:
            order = list(members) if generator is None else list(generator.permutation(members))
            batches += [(shape, batch) for batch in self._pack(shape, order)]
        if generator is None:
            return batches
        return [batches[i] for i in generator.permutation(len(batches))]

    def assemble(self, shape: Shape, members: list[int]) -> Batch:
        """The batch of these samples (NumPy arrays)."""
        return assemble_batch([self.samples[i] for i in members], shape)

    def batches(self) -> Iterator[Batch]:
        """All samples in batches, in order."""
        return (self.assemble(shape, members) for shape, members in self.plan(None))

    def _pack(self, shape: Shape, order: list[int]) -> list[list[int]]:
        """First fit into the batches that are still open."""
        done: list[list[int]] = []
        open_batches: list[tuple[list[int], int]] = []
        for index in order:
            size = len(self.samples[index])
            for position, (members, atoms) in enumerate(open_batches):
                if atoms + size <= shape.atoms and len(members) < shape.frames:
                    open_batches[position] = ([*members, int(index)], atoms + size)
                    break
            else:
                open_batches.append(([int(index)], size))
            if len(open_batches) > _OPEN_BATCHES:
                fullest = max(range(len(open_batches)), key=lambda i: open_batches[i][1])
                done.append(open_batches.pop(fullest)[0])
        return done + [members for members, _ in open_batches]


def make_packing(samples: list[Sample], batch_atoms: int, shapes: int) -> Packing:
    """Sort samples into at most `shapes` buckets that waste the least on padding.

    Args:
        samples: The samples.
        batch_atoms: Atoms of a batch, padding included.
        shapes: Most buckets.

    Raises:
        InputError: If a sample has more atoms than a batch.
    """
    largest = max(len(sample) for sample in samples)
    if largest > batch_atoms:
        raise InputError(
            f"batch_atoms is {batch_atoms}, but a frame has {largest} atoms; "
            f"set batch_atoms to {largest} or more"
        )
    needed = np.array([max(sample.neighbors, 1) for sample in samples])
    sizes = np.array([len(sample) for sample in samples])
    limits = choose_limits(needed, sizes, shapes)
    buckets = []
    for lower, upper in zip([0, *limits[:-1]], limits, strict=True):
        members = [int(i) for i in np.flatnonzero((needed > lower) & (needed <= upper))]
        total = int(sizes[members].sum())
        atoms = min(batch_atoms, total)
        # room for half as many again as an average batch holds, so that small frames seldom end one
        frames = min(len(members), int(np.ceil(1.5 * atoms * len(members) / total)) + 1)
        buckets.append((Shape(neighbors=upper, atoms=atoms, frames=frames), members))
    return Packing(samples, buckets)


def choose_limits(
    needed: Int[np.ndarray, " frames"], sizes: Int[np.ndarray, " frames"], shapes: int
) -> list[int]:
    """Neighbors of each bucket such that the sum of atoms times neighbors is smallest.

    Args:
        needed: Neighbors per atom that each frame needs.
        sizes: Atoms of each frame.
        shapes: Most buckets.

    Returns:
        Rising limits; the last is the largest number needed.
    """
    levels = np.unique(needed)
    cumulative = np.concatenate(
        [[0], np.cumsum([sizes[needed == level].sum() for level in levels])]
    )
    # work[k][j]: least padded work of the frames up to level j in at most k + 1 buckets
    work = [[int(cumulative[j + 1] * level) for j, level in enumerate(levels)]]
    cuts: list[list[int]] = [[-1] * len(levels)]
    for _ in range(1, min(shapes, len(levels))):
        row, cut = [], []
        for j, level in enumerate(levels):
            options = [int(cumulative[j + 1] * level)] + [
                work[-1][i] + int((cumulative[j + 1] - cumulative[i + 1]) * level) for i in range(j)
            ]
            best = int(np.argmin(options))
            row.append(options[best])
            cut.append(best - 1)
        work.append(row)
        cuts.append(cut)
    limits = []
    last = len(levels) - 1
    for cut in reversed(cuts):
        if last < 0:
            break
        limits.append(int(levels[last]))
        last = cut[last]
    return limits[::-1]
