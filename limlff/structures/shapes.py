"""Shapes of dendrites: bodies of revolution that stand on a plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from jaxtyping import Bool, Float


class Shape(Protocol):
    """A body on the plane z = 0, with its axis along z.

    Attributes:
        height: Its height (Å).
        width: Its largest radius (Å).
        volume: Its volume (Å^3).
    """

    @property
    def height(self) -> float:
        """Height (Å)."""

    @property
    def width(self) -> float:
        """Largest radius (Å)."""

    @property
    def volume(self) -> float:
        """Volume (Å^3)."""

    def holds(self, points: Float[np.ndarray, "points 3"]) -> Bool[np.ndarray, " points"]:
        """Which points lie in it."""


@dataclass(frozen=True)
class HemisphereShape:
    """Half a sphere.

    Attributes:
        radius: Its radius (Å).
    """

    radius: float

    @property
    def height(self) -> float:
        """Height (Å)."""
        return self.radius

    @property
    def width(self) -> float:
        """Largest radius (Å)."""
        return self.radius

    @property
    def volume(self) -> float:
        """Volume (Å^3)."""
        return 2 / 3 * math.pi * self.radius**3

    def holds(self, points: Float[np.ndarray, "points 3"]) -> Bool[np.ndarray, " points"]:
        """Which points lie in it."""
        return np.asarray((points[:, 2] >= 0) & (np.sum(points**2, axis=1) <= self.radius**2))


@dataclass(frozen=True)
class NeedleShape:
    """A cylinder with a round tip.

    Attributes:
        radius: Radius of the cylinder and of the tip (Å).
        height: Height with the tip (Å), at least the radius.
    """

    radius: float
    height: float

    @property
    def width(self) -> float:
        """Largest radius (Å)."""
        return self.radius

    @property
    def volume(self) -> float:
        """Volume (Å^3)."""
        return math.pi * self.radius**2 * (self.height - self.radius / 3)

    def holds(self, points: Float[np.ndarray, "points 3"]) -> Bool[np.ndarray, " points"]:
        """Which points lie in it."""
        above = np.maximum(points[:, 2] - (self.height - self.radius), 0)
        from_axis = np.sum(points[:, :2] ** 2, axis=1) + above**2
        return np.asarray((points[:, 2] >= 0) & (from_axis <= self.radius**2))


@dataclass(frozen=True)
class MushroomShape:
    """A stem, and on it half a sphere that overhangs.

    Attributes:
        stem_radius: Radius of the stem (Å).
        stem_height: Its height (Å).
        cap_radius: Radius of the half sphere (Å).
    """

    stem_radius: float
    stem_height: float
    cap_radius: float

    @property
    def height(self) -> float:
        """Height (Å)."""
        return self.stem_height + self.cap_radius

    @property
    def width(self) -> float:
        """Largest radius (Å)."""
        return max(self.cap_radius, self.stem_radius)

    @property
    def volume(self) -> float:
        """Volume (Å^3)."""
        stem = math.pi * self.stem_radius**2 * self.stem_height
        return stem + 2 / 3 * math.pi * self.cap_radius**3

    def holds(self, points: Float[np.ndarray, "points 3"]) -> Bool[np.ndarray, " points"]:
        """Which points lie in it."""
        cap = HemisphereShape(self.cap_radius).holds(points - [0, 0, self.stem_height])
        is_low = (points[:, 2] >= 0) & (points[:, 2] < self.stem_height)
        stem = is_low & (np.sum(points[:, :2] ** 2, axis=1) <= self.stem_radius**2)
        return np.asarray(cap | stem)
