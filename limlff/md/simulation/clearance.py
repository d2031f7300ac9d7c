"""Room for an atom in a plane above a surface."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree


class Clearance:
    """Atoms and images that a place in a plane of constant z may be too close to.

    They are gathered once, so that many places can be tried in a short time.

    Args:
        positions: Positions of the atoms, inside the cell or not (Å).
        cell: Cell vectors as rows (Å), the first two of them in the xy plane and periodic.
        periodic: Periodicity along each cell vector.
        height: z of the plane (Å).
        distance: Distance that is to be kept to all atoms and images (Å).
    """

    def __init__(
        self,
        positions: Float[np.ndarray, "atoms 3"],
        cell: Float[np.ndarray, "3 3"],
        periodic: Bool[np.ndarray, "3"],
        height: float,
        distance: float,
    ) -> None:
        def images_of(atoms: np.ndarray) -> np.ndarray:
            near = _near_plane(atoms, cell[2], bool(periodic[2]), height, distance)
            return _lateral_images(near, cell[:2], distance)

        images, place = images_of(positions), np.array([0.0, 0.0, height])
        own = np.linalg.norm(images_of(place[None]) - place, axis=1)
        self._meets_itself = np.sum(own < distance) > 1
        self._distance = distance
        self._tree = cKDTree(images) if len(images) else None

    def allows(self, place: Float[np.ndarray, "3"]) -> bool:
        """Whether a place in the plane, within the cell's first image, keeps the distance.

        To its own images, too.
        """
        if self._meets_itself:
            return False
        return self._tree is None or bool(self._tree.query(place)[0] >= self._distance)


def _near_plane(
    positions: np.ndarray, vector: np.ndarray, periodic: bool, height: float, distance: float
) -> Float[np.ndarray, "images 3"]:
    """Atoms, and images along the third cell vector, less than a distance from the plane."""
    if periodic:
        vector = vector if vector[2] > 0 else -vector
        first = np.ceil((height - distance - positions[:, 2]) / vector[2])
        shifts = first[:, None] + np.arange(int(2 * distance / vector[2]) + 1)
        positions = (positions[:, None] + shifts[:, :, None] * vector).reshape(-1, 3)
    return positions[np.abs(positions[:, 2] - height) < distance]


def _lateral_images(
    positions: np.ndarray, plane: np.ndarray, distance: float
) -> Float[np.ndarray, "images 3"]:
    """Atoms in the first image of the plane's cell, and images around it up to a distance."""
    inverse = np.linalg.inv(plane[:, :2])
    wrapped = positions - np.floor(positions[:, :2] @ inverse) @ plane
    widths = 1.0 / np.linalg.norm(inverse, axis=0)
    reach = [np.arange(-n, n + 1) for n in (1 + distance / widths).astype(int)]
    shifts = np.stack(np.meshgrid(*reach, indexing="ij"), axis=-1).reshape(-1, 2) @ plane
    return (wrapped[:, None] + shifts).reshape(-1, 3)
