"""A frame with what the recipe says of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Float, Int

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.training.data_settings import LabelWeights


@dataclass(frozen=True)
class LabelledFrame:
    """A frame with what the recipe says of it.

    Attributes:
        frame: Atoms and labels.
        set_name: Data set that it belongs to.
        zero: Index of its zero of energy (sets that share a zero have the same).
        weights: Factors on its labels.
    """

    frame: Frame
    set_name: str = ""
    zero: int = 0
    weights: LabelWeights = field(default_factory=LabelWeights)


def species_of_frame(frame: Frame, elements: tuple[str, ...]) -> Int[np.ndarray, " atoms"]:
    """Index of each atom's element in `elements`.

    Raises:
        InputError: If an element is not among them; the message names the frame.
    """
    index = {symbol: i for i, symbol in enumerate(elements)}
    symbols = frame.symbols
    unknown = sorted(set(symbols) - set(index))
    if unknown:
        raise InputError(
            f"{frame.origin or 'a frame'}: holds {', '.join(unknown)}, but the potential is for "
            f"{', '.join(elements)}; add the element to it or leave the frame out"
        )
    return np.array([index[symbol] for symbol in symbols], np.int32)


def label_weights(item: LabelledFrame) -> Float[np.ndarray, " kinds"]:
    """Factors on energy, forces, normal and shear stress, zero where the label is missing.

    Energy and stress of a cell that was cut out of a larger one count: they are labels of the cell
    as it is, in which the energies of atoms outside of the core are free to be what they must be.
    """
    frame, weights = item.frame, item.weights
    stressed = frame.stress is not None and frame.volume > 0
    return np.array(
        [
            weights.energy if frame.energy is not None else 0.0,
            weights.force if frame.forces is not None else 0.0,
            weights.stress if stressed else 0.0,
            weights.shear if stressed else 0.0,
        ]
    )
