"""Layers by the heights of their atoms, robust against thermal motion and rough fronts.

The heights are smeared into a density; its minima are the boundaries of layers where they are deep,
that is below `DEEPEST` of the lower of the two maxima beside them, and by more than 1.5 times the
noise that so few atoms have. Boundaries that are not are taken away, the shallowest first. What
then is thicker than `THICKEST`, a liquid for example, has no layers of its own and is cut into
equal slices, so that its areal density and order can be compared with those of layers.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from jaxtyping import Float, Int

SMEARING = 0.15
"""Standard deviation of the Gaussian that stands for an atom (Å); layers of Li(111) are 0.99 Å
apart, and atoms of lithium vibrate by 0.25 Å at 300 K."""

DEEPEST = 0.75
"""Part of the lower maximum that the minimum between two layers has at most."""

THICKEST = 3.4
"""Extent of a layer (Å) beyond which it is cut into slices; layers of Li(110) are 2.43 Å apart."""

SLICE = 2.4
"""Thickness of a slice, about (Å)."""

_BIN = 0.04
_SIGNIFICANT = 1.5  # standard deviations of the noise


def layers_of_heights(heights: Float[np.ndarray, " atoms"]) -> Int[np.ndarray, " atoms"]:
    """Number of the layer of each atom, from 0 upwards without gaps.

    Args:
        heights: Heights (Å), in any order.
    """
    if len(heights) == 0:
        return np.zeros(0, int)
    boundaries = layer_boundaries(heights)
    return np.unique(np.searchsorted(boundaries, heights), return_inverse=True)[1].reshape(-1)


def layer_boundaries(heights: Float[np.ndarray, " atoms"]) -> Float[np.ndarray, " boundaries"]:
    """Heights that part the layers, in rising order (Å); none if there is one layer.

    Args:
        heights: Heights (Å), at least one.
    """
    boundaries = _minima(heights)
    edges = np.concatenate([[heights.min()], boundaries, [heights.max()]])
    for low, high in pairwise(edges):
        inside = heights[(heights >= low) & (heights <= high)]
        if len(inside) and np.ptp(inside) > THICKEST:
            slices = max(2, round(np.ptp(inside) / SLICE))
            cuts = np.linspace(inside.min(), inside.max(), slices + 1)[1:-1]
            boundaries = np.union1d(boundaries, cuts)
    return boundaries


def _minima(heights: np.ndarray) -> np.ndarray:
    """Heights of the deep minima of the smeared density."""
    grid, density = smeared_heights(heights)
    inner = density[1:-1]
    top = 1 + np.flatnonzero((inner > density[:-2]) & (inner >= density[2:]))
    maxima = list(density[top])
    places = [low + int(np.argmin(density[low:high])) for low, high in pairwise(top)]
    # variance of a density that is smeared by a Gaussian, for independent atoms
    noise = 1 / (2 * np.sqrt(np.pi) * SMEARING)
    while places:
        lower = np.minimum(maxima[:-1], maxima[1:])
        valley = density[places]
        excess = lower - valley - _SIGNIFICANT * np.sqrt(noise * (lower + valley))
        shallow = np.maximum(valley - DEEPEST * lower, -excess) / lower
        worst = int(np.argmax(shallow))
        if shallow[worst] <= 0:
            break
        del places[worst]
        maxima[worst : worst + 2] = [max(maxima[worst : worst + 2])]
    return np.asarray(grid[places])


def smeared_heights(
    heights: Float[np.ndarray, " atoms"],
) -> tuple[Float[np.ndarray, " points"], Float[np.ndarray, " points"]]:
    """Heights (Å) and the number of atoms per Å there, each atom a Gaussian."""
    margin = 5 * SMEARING
    start = heights.min() - margin
    bins = int(np.ceil((np.ptp(heights) + 2 * margin) / _BIN)) + 1
    counts = np.bincount(((heights - start) / _BIN).astype(int), minlength=bins)
    reach = np.arange(-int(margin / _BIN), int(margin / _BIN) + 1) * _BIN
    kernel = np.exp(-0.5 * (reach / SMEARING) ** 2)
    density = np.convolve(counts, kernel / kernel.sum() / _BIN, mode="same")
    return start + (np.arange(bins) + 0.5) * _BIN, density
