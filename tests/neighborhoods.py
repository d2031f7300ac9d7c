"""Neighborhoods of atoms at no place in particular, for tests of models that are local."""

from __future__ import annotations

import numpy as np

from limlff.models.contract import Neighborhoods


def neighborhoods_without_owners(
    species: np.ndarray, neighbor_species: np.ndarray, vectors: np.ndarray, mask: np.ndarray
) -> Neighborhoods:
    """Of plain arrays; who the neighbors are is not told, which a local model does not need."""
    owners = np.zeros(neighbor_species.shape, np.int32)
    return Neighborhoods(species, neighbor_species, owners, vectors, mask)
