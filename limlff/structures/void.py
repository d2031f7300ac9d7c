"""Holes cut into crystals, with an exact number of missing atoms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms
from ase.geometry import find_mic
from jaxtyping import Float

from limlff.errors import InputError

Shape = Literal["sphere", "cuboid", "cylinder"]


@dataclass(frozen=True)
class Hole:
    """A hole in a structure.

    Attributes:
        centre: Where it is, in fractions of the cell vectors.
        missing_atoms: How many atoms were taken out.
        radius: Largest distance of a removed atom from the centre (Å): Euclidean for a sphere,
            along the widest axis for a cuboid (half its edge), across the axis or along it for a
            cylinder.
    """

    centre: Float[np.ndarray, "3"]
    missing_atoms: int
    radius: float


def cut_hole(
    atoms: Atoms,
    missing_atoms: int,
    shape: Shape = "sphere",
    centre: tuple[float, float, float] = (0.5, 0.5, 0.5),
    element: str | None = None,
) -> tuple[Atoms, Hole]:
    """Remove exactly so many atoms, those nearest to a point.

    Args:
        atoms: A periodic structure; it is left as it is.
        missing_atoms: Number of atoms to remove.
        shape: "sphere" ranks atoms by distance, "cuboid" by the largest of |x|, |y|, |z|,
            "cylinder", as high as it is wide, by the larger of the distance from its axis along z
            and |z|; atoms of one shell are removed in the order of distance, then of index.
        centre: Centre of the hole in fractions of the cell vectors.
        element: Chemical symbol of the atoms that may be taken out; all if left out.

    Returns:
        The structure with the hole, and the hole.

    Raises:
        InputError: If there are too few atoms, or the hole would touch its periodic image.
    """
    theirs = np.ones(len(atoms), bool) if element is None else atoms.symbols == element
    if not 0 < missing_atoms < theirs.sum():
        raise InputError(
            f"missing_atoms is {missing_atoms}; it must lie between 1 and {theirs.sum() - 1}, "
            "the number of atoms less one"
        )
    point = np.asarray(centre, float) @ atoms.cell.array
    vectors, distances = find_mic(atoms.positions - point, atoms.cell, atoms.pbc)
    size = _sizes(vectors, distances, shape)
    # Rounded, so that atoms of one shell are not ordered by rounding errors.
    order = np.lexsort((np.arange(len(atoms)), distances.round(6), size.round(6)))
    removed = order[theirs[order]][:missing_atoms]
    radius = float(size[removed].max())
    _refuse_touching_images(atoms, radius)
    kept = np.ones(len(atoms), bool)
    kept[removed] = False
    return atoms[kept], Hole(np.asarray(centre, float), missing_atoms, radius)


def _sizes(vectors: np.ndarray, distances: np.ndarray, shape: Shape) -> np.ndarray:
    """Half the width of the smallest hole about the centre that takes in each atom (Å)."""
    if shape == "sphere":
        return distances
    if shape == "cuboid":
        return np.asarray(np.abs(vectors).max(axis=1))
    return np.maximum(np.hypot(vectors[:, 0], vectors[:, 1]), np.abs(vectors[:, 2]))


def _refuse_touching_images(atoms: Atoms, radius: float) -> None:
    heights = atoms.get_volume() / np.linalg.norm(
        np.cross(atoms.cell.array[[1, 2, 0]], atoms.cell.array[[2, 0, 1]]), axis=1
    )
    if 2 * radius > 0.8 * heights.min():
        raise InputError(
            f"the hole is {2 * radius:.1f} Å wide in a cell of {heights.min():.1f} Å; it may take "
            "80 % of it: remove fewer atoms or use more cells"
        )
