"""Crystalline grains: sites of a bcc lattice in any orientation, and slabs cut from it.

Cells are orthogonal, so that a facet comes with two directions in it, along x and y: [100] and
[010] on (100), [001] and [1-10] on (110), [1-10] and [11-2] on (111).
"""

from __future__ import annotations

import itertools
import math
from typing import Literal

import numpy as np
from ase import Atoms
from ase.constraints import FixAtoms
from jaxtyping import Float
from scipy.spatial.transform import Rotation

from limlff.errors import InputError

Facet = Literal["100", "110", "111"]

_AXES = {
    "100": [(1, 0, 0), (0, 1, 0), (0, 0, 1)],
    "110": [(0, 0, 1), (1, -1, 0), (1, 1, 0)],
    "111": [(1, -1, 0), (1, 1, -2), (1, 1, 1)],
}
"""Directions of the crystal along x, y and z, by the facet that is normal to z."""

_PERIODS = {
    "100": (1.0, 1.0, 0.5),
    "110": (1.0, math.sqrt(2), 1 / math.sqrt(2)),
    "111": (math.sqrt(2), math.sqrt(6), 1 / (2 * math.sqrt(3))),
}
"""Periods along x and y, and spacing of planes along z, in lattice constants."""

BOTTOM = 1.0
"""Height of the deepest plane (Å): its atoms are not wrapped to the top of the cell by a tremor."""

_TINY = 1e-6  # by which a site may lie beyond a face, as rounding has it (Å)


def orientation(
    facet: str, angle_degrees: float = 0.0, axis: tuple[float, float, float] = (0.0, 0.0, 1.0)
) -> Float[np.ndarray, "3 3"]:
    """Rotation that takes directions of a crystal to those in the cell: v_cell = R v_crystal.

    Args:
        facet: Facet normal to z.
        angle_degrees: Angle by which the crystal is then turned (degrees).
        axis: Axis of that turn, in the cell.

    Raises:
        InputError: If there is no such facet, or the axis has no direction.
    """
    if facet not in _AXES:
        raise InputError(f"facet is {facet!r}; it must be '100', '110' or '111'")
    length = float(np.linalg.norm(axis))
    if length == 0:
        raise InputError("axis is [0, 0, 0]; give a direction, such as [0, 0, 1]")
    rows = np.array(_AXES[facet], float)
    upright = rows / np.linalg.norm(rows, axis=1)[:, None]
    turn = Rotation.from_rotvec(np.radians(angle_degrees) * np.array(axis) / length)
    return np.asarray(turn.as_matrix() @ upright)


def plane_spacing(facet: str, lattice_constant: float) -> float:
    """Distance of neighboring planes of a facet (Å)."""
    return _PERIODS[facet][2] * lattice_constant


def lattice_sites(
    lattice_constant: float,
    rotation: Float[np.ndarray, "3 3"],
    origin: Float[np.ndarray, "3"],
    low: Float[np.ndarray, "3"],
    high: Float[np.ndarray, "3"],
) -> Float[np.ndarray, "sites 3"]:
    """All sites of a bcc lattice in a box with faces across x, y and z, the upper ones left out.

    Args:
        lattice_constant: Edge of the cubic cell (Å).
        rotation: Takes directions of the crystal to those in the cell; see `orientation`.
        origin: One of the sites (Å).
        low: Lower corner of the box (Å).
        high: Upper corner (Å).
    """
    corners = np.array(list(itertools.product(*zip(low, high, strict=True))))
    inside = (corners - origin) @ rotation / lattice_constant  # in lattice constants
    first = np.floor(inside.min(axis=0)).astype(int) - 1
    last = np.ceil(inside.max(axis=0)).astype(int) + 1
    axes = [np.arange(a, b + 1) for a, b in zip(first, last, strict=True)]
    cubic = np.stack(np.meshgrid(*axes, indexing="ij"), axis=-1).reshape(-1, 3)
    sites = np.concatenate([cubic, cubic + 0.5]) * lattice_constant @ rotation.T + origin
    kept = np.all((sites >= low - _TINY) & (sites < high - _TINY), axis=1)
    return np.asarray(sites[kept])


def bcc_slab(
    element: str,
    facet: str,
    size: tuple[int, int],
    layers: int,
    lattice_constant: float,
    vacuum: float = 20.0,
    fixed_layers: int = 0,
) -> Atoms:
    """Slab of a bcc metal with two flat surfaces in an orthogonal cell, periodic in all directions.

    Args:
        element: Chemical symbol.
        facet: Orientation of the surface.
        size: Rectangular cells along x and y: a by a on (100), a by a√2 on (110), a√2 by a√6 on
            (111); they hold one, two and two atoms of each plane.
        layers: Planes of atoms.
        lattice_constant: Edge a of the cubic cell (Å).
        vacuum: Empty height between the top plane and the image of the deepest one (Å).
        fixed_layers: Deepest planes that are held (`FixAtoms`).

    Returns:
        Atoms, sorted from the deepest plane up, with tags that count planes from the top, 1, 2,
        ...; `info` says "facet", "size", "layers", "lattice_constant" and "surface".

    Raises:
        InputError: If there is no such slab.
    """
    _check_slab(size, layers, lattice_constant, vacuum, fixed_layers)
    rotation = orientation(facet)
    x, y, spacing = (part * lattice_constant for part in _PERIODS[facet])
    high = np.array([size[0] * x, size[1] * y, layers * spacing])
    sites = lattice_sites(lattice_constant, rotation, np.zeros(3), np.zeros(3), high)
    planes = np.round(sites[:, 2] / spacing).astype(int)
    order = np.lexsort((sites[:, 0].round(3), sites[:, 1].round(3), planes))
    sites[:, 2] += BOTTOM
    cell = [high[0], high[1], (layers - 1) * spacing + vacuum]
    slab = Atoms(
        f"{element}{len(sites)}", sites[order], cell=cell, pbc=True, tags=layers - planes[order]
    )
    if fixed_layers:
        slab.set_constraint(FixAtoms(mask=slab.get_tags() > layers - fixed_layers))
    slab.info = {
        "facet": f"{element}({facet})",
        "size": np.array(size),
        "layers": layers,
        "lattice_constant": lattice_constant,
        "surface": "flat",
    }
    return slab


def _check_slab(
    size: tuple[int, int], layers: int, lattice_constant: float, vacuum: float, fixed_layers: int
) -> None:
    if len(size) != 2 or min(size) < 1 or layers < 1 or not 0 <= fixed_layers <= layers:
        raise InputError(
            f"size is {list(size)} with {layers} layers, of which {fixed_layers} are fixed; give "
            "cells along x and y and layers, at least 1 of each, and no more fixed than there are"
        )
    if lattice_constant <= 0 or vacuum < 2 * BOTTOM:
        raise InputError(
            f"lattice constant is {lattice_constant} Å and vacuum {vacuum} Å; they must be "
            f"positive and at least {2 * BOTTOM:g} Å"
        )
