"""Order of a film: in the plane of each layer, and of the crystal that its layers make."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from limlff.analysis.film import NO_LAYER, Film
from limlff.analysis.local_order import Order, classify
from limlff.analysis.plane_order import find_grains, plane_order
from limlff.analysis.similarity import Similarity
from limlff.analysis.texture import VOLUME, find_texture


@dataclass(frozen=True)
class LayerOrder:
    """Order in the plane of a layer.

    Attributes:
        layer: Its number.
        psi_4: Mean of |psi_4| over its atoms.
        psi_6: The same of |psi_6|.
        grains: Atoms of each of its grains, the largest first.
    """

    layer: int
    psi_4: float
    psi_6: float
    grains: list[int]


@dataclass(frozen=True)
class Crystal:
    """Local order and texture of a film.

    Attributes:
        local_order: Part of its atoms in each kind of local order, by name.
        bcc_atoms: Atoms in bcc surroundings.
        texture: Part of these with a normal of each kind within 10 degrees of z.
    """

    local_order: dict[str, float]
    bcc_atoms: int
    texture: dict[str, float]


def order_of_layers(film: Film, similarity: Similarity) -> list[LayerOrder]:
    """Order in the plane of all layers, from the lowest up.

    Args:
        film: The film.
        similarity: Of all its atoms to nets; tells the angles by which grains differ.
    """
    psi_4, psi_6 = (np.abs(plane_order(similarity.neighbors, fold)) for fold in (4, 6))
    grain = find_grains(similarity).grain
    layers = []
    for number in film.numbers:
        members = film.layers == number
        sizes = np.unique(grain[members & (grain >= 0)], return_counts=True)[1]
        layers.append(
            LayerOrder(
                number,
                float(psi_4[members].mean()),
                float(psi_6[members].mean()),
                np.sort(sizes)[::-1].tolist(),
            )
        )
    return layers


def crystal_of(film: Film) -> Crystal | None:
    """Local order and texture of a film; None if it has no atoms."""
    positions = film.atoms.positions[film.of(film.element) & (film.layers != NO_LAYER)]
    if len(positions) == 0:
        return None
    cell = film.atoms.cell.array
    order = classify(positions, cell, VOLUME)
    texture = find_texture(positions, cell, VOLUME, order)
    return Crystal(parts_of(order), int(texture.bcc.sum()), texture.fractions())


def parts_of(order: np.ndarray) -> dict[str, float]:
    """Part of the atoms in each kind of local order, by its name in small letters."""
    return {kind.name.lower(): float(np.mean(order == kind)) for kind in Order}
