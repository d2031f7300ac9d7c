"""Texture: how the crystal around each atom of bcc lithium is oriented to the surface.

The texture is the part of the atoms in bcc surroundings (`limlff.analysis.local_order`) whose
nearest normal of a kind, (100), (110) or (111), is within an angle of z. The kinds are at least 35
degrees apart, so that within 10 degrees an atom counts for one at most. Of randomly oriented
crystals 3 (1 - cos 10) = 4.6 % count for (100), 9.1 % for (110) and 6.1 % for (111).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limlff.analysis.crystal_rotation import crystal_rotations
from limlff.analysis.local_order import Order, classify
from limlff.errors import InputError

WITHIN = 10.0
"""Angle between z and a normal (degrees) within which an atom counts."""

VOLUME = 20.9
"""Volume of an atom of lithium at 300 K (Å^3), of which the lattice constant follows."""

_NORMALS = {
    "(100)": np.eye(3),
    "(110)": np.array([[1, 1, 0], [1, -1, 0], [1, 0, 1], [1, 0, -1], [0, 1, 1], [0, 1, -1]])
    / np.sqrt(2),
    "(111)": np.array([[1, 1, 1], [1, 1, -1], [1, -1, 1], [-1, 1, 1]]) / np.sqrt(3),
}


@dataclass(frozen=True)
class Texture:
    """Orientation of the crystal around atoms.

    Attributes:
        bcc: Atoms in bcc surroundings; only they count.
        up: Direction of z in the axes of the crystal around each atom.
    """

    bcc: Bool[np.ndarray, " atoms"]
    up: Float[np.ndarray, "atoms 3"]

    def angles(self, plane: str) -> Float[np.ndarray, " atoms"]:
        """Angle between z and the nearest normal of a kind (degrees).

        Args:
            plane: "(100)", "(110)" or "(111)".

        Raises:
            InputError: If it is none of them.
        """
        if plane not in _NORMALS:
            raise InputError(f"plane is '{plane}'; it must be one of {', '.join(_NORMALS)}")
        cosines = np.abs(self.up @ _NORMALS[plane].T).max(axis=1)
        return np.asarray(np.degrees(np.arccos(np.clip(cosines, -1, 1))))

    def fractions(self, within: float = WITHIN) -> dict[str, float]:
        """Part of the atoms in bcc surroundings with a normal of each kind near z; 0 without any.

        Args:
            within: Largest angle (degrees).
        """
        count = max(1, int(self.bcc.sum()))
        return {p: int(np.sum(self.angles(p)[self.bcc] <= within)) / count for p in _NORMALS}


def find_texture(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    volume_per_atom: float = VOLUME,
    order: Int[np.ndarray, " atoms"] | None = None,
) -> Texture:
    """Orientation of the bcc crystal around each atom of a periodic cell.

    Args:
        positions: Positions of the atoms of the film (Å).
        cell: Cell vectors as rows (Å), with vacuum where the film ends.
        volume_per_atom: Of the crystal (Å^3).
        order: Local order of the atoms, if it is known already; values of `Order`.
    """
    lattice_constant = float(np.cbrt(2 * volume_per_atom))
    rotations, fitted = crystal_rotations(positions, cell, lattice_constant)
    if order is None:
        order = classify(positions, cell, volume_per_atom)
    # a site of the crystal is at site @ rotation, so that z has these components in its axes
    return Texture((order == Order.BCC) & fitted, rotations[:, :, 2])
