"""Two grains of a bcc metal, and a bcc metal between two faces of copper: both without vacuum."""

from __future__ import annotations

import math
from typing import Literal

import numpy as np
from ase import Atoms
from ase.build import make_supercell

from limlff.errors import InputError
from limlff.structures.film import CONTACT, bcc_film, bcc_planes, fitting_size
from limlff.structures.lattice import bcc_supercell
from limlff.structures.slab import Facet, fcc_slab

TiltPlane = Literal["210", "310"]
"""Mirror planes of symmetric tilt boundaries about [001]: Σ5 (210), 53.1°, and Σ5 (310), 36.9°."""


def tilt_bicrystal(
    element: str, lattice_constant: float, plane: TiltPlane, edges: tuple[float, float, float]
) -> Atoms:
    """Two grains that mirror each other in symmetric tilt boundaries, periodic in all directions.

    One boundary lies at z = 0, the other one in the middle of the cell; the tilt axis [001] is
    along x. The planes at which the grains mirror each other belong to both, as in the coincidence
    site lattice; how the boundaries relax is left to dynamics.

    Args:
        element: Chemical symbol.
        lattice_constant: Edge of the cubic cell (Å).
        plane: The mirror plane.
        edges: Least edges of the cell (Å), the third one of each grain.

    Raises:
        InputError: If the plane is none of these.
    """
    if plane not in ("210", "310"):
        raise InputError(f"the boundary plane is {plane!r}; it must be '210' or '310'")
    h, k, _ = map(int, plane)
    # rows along x = [001], y = [k -h 0], z = [h k 0]; det 1 so that it stays right-handed
    rows = np.array([[0, 0, 1], [k, -h, 0], [h, k, 0]])
    cubic = bcc_supercell(element, lattice_constant, (1, 1, 1))
    turned = make_supercell(cubic, rows * math.copysign(1, np.linalg.det(rows)))
    cell = np.diag(np.linalg.norm(turned.cell.array, axis=1))
    grain = Atoms(turned.symbols, cell=cell, scaled_positions=turned.get_scaled_positions(),
                  pbc=True)  # fmt: skip
    repeats = [max(1, math.ceil(edge / side - 1e-9))
               for edge, side in zip(edges, np.diag(cell), strict=True)]  # fmt: skip
    grain = grain.repeat(repeats)
    height = float(grain.cell[2, 2])
    grain.positions[:, 2] -= height * np.floor(grain.positions[:, 2] / height + 1e-9)
    mirrored = grain.copy()
    # planes from 0 up to the height, and from there on down to 0: both ends are mirror planes
    mirrored.positions[:, 2] = (-grain.positions[:, 2]) % (2 * height)
    apart = grain.positions[:, 2] > 1e-6
    mirrored = mirrored[apart]
    both = grain + mirrored + _end_plane(grain, height)
    both.set_cell([*grain.cell.lengths()[:2], 2 * height])
    both.wrap()
    return both


def _end_plane(grain: Atoms, height: float) -> Atoms:
    """The plane that both grains share in the middle: that of z = 0, a period of the lattice on."""
    plane = grain[grain.positions[:, 2] < 1e-6]
    plane.positions[:, 2] += height
    return plane


def copper_sandwich(
    element: str,
    lattice_constant: float,
    facet: Facet,
    edges: tuple[float, float, float],
    copper_layers: int,
    copper_constant: float,
    max_strain_percent: float = 2.0,
) -> Atoms:
    """A bcc metal in the orientation (110) between two faces of copper, periodic in all directions.

    The middle of the copper lies at z = 0. The film is strained so that it fits the copper.

    Args:
        element: Chemical symbol of the film.
        lattice_constant: Edge of its cubic cell (Å).
        facet: Facet of copper.
        edges: Least edges along x and y, and least thickness of the film (Å).
        copper_layers: Planes of copper.
        copper_constant: Edge of its cubic cell (Å).
        max_strain_percent: Largest strain of the film (%).

    Raises:
        InputError: If no cell up to nine surface cells larger fits within the strain.
    """
    one = fcc_slab("Cu", facet, (1, 2 if facet == "111" else 1), 2, copper_constant)
    sides = one.cell.lengths()[:2] / (1, 2 if facet == "111" else 1)
    x, y = (max(2, math.ceil(edge / side - 1e-9)) for edge, side in zip(edges, sides, strict=False))
    slab = fcc_slab("Cu", facet, (x, y + y % 2), copper_layers, copper_constant)
    layers = max(3, math.ceil(edges[2] * math.sqrt(2) / lattice_constant))
    plane = bcc_planes(element, "110", 1, lattice_constant)
    size = fitting_size(slab, plane, max_strain_percent)
    if size is None:
        raise InputError(
            f"no {element}(110) fits Cu({facet}) of {x} x {y} surface cells or a few more within "
            f"{max_strain_percent:g} %; raise max_strain_percent"
        )
    slab = fcc_slab("Cu", facet, size, copper_layers, copper_constant)
    both, _ = bcc_film(slab, element, "110", layers, lattice_constant, max_strain_percent)
    copper = both.symbols == "Cu"
    heights = both.positions[:, 2]
    middle = float(0.5 * (heights[copper].min() + heights[copper].max()))
    gap = float(heights[~copper].min() - heights[copper].max())
    both.set_cell([*both.cell.array[:2], [0, 0, np.ptp(heights) + max(gap, 0.5 * CONTACT)]])
    both.positions[:, 2] -= middle
    both.set_constraint()
    both.wrap()
    return Atoms(both.symbols, positions=both.positions, cell=both.cell, pbc=True)
