"""A batch: several frames in one axis of atoms, padded to a shape."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limlff.models.contract import Neighborhoods
from limlff.models.neighborhoods import fill_neighborhoods
from limlff.training.samples import Sample


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class Batch:
    """Frames in one axis of atoms; padded ones have species -1 and weight zero.

    Attributes:
        species: Index of each atom's element, -1 for padded atoms.
        owners: Atom that each neighbor is, or is the image of.
        counts: Neighbors of each atom.
        vectors: From each atom to its neighbors (Å).
        frame: Frame slot of each atom.
        forces: Forces (eV/Å).
        is_core: As of the samples; padded atoms are in none.
        atoms: Atoms of each frame; 1 for padded frames.
        composition: Atoms of each element in each frame.
        zero: Index of the zero of energy of each frame.
        energy: Energy less the baseline (eV).
        virial: -stress * volume (eV).
        volume: Volumes (Å^3).
        weights: Factors on energy, forces, normal and shear stress of each frame.
    """

    species: Int[Array, " atoms"]
    owners: Int[Array, "neighbors atoms"]
    counts: Int[Array, " atoms"]
    vectors: Float[Array, "3 neighbors atoms"]
    frame: Int[Array, " atoms"]
    forces: Float[Array, "atoms 3"]
    is_core: Bool[Array, " atoms"]
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
        neighbors: Neighbors per atom, padding included.
        atoms: Atoms, padding included.
        frames: Frames, padding included.
    """

    neighbors: int
    atoms: int
    frames: int


def assemble_batch(samples: list[Sample], shape: Shape) -> Batch:
    """Put samples side by side and pad them to a shape (NumPy arrays)."""
    dtype = samples[0].vectors.dtype
    elements = len(samples[0].composition)
    arrays: dict[str, Any] = {
        "species": np.full(shape.atoms, -1, np.int32),
        "owners": np.zeros((shape.neighbors, shape.atoms), np.int32),
        "counts": np.zeros(shape.atoms, np.int32),
        "vectors": np.zeros((3, shape.neighbors, shape.atoms), dtype),
        "frame": np.full(shape.atoms, shape.frames - 1, np.int32),
        "forces": np.zeros((shape.atoms, 3), dtype),
        "is_core": np.zeros(shape.atoms, bool),
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
        for name in ("species", "counts", "forces", "is_core"):
            arrays[name][columns] = getattr(sample, name)
        arrays["owners"][: sample.neighbors, columns] = sample.owners + start
        arrays["vectors"][:, : sample.neighbors, columns] = sample.vectors
        arrays["frame"][columns] = slot
        arrays["atoms"][slot] = len(sample)
        for name in ("composition", "zero", "energy", "virial", "volume", "weights"):
            arrays[name][slot] = getattr(sample, name)
        start += len(sample)
    return Batch(**arrays)
