"""Frames for a potential to be evaluated on, several at once, and where each lies in its batch."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import jax
import numpy as np

from limlff.frames.frame import Frame
from limlff.models.contract import Parameters
from limlff.potential import Potential
from limlff.training.batches import Batch
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.packing import Packing, make_packing
from limlff.training.samples import Sample, make_samples

_BATCH_ATOMS = 512


@dataclass(frozen=True)
class FrameBatches:
    """Frames in batches, and the parameters in their arithmetic.

    Attributes:
        parameters: Of the potential's model, in the dtype of the batches.
        packing: The frames.
    """

    parameters: Parameters
    packing: Packing

    def __iter__(self) -> Iterator[tuple[Batch, list[tuple[int, Sample, slice]]]]:
        """Each batch with its frames in order: index, sample, and which atoms are its own."""
        samples = self.packing.samples
        for shape, members in self.packing.plan(None):
            ends = np.cumsum([len(samples[index]) for index in members]).tolist()
            own = [slice(end - len(samples[i]), end) for i, end in zip(members, ends, strict=True)]
            located = [(i, samples[i], atoms) for i, atoms in zip(members, own, strict=True)]
            yield self.packing.assemble(shape, members), located


def frame_batches(
    potential: Potential, frames: Sequence[Frame], dtype: str, shapes: int = 1
) -> FrameBatches:
    """Batches of frames, whose energies are the model's without the baseline.

    Args:
        potential: The potential.
        frames: At least one frame, with or without labels.
        dtype: Arithmetic of the model.
        shapes: Most shapes of batches; each is compiled.

    Raises:
        InputError: If a frame holds an element that the potential does not know.
    """
    labelled = [LabelledFrame(frame) for frame in frames]
    unshifted = np.zeros((1, len(potential.elements)))
    samples = make_samples(labelled, potential.elements, potential.cutoff, unshifted, dtype)
    packing = make_packing(samples, max(_BATCH_ATOMS, *map(len, samples)), shapes)
    parameters = jax.tree.map(lambda leaf: jax.numpy.asarray(leaf, dtype), potential.parameters)
    return FrameBatches(parameters, packing)
