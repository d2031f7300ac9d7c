"""Periodic grids over a cell: Gaussian-smeared density, dilation and connected regions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int


@dataclass(frozen=True)
class PeriodicGrid:
    """Points at equal fractions of the cell vectors, the first at the origin.

    Attributes:
        cell: Cell vectors as rows (Å).
        shape: Points along each cell vector.
    """

    cell: Float[np.ndarray, "3 3"]
    shape: tuple[int, int, int]

    @classmethod
    def with_spacing(cls, cell: Float[np.ndarray, "3 3"], spacing: float) -> PeriodicGrid:
        """Grid whose points are at most `spacing` apart along each cell vector (Å)."""
        a, b, c = (
            max(1, int(np.ceil(length / spacing))) for length in np.linalg.norm(cell, axis=1)
        )
        return cls(np.asarray(cell, float), (a, b, c))

    @property
    def volume_per_point(self) -> float:
        """Volume per grid point (Å^3)."""
        return float(abs(np.linalg.det(self.cell)) / np.prod(self.shape))

    def cartesian(self, index: Int[np.ndarray, "points 3"]) -> Float[np.ndarray, "points 3"]:
        """Positions of points given by their indices (Å)."""
        return (index / np.array(self.shape)) @ self.cell

    def smeared_density(
        self, positions: Float[np.ndarray, "atoms 3"], width: float
    ) -> Float[np.ndarray, "a b c"]:
        """Number density with every atom as a normalised Gaussian (1/Å^3).

        Args:
            positions: Positions, inside the cell or not (Å).
            width: Standard deviation of the Gaussian (Å), at least twice the spacing of the points.

        Atoms are shared among the eight points around them, and the smearing by this is divided
        out in reciprocal space.
        """
        counts = np.zeros(self.shape)
        scaled = positions @ np.linalg.inv(self.cell) * self.shape
        low = np.floor(scaled).astype(int)
        part = scaled - low
        for corner in np.ndindex(2, 2, 2):
            weight = np.prod(np.where(corner, part, 1 - part), axis=1)
            np.add.at(counts, tuple(((low + corner) % self.shape).T), weight)
        frequency = self._frequencies()
        sharing = np.prod(np.sinc(frequency / self.shape) ** 2, axis=-1)
        wave = 2 * np.pi * frequency @ np.linalg.inv(self.cell).T
        gaussian = np.exp(-0.5 * width**2 * np.sum(wave * wave, axis=-1))
        transformed = np.fft.rfftn(counts) * gaussian / sharing
        return np.fft.irfftn(transformed, self.shape, axes=(0, 1, 2)) / self.volume_per_point

    def dilated(
        self, region: Bool[np.ndarray, "a b c"], distance: float
    ) -> Bool[np.ndarray, "a b c"]:
        """Dilation: all points within a distance (Å) of a region."""
        if not region.any():
            return region
        ball = np.linalg.norm(self._offsets(), axis=-1) <= distance
        overlap = np.fft.irfftn(
            np.fft.rfftn(region.astype(float)) * np.fft.rfftn(ball.astype(float)),
            self.shape,
            axes=(0, 1, 2),
        )
        return np.asarray(overlap > 0.5)

    def connected(self, region: Bool[np.ndarray, "a b c"]) -> Int[np.ndarray, "a b c"]:
        """Labels, from 1, of the connected parts of a region, also across the periodic boundary."""
        from scipy.sparse import coo_matrix
        from scipy.sparse.csgraph import connected_components

        labels, crossings = self._parts(region)
        rows, columns = crossings[:, 0], crossings[:, 1]
        size = labels.max(initial=0) + 1
        graph = coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(size, size))
        _, merged = connected_components(graph, directed=False)
        return np.asarray(merged[labels])

    def endless(self, region: Bool[np.ndarray, "a b c"]) -> Bool[np.ndarray, "a b c"]:
        """Points of those connected parts of a region that are connected with their own images.

        A part that goes on without end through the periodic copies of the cell, such as the vacuum
        over a slab, cannot be closed in; every other part is finite, wherever the cell cuts it.
        """
        labels, crossings = self._parts(region)
        steps: dict[int, list[tuple[int, np.ndarray]]] = {}
        for one, other, axis in crossings.tolist():
            shift = np.zeros(3, int)
            shift[axis] = 1
            steps.setdefault(one, []).append((other, -shift))
            steps.setdefault(other, []).append((one, shift))
        found: set[int] = set()
        images: dict[int, np.ndarray] = {}
        for start in steps:
            if start in images:
                continue
            images[start] = np.zeros(3, int)
            part, is_endless = [start], False
            for name in part:  # which grows
                for other, shift in steps[name]:
                    image = images[name] + shift
                    if other not in images:
                        images[other] = image
                        part.append(other)
                    elif np.any(images[other] != image):
                        is_endless = True
            found |= set(part) if is_endless else set()
        return np.isin(labels, list(found)) & region

    def _parts(
        self, region: Bool[np.ndarray, "a b c"]
    ) -> tuple[Int[np.ndarray, "a b c"], Int[np.ndarray, "crossings 3"]]:
        """Parts connected within the cell, labelled from 1, and where they touch across its faces.

        Each crossing holds the part at the lower face, that at the upper one, and the axis.
        """
        from scipy import ndimage

        labels, _ = ndimage.label(region)
        crossings = [np.zeros((0, 3), int)]
        for axis in range(3):
            low, high = labels.take(0, axis), labels.take(-1, axis)
            touching = (low > 0) & (high > 0)
            both = np.unique(np.stack([low[touching], high[touching]], axis=1), axis=0)
            crossings.append(np.insert(both.astype(int), 2, axis, axis=1))
        return labels, np.concatenate(crossings)

    def _frequencies(self) -> Float[np.ndarray, "a b c/2 3"]:
        axes = [np.fft.fftfreq(n, 1 / n) for n in self.shape[:2]]
        axes.append(np.fft.rfftfreq(self.shape[2], 1 / self.shape[2]))
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1)

    def _offsets(self) -> Float[np.ndarray, "a b c 3"]:
        """Vector from the origin's nearest image to every point (Å), for cells of little skew."""
        axes = [np.fft.fftfreq(n) for n in self.shape]
        return np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1) @ self.cell
