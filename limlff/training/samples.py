"""Frames as neighborhoods: pair vectors computed once, labels and their weights ready for the loss.

Vectors between neighbors are constants of a training, so the compiled step needs neither positions
nor cells. A label that is missing or left out is stored as zero with the weight zero, whatever its
value was, so that nothing of it can reach a gradient; so are the forces outside of a core.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.neighbors.pairs import find_pairs
from limlff.training.labelled_frame import LabelledFrame, label_weights, species_of_frame

LARGEST_CUTOFF = 12.0
"""Å; a model of neighborhoods with a larger cutoff is far beyond what any set was made for."""

MOST_NEIGHBORS = 400
"""Neighbors per atom; beyond this small cells consist of images and a step takes seconds."""


@dataclass(frozen=True)
class Sample:
    """One frame as the training sees it.

    Attributes:
        species: Index of each atom's element.
        owners: Atom that each neighbor is, or is the image of; 0 for padded neighbors.
        counts: Neighbors of each atom.
        vectors: From each atom to its neighbors (Å); zero for padded neighbors.
        composition: Atoms of each element.
        zero: Index of the zero of energy.
        energy: Energy less the baseline (eV).
        forces: Forces (eV/Å).
        is_core: Whether each atom is in the core, outside of which forces do not count.
        virial: -stress * volume (eV).
        volume: Volume of the cell (Å^3); 1 where there is none.
        weights: Factors on energy, forces, normal and shear stress; zero where there is no label.
    """

    species: Int[np.ndarray, " atoms"]
    owners: Int[np.ndarray, "neighbors atoms"]
    counts: Int[np.ndarray, " atoms"]
    vectors: Float[np.ndarray, "3 neighbors atoms"]
    composition: Float[np.ndarray, " elements"]
    zero: int
    energy: float
    forces: Float[np.ndarray, "atoms 3"]
    is_core: Bool[np.ndarray, " atoms"]
    virial: Float[np.ndarray, "3 3"]
    volume: float
    weights: Float[np.ndarray, " kinds"]

    def __len__(self) -> int:
        """Number of atoms."""
        return len(self.species)

    @property
    def neighbors(self) -> int:
        """Most neighbors that an atom has."""
        return int(self.owners.shape[0])


def make_samples(
    labelled: list[LabelledFrame],
    elements: tuple[str, ...],
    cutoff: float,
    baselines: Float[np.ndarray, "zeros elements"],
    dtype: str,
) -> list[Sample]:
    """Turn frames into samples.

    Args:
        labelled: Frames with their weights.
        elements: Chemical symbols of the model.
        cutoff: Its cutoff (Å).
        baselines: Energy per atom of each element that is taken off, for each zero (eV).
        dtype: Of vectors and labels.

    Raises:
        InputError: If a frame holds an unknown element, or the cutoff does not suit the frames.
    """
    if not 0 < cutoff <= LARGEST_CUTOFF:
        raise InputError(
            f"the cutoff is {cutoff} Å; it must be above 0 and at most {LARGEST_CUTOFF} Å"
        )
    return [_make_sample(item, elements, cutoff, baselines, dtype) for item in labelled]


def _make_sample(
    item: LabelledFrame,
    elements: tuple[str, ...],
    cutoff: float,
    baselines: Float[np.ndarray, "zeros elements"],
    dtype: str,
) -> Sample:
    frame = item.frame
    species = species_of_frame(frame, elements)
    owners, counts, vectors = _neighborhoods(frame, cutoff, dtype)
    composition = np.bincount(species, minlength=len(elements)).astype(float)
    weights = label_weights(item)
    energy = 0.0
    if weights[0] > 0:
        assert frame.energy is not None
        energy = float(frame.energy - composition @ baselines[item.zero])
    has_stress = bool(weights[2] > 0 or weights[3] > 0)
    virial = -np.asarray(frame.stress) * frame.volume if has_stress else np.zeros((3, 3))
    forces = np.zeros((len(frame), 3))
    if weights[1] > 0:
        assert frame.forces is not None
        forces = np.where(frame.is_core[:, None], frame.forces, 0.0)
    return Sample(
        species=species,
        owners=owners,
        counts=counts,
        vectors=vectors,
        composition=composition,
        zero=item.zero,
        energy=energy,
        forces=forces.astype(dtype),
        is_core=frame.is_core,
        virial=_used_components(virial, weights).astype(dtype),
        volume=frame.volume if has_stress else 1.0,
        weights=weights,
    )


def _used_components(
    virial: Float[np.ndarray, "3 3"], weights: Float[np.ndarray, " kinds"]
) -> Float[np.ndarray, "3 3"]:
    """The virial with the components that are left out set to zero."""
    used = np.where(np.eye(3, dtype=bool), weights[2] > 0, weights[3] > 0)
    return np.where(used, virial, 0.0)


def _neighborhoods(
    frame: Frame, cutoff: float, dtype: str
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Owners, counts and vectors of the neighbors within the cutoff."""
    pairs = find_pairs(frame.positions, frame.cell, frame.periodic, cutoff)
    counts = np.bincount(pairs.centres, minlength=len(frame)).astype(np.int32)
    most = int(counts.max(initial=0))
    if most > MOST_NEIGHBORS:
        raise InputError(
            f"{frame.origin or 'a frame'}: an atom has {most} neighbors within the cutoff of "
            f"{cutoff} Å, the limit is {MOST_NEIGHBORS}; lower the cutoff or leave the frame out"
        )
    row = np.arange(len(pairs.centres)) - np.repeat(np.cumsum(counts) - counts, counts)
    owners = np.zeros((most, len(frame)), np.int32)
    owners[row, pairs.centres] = pairs.owners
    vectors = np.zeros((3, most, len(frame)), dtype)
    separations = (
        frame.positions[pairs.owners] + pairs.shifts @ frame.cell - frame.positions[pairs.centres]
    )
    vectors[:, row, pairs.centres] = separations.T
    return owners, counts, vectors
