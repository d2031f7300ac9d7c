"""Angles between orientations of cubic crystals, and their means.

A cubic crystal looks alike after 24 rotations, so that an orientation is any of 24 matrices, and
the misorientation of two is the smallest angle that takes one of the first to one of the second. It
is at most 62.8 degrees.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.spatial.transform import Rotation

SYMMETRY: Float[np.ndarray, "24 3 3"] = Rotation.create_group("O").as_matrix()
"""Rotations of a cube onto itself."""


def misorientation(
    first: Float[np.ndarray, "*pairs 3 3"], second: Float[np.ndarray, "*pairs 3 3"]
) -> Float[np.ndarray, "*pairs"]:
    """Angle between orientations of cubic crystals (degrees).

    Args:
        first: Rotations from the crystal to the cell, v_cell = R v_crystal.
        second: The same; arrays of both are matched as NumPy does.
    """
    between = np.swapaxes(second, -1, -2) @ first
    trace = np.einsum("sij,...ji->...s", SYMMETRY, between).max(axis=-1)
    return np.asarray(np.degrees(np.arccos(np.clip(0.5 * (trace - 1), -1, 1))))


def mean_orientation(rotations: Float[np.ndarray, "atoms 3 3"]) -> Float[np.ndarray, "3 3"]:
    """Mean of orientations that are near each other, but for the crystal's symmetry.

    Args:
        rotations: Rotations from the crystal to the cell, at least one.
    """
    between = np.swapaxes(rotations, -1, -2) @ rotations[0]
    # S with the largest trace of R0 S^T R^T is the one that makes R S nearest to R0
    alike = np.einsum("sij,nij->ns", SYMMETRY, between).argmax(axis=1)
    return np.asarray(Rotation.from_matrix(rotations @ SYMMETRY[alike]).mean().as_matrix())
