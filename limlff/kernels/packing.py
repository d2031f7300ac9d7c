"""The moment model's parameters in the order in which the kernel reads them."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

from limlff.kernels.contractions import HARMONICS_OF_A_TILE
from limlff.kernels.invariants import cubic_entries
from limlff.kernels.layout import Sizes
from limlff.kernels.pair_terms import padded, rows_of_pair
from limlff.models.contract import Parameters
from limlff.models.moment import MomentModel
from limlff.models.repulsion import pair_tables
from limlff.simd.products import pack_matrix


@dataclass(frozen=True)
class PackedModel:
    """What the kernel needs of a model.

    Attributes:
        weights: All weights of each element, segment by segment, in the arithmetic of the kernel.
        segments: Where the segments of weights begin, in the order in which `pack` appends them.
        widths: Widths of the net's layers: invariants, hidden layers.
        sizes: Settings and derived sizes.
        repulsion: Strength, length and reach for each pair of elements (eV Å, Å, Å); reach zero
            without repulsion.
        cutoff: Cutoff (Å).
    """

    weights: Float[np.ndarray, "elements entries"]
    segments: Int[np.ndarray, " segments"]
    widths: Int[np.ndarray, " layers"]
    sizes: Sizes
    repulsion: Float[np.ndarray, "3 elements elements"]
    cutoff: float


def pack(model: MomentModel, parameters: Parameters, dtype: str) -> PackedModel:
    """Pack the parameters of a moment model.

    Args:
        model: The model.
        parameters: Its parameters.
        dtype: Arithmetic of the kernel, "float32" or "float64".
    """
    elements, channels = len(model.elements), padded(model.channels, 4)
    radial = padded(model.radial, 2)
    harmonics = 1 + padded((model.max_degree + 1) ** 2 - 1, HARMONICS_OF_A_TILE)
    blocks = model.invariants // model.channels
    hidden = [padded(width, 2) for width in model.hidden]
    packed = [
        _pack_element(model, parameters, element, (radial, channels, blocks))
        for element in range(elements)
    ]
    segments = np.cumsum([0] + [len(part) for part in packed[0]])[:-1]
    weights = np.stack([np.concatenate(parts) for parts in packed]).astype(dtype)
    sizes = Sizes(
        elements=elements,
        radial=model.radial,
        padded_radial=radial,
        degree=model.max_degree,
        padded_harmonics=harmonics,
        pair_rows=rows_of_pair(radial, harmonics),
        channels=channels,
        invariants=blocks * channels,
        cubic_entries=len(cubic_entries(model.max_degree)),
        layers=len(hidden),
        hidden_rows=sum(hidden),
        silu=int(model.activation == "silu"),
        halvings=0 if dtype == "float32" else 4,
        weights=weights.shape[1],
    )
    tables = np.array(pair_tables(model.elements), np.float64)
    if not model.repulsion:
        tables[2] = 0.0
    return PackedModel(
        weights=weights,
        segments=segments.astype(np.int64),
        widths=np.array([blocks * channels, *hidden], np.int64),
        sizes=sizes,
        repulsion=tables,
        cutoff=float(model.cutoff),
    )


def _pack_element(
    model: MomentModel, parameters: Parameters, element: int, sizes: tuple[int, int, int]
) -> list[np.ndarray]:
    """Segments: mixing and its transpose for each degree; mean; linear; layers; the last layer."""
    radial, channels, blocks = sizes
    statistics = {
        key: np.asarray(value)[element] for key, value in parameters["statistics"].items()
    }
    mixing = np.asarray(parameters["mixing"])[element] @ statistics["whitening"]
    parts = []
    for matrix in mixing:
        by_element = matrix.reshape(model.channels, len(model.elements), model.radial)
        wide = _enlarged(by_element, (channels, len(model.elements), radial))
        flat = wide.reshape(channels, -1)
        parts += [pack_matrix(flat), pack_matrix(flat.T)]

    def per_invariant(values: np.ndarray) -> np.ndarray:
        split = values.reshape(*values.shape[:-1], blocks, model.channels)
        wide = _enlarged(split, (*values.shape[:-1], blocks, channels))
        return wide.reshape(*values.shape[:-1], -1)

    scale = statistics["scale"]
    parts.append(per_invariant(statistics["mean"]))
    parts.append(per_invariant(np.asarray(parameters["linear"])[element] * scale))
    widths = [blocks * channels, *(padded(width, 2) for width in model.hidden)]
    for index, (inputs, outputs) in enumerate(pairwise(widths)):
        layer = parameters["net"][f"layer{index}"]
        weights = np.asarray(layer["weights"])[element]
        if index == 0:
            weights = per_invariant(weights * scale)
        weights = _enlarged(weights, (outputs, inputs))
        bias = _enlarged(np.asarray(layer["bias"])[element], (outputs,))
        parts += [bias, pack_matrix(weights), pack_matrix(weights.T)]
    last = parameters["net"][f"layer{len(model.hidden)}"]
    readout = np.asarray(last["weights"])[element, 0]  # further outputs have no part in the energy
    if not model.hidden:
        readout = per_invariant(readout * scale)
    parts.append(_enlarged(readout, (widths[-1],)))
    parts.append(np.asarray(last["bias"])[element, :1])
    return parts


def _enlarged(array: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The array with zeros behind it along each axis."""
    return np.pad(array, [(0, new - old) for old, new in zip(array.shape, shape, strict=True)])
