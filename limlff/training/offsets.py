"""Zeros of energy: the baseline per element, and how sets with different zeros are merged.

DFT energies of different origin differ by a constant per atom of each element. The first zero that
holds an element is the reference for it; every later one has a free offset. Baseline and offsets
are fitted to the compositions by least squares before the training, so that the model learns small
differences that float32 resolves; the free offsets are then trained with the model, because the
mean binding energy of two sets may differ for good reason. At the end both are fitted once more, to
the energies of the potential in float64.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from limlff.training.labelled_frame import LabelledFrame, label_weights, species_of_frame


def count_zeros(labelled: list[LabelledFrame]) -> int:
    """Number of different zeros of energy."""
    return 1 + max(item.zero for item in labelled)


def free_offsets(
    labelled: list[LabelledFrame], elements: tuple[str, ...]
) -> Bool[np.ndarray, "zeros elements"]:
    """For which zero and element an offset is free: where an earlier zero holds the element too."""
    present = np.zeros((count_zeros(labelled), len(elements)), bool)
    for item in labelled:
        if label_weights(item)[0] > 0:
            present[item.zero, species_of_frame(item.frame, elements)] = True
    earlier = np.cumsum(present, axis=0) - present > 0
    return present & earlier


def fit_baseline(
    labelled: list[LabelledFrame],
    energies: list[float],
    elements: tuple[str, ...],
    free: Bool[np.ndarray, "zeros elements"],
) -> tuple[Float[np.ndarray, " elements"], Float[np.ndarray, "zeros elements"]]:
    """Least-squares energy per atom of each element, and offset of each zero from it.

    Args:
        labelled: Frames; those without an energy to train on are ignored.
        energies: What is fitted for each frame: its energy, or what is left of it (eV).
        elements: Chemical symbols.
        free: Where an offset is fitted, of `free_offsets`.

    Returns:
        Baseline (eV), 0 for an element that no frame with an energy holds, and offsets (eV), 0
        where none is free. Among equally good solutions the smallest is taken.
    """
    number, offsets = len(elements), int(free.sum())
    columns = np.full(free.shape, -1)
    columns[free] = number + np.arange(offsets)
    rows, targets = [], []
    for item, energy in zip(labelled, energies, strict=True):
        weight = label_weights(item)[0]
        if weight == 0:
            continue
        composition = np.bincount(species_of_frame(item.frame, elements), minlength=number)
        row = np.zeros(number + offsets)
        row[:number] = composition
        has_offset = free[item.zero]
        row[columns[item.zero][has_offset]] = composition[has_offset]
        scale = np.sqrt(weight) / len(item.frame)  # residuals are per atom, as in the loss
        rows.append(row * scale)
        targets.append(energy * scale)
    shifts = np.zeros(free.shape)
    if not rows:
        return np.zeros(number), shifts
    solution = np.linalg.lstsq(np.array(rows), np.array(targets), rcond=None)[0]
    shifts[free] = solution[number:]
    return solution[:number], shifts
