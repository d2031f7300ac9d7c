"""Meshes of k-points with the same spacing in every cell."""

from __future__ import annotations

import numpy as np

from limlff.frames.frame import Frame

VACUUM_LENGTH = 12.0
"""A cell with a vacuum along one of its vectors is longer than this along it (Å)."""

VACUUM_WIDTH = 6.0
"""Width of an empty layer across which no electrons hop (Å)."""


def k_point_mesh(frame: Frame, spacing: float, tolerance: float) -> list[int]:
    """Points of a Gamma-centred mesh along each reciprocal vector.

    Args:
        frame: The structure. Along a cell vector that is not periodic, or along which there is a
            vacuum, one point does.
        spacing: Distance of the points (1/Å), the factor 2 pi included.
        tolerance: Part of a further point that is left out: a mesh of 4.3 points becomes one of 4,
            where it is 0.3.
    """
    reciprocal = 2 * np.pi * np.linalg.norm(np.linalg.inv(frame.cell), axis=0)
    mesh = [max(1, int(np.ceil(length / spacing - tolerance))) for length in reciprocal]
    return [
        points if frame.periodic[axis] and not has_vacuum(frame, axis) else 1
        for axis, points in enumerate(mesh)
    ]


def has_vacuum(frame: Frame, axis: int) -> bool:
    """Whether there is an empty layer along a cell vector."""
    length = float(np.linalg.norm(frame.cell[axis]))
    fractions = (frame.positions @ np.linalg.inv(frame.cell))[:, axis] % 1.0
    heights = np.sort(fractions * length)
    gaps = np.diff(np.append(heights, heights[0] + length))
    return bool(length > VACUUM_LENGTH and gaps.max() > VACUUM_WIDTH)
