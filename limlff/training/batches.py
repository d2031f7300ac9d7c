"""Batches: several frames in one axis of atoms, padded to few shapes.

Frames are sorted into buckets by the neighbor slots they need; in each bucket they are packed, in a
shuffled order, into batches with the same number of atom slots and frame slots. So each bucket is
compiled once, and little work is spent on empty slots.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limlff.errors import InputError
from limlff.models.contract import Neighborhoods
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.training.samples import Sample

_OPEN_BATCHES = 8  # batches that packing keeps open; more fill better but mix less


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Batch:
    """Frames in one axis of atoms; empty slots have species -1 and weight zero.

    Attributes:
        species: Index of each atom's element, -1 in empty slots.
        owners: Atom that each neighbor is, or is the image of.
        counts: Neighbors of each atom.
        vectors: From each atom to its neighbors (Å).
        frame: Frame slot of each atom.
        forces: Forces (eV/Å).
        atoms: Atoms of each frame; 1 in empty slots.
        composition: Atoms of each element in each frame.
        zero: Index of the zero of energy of each frame.
        energy: Energy less the baseline (eV).
        virial: -stress * volume (eV).
        volume: Volumes (Å^3).
        weights: Factors on energy, forces, normal and shear stress of each frame.
    """

    species: Int[Array, " atoms"]
    owners: Int[Array, "slots atoms"]
    counts: Int[Array, " atoms"]
    vectors: Float[Array, "3 slots atoms"]
    frame: Int[Array, " atoms"]
    forces: Float[Array, "atoms 3"]
    atoms: Float[Array, " frames"]
    composition: Float[Array, "frames elements"]
    zero: Int[Array, " frames"]
    energy: Float[Array, " frames"]
    virial: Float[Array, "frames 3 3"]
    volume: Float[Array, " frames"]
    weights: Float[Array, "frames 4"]

    def around(self, cutoff: float) -> Neighborhoods:
        """The atoms and their neighbors, for a model of this cutoff (Å)."""
        mask = jnp.arange(self.owners.shape[0])[:, None] < self.counts[None, :]
        species = jnp.asarray(self.species)
        return fill_neighborhoods(cutoff, species, self.owners, self.vectors, mask)


@dataclass(frozen=True)
class Shape:
    """Sizes of a batch.

    Attributes:
        slots: Neighbors per atom.
        atoms: Atom slots.
        frames: Frame slots.
    """

    slots: int
    atoms: int
    frames: int


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
    """Sort samples into at most `shapes` buckets that waste the least on empty slots.

    Args:
        samples: The samples.
        batch_atoms: Atom slots of a batch.
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
    needed = np.array([max(sample.slots, 1) for sample in samples])
    sizes = np.array([len(sample) for sample in samples])
    limits = choose_limits(needed, sizes, shapes)
    buckets = []
    for lower, upper in zip([0, *limits[:-1]], limits, strict=True):
        members = [int(i) for i in np.flatnonzero((needed > lower) & (needed <= upper))]
        total = int(sizes[members].sum())
        atoms = min(batch_atoms, total)
        # room for half as many again as an average batch holds, so that small frames seldom end one
        frames = min(len(members), int(np.ceil(1.5 * atoms * len(members) / total)) + 1)
        buckets.append((Shape(slots=upper, atoms=atoms, frames=frames), members))
    return Packing(samples, buckets)


def choose_limits(
    needed: Int[np.ndarray, " frames"], sizes: Int[np.ndarray, " frames"], shapes: int
) -> list[int]:
    """Neighbor slots of each bucket such that the sum of atoms times slots is smallest.

    Args:
        needed: Slots that each frame needs.
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


def assemble_batch(samples: list[Sample], shape: Shape) -> Batch:
    """Put samples side by side and pad them to a shape (NumPy arrays)."""
    dtype = samples[0].vectors.dtype
    elements = len(samples[0].composition)
    arrays: dict[str, Any] = {
        "species": np.full(shape.atoms, -1, np.int32),
        "owners": np.zeros((shape.slots, shape.atoms), np.int32),
        "counts": np.zeros(shape.atoms, np.int32),
        "vectors": np.zeros((3, shape.slots, shape.atoms), dtype),
        "frame": np.full(shape.atoms, shape.frames - 1, np.int32),
        "forces": np.zeros((shape.atoms, 3), dtype),
        "atoms": np.ones(shape.frames, dtype),
        "composition": np.zeros((shape.frames, elements), dtype),
        "zero": np.zeros(shape.frames, np.int32),
        "energy": np.zeros(shape.frames, dtype),
        "virial": np.zeros((shape.frames, 3, 3), dtype),
        "volume": np.ones(shape.frames, dtype),
        "weights": np.zeros((shape.frames, 4), dtype),
    }
    start = 0
    for slot, sample in enumerate(samples):
        columns = slice(start, start + len(sample))
        for name in ("species", "counts", "forces"):
            arrays[name][columns] = getattr(sample, name)
        arrays["owners"][: sample.slots, columns] = sample.owners + start
        arrays["vectors"][:, : sample.slots, columns] = sample.vectors
        arrays["frame"][columns] = slot
        arrays["atoms"][slot] = len(sample)
        for name in ("composition", "zero", "energy", "virial", "volume", "weights"):
            arrays[name][slot] = getattr(sample, name)
        start += len(sample)
    return Batch(**arrays)
