"""What each layer of a film is: atoms, areal density, roughness, coverage and islands.

Coverage is the part of the area that is not open. Open is where discs of `DISC` lie that hold the
centre of no atom, less a rim of `ATOM_RADIUS` that belongs to the atoms around. In a full layer of
any plane of lithium no such disc fits (the largest hollow, of Li(111), is 2.8 Å wide), nor does it
into a single vacancy. An island is a set of atoms of a layer with steps of at most `BOND` in the
plane from one to the next.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Float, Int
from scipy import fft
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from limlff.analysis.film import NO_LAYER, Film
from limlff.analysis.plane_neighbors import plane_pairs

DISC = 3.4
"""Radius of the discs that find open area (Å)."""

ATOM_RADIUS = 1.5
"""Half the distance of neighbors in lithium (Å)."""

BOND = 4.2
"""Largest distance in the plane of neighbors in an island (Å), between two shells of bcc Li."""

_SPACING = 0.5  # of the points where it is asked whether they are open (Å)


@dataclass(frozen=True)
class Layer:
    """One layer.

    Attributes:
        number: Its number, from 1 at the interface upwards, 0 and below in the substrate.
        atoms: Atoms of each element.
        height: Mean height above the interface plane, or above the lowest layer without one (Å).
        roughness: Root mean square deviation from it (Å).
        density: All its atoms per area (1/Å^2).
        coverage: Part of the area that it covers.
        islands: Atoms of each of its islands, the largest first.
    """

    number: int
    atoms: dict[str, int]
    height: float
    roughness: float
    density: float
    coverage: float
    islands: list[int]


def measure_layers(film: Film) -> list[Layer]:
    """All layers, from the lowest up."""
    origin = film.heights[film.layers == min(film.numbers)].mean()
    if film.interface is not None:
        origin = film.interface.height
    cell = film.atoms.cell.array
    islands = find_islands(film.atoms.positions, cell, film.layers)
    there = film.layers != NO_LAYER
    ranks = np.unique(film.layers[there], return_inverse=True)[1].reshape(-1)
    covered = coverages(film.atoms.positions[there], cell, ranks)
    layers = []
    for number, part in zip(film.numbers, covered, strict=True):
        members = film.layers == number
        heights = film.heights[members] - origin
        layers.append(
            Layer(
                number,
                _count_elements(film.atoms.numbers[members]),
                float(heights.mean()),
                float(heights.std()),
                int(members.sum()) / film.area,
                float(part),
                sorted(np.unique(islands[members], return_counts=True)[1].tolist(), reverse=True),
            )
        )
    return layers


def coverages(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    layers: Int[np.ndarray, " atoms"],
) -> Float[np.ndarray, " layers"]:
    """Part of the area of a cell that each layer covers, seen along z.

    Args:
        positions: Positions (Å); periodic along the first two cell vectors.
        cell: Cell vectors as rows (Å), the first two in the plane of x and y.
        layers: A number for each atom, from 0 without gaps.
    """
    plane = np.asarray(cell, float)[:2, :2]
    lengths = np.linalg.norm(plane, axis=1)
    shape = np.maximum(1, np.ceil(lengths / _SPACING)).astype(int)
    nearest = np.round(positions[:, :2] @ np.linalg.inv(plane) * shape).astype(int) % shape
    occupied = np.zeros((layers.max() + 1, *shape))
    occupied[layers, nearest[:, 0], nearest[:, 1]] = 1
    hollow = 1 - _spread(occupied, _disc(plane, shape, DISC))
    return np.asarray(
        1 - _spread(hollow, _disc(plane, shape, DISC - ATOM_RADIUS)).mean(axis=(1, 2))
    )


def _disc(plane: np.ndarray, shape: np.ndarray, radius: float) -> np.ndarray:
    """Points of a periodic grid that are within a radius of the first one."""
    parts = np.stack(np.meshgrid(*(np.fft.fftfreq(n) for n in shape), indexing="ij"), axis=-1)
    # the nearest image by fractions is not the nearest one in a skewed cell
    images = np.stack(np.meshgrid([-1, 0, 1], [-1, 0, 1], indexing="ij"), axis=-1).reshape(-1, 2)
    squares = [np.sum(((parts + image) @ plane) ** 2, axis=-1) for image in images]
    return np.asarray(np.min(squares, axis=0) <= radius**2, float)


def _spread(region: np.ndarray, disc: np.ndarray) -> np.ndarray:
    """Points within the disc around any point of a region: 1, others: 0."""
    overlap = fft.irfft2(fft.rfft2(region) * fft.rfft2(disc), s=disc.shape)
    return (overlap > 0.5).astype(float)


def find_islands(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    layers: Int[np.ndarray, " atoms"],
    bond: float = BOND,
) -> Int[np.ndarray, " atoms"]:
    """Number of the island of each atom, from 0; an island is within one layer.

    Args:
        positions: Positions (Å); periodic along the first two cell vectors.
        cell: Cell vectors as rows (Å), the first two in the plane of x and y.
        layers: A number for each atom; equal for those of one layer.
        bond: Largest distance of neighbors in the plane (Å).
    """
    first, second, _ = plane_pairs(positions, cell, layers, bond)
    shape = (len(positions), len(positions))
    graph = coo_matrix((np.ones(len(first)), (first, second)), shape=shape)
    return np.asarray(connected_components(graph, directed=False)[1])


def _count_elements(numbers: np.ndarray) -> dict[str, int]:
    found, counts = np.unique(numbers, return_counts=True)
    return {chemical_symbols[n]: int(count) for n, count in zip(found, counts, strict=True)}
