"""Slabs of an fcc metal, and what their surfaces may bear: steps, islands, missing rows, vacancies.

Cells are orthogonal: the surface lies in the xy plane, the vacuum along z, the deepest plane just
above the bottom of the cell. Close-packed rows run along x on (100) and (111), along y on (110).
Tags count planes of the metal from the top, 1, 2, ..., also after atoms have been cut away, which
is how features are made: a slab is built with more planes, and the topmost are cut to shape.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from ase import Atoms
from ase.build import fcc100, fcc110, fcc111
from ase.constraints import FixAtoms
from ase.geometry import find_mic
from ase.neighborlist import neighbor_list
from jaxtyping import Bool, Float

from limlff.errors import InputError

Facet = Literal["100", "110", "111"]

_ROWS_ALONG = {"100": 0, "110": 1, "111": 0}
"""Axis of the close-packed rows <110>."""

_BOTTOM = 1.0
"""Height of the deepest plane (Å): its atoms are not wrapped to the top of the cell by a tremor."""

_TINY = 1e-6
"""Part of a cell vector by which a row may lie off its place, as rounding has it."""


def fcc_slab(
    element: str,
    facet: Facet,
    size: tuple[int, int],
    layers: int,
    lattice_constant: float,
    vacuum: float = 20.0,
    fixed_layers: int = 0,
) -> Atoms:
    """Slab of an fcc metal with two flat surfaces, periodic in all directions.

    Args:
        element: Chemical symbol.
        facet: Orientation of the surface.
        size: Surface cells along x and y, of one atom in each plane: a/√2 by a/√2 on (100), a by
            a/√2 on (110), a/√2 by a·√(3/8) on (111), where rows along y are counted and even.
        layers: Planes of atoms.
        lattice_constant: Edge a of the cubic cell (Å).
        vacuum: Empty height between the top plane and the image of the deepest one (Å).
        fixed_layers: Deepest planes that are held (`FixAtoms`).

    Returns:
        Atoms with tags; `info` says "facet", "size", "layers" (complete ones),
        "lattice_constant" and "surface".

    Raises:
        InputError: If there is no such slab.
    """
    _check_slab(facet, size, layers, lattice_constant, vacuum, fixed_layers)
    shape = (*size, layers)
    if facet == "111":
        slab = fcc111(element, shape, a=lattice_constant, orthogonal=True, periodic=True)
    else:
        build = fcc100 if facet == "100" else fcc110
        slab = build(element, shape, a=lattice_constant, periodic=True)
    thickness = float(np.ptp(slab.positions[:, 2]))
    slab.positions[:, 2] += _BOTTOM - slab.positions[:, 2].min()
    slab.cell[2] = (0.0, 0.0, thickness + vacuum)
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


def cut_step(slab: Atoms, layers: int) -> Atoms:
    """Take the top planes away from the half of the surface, which leaves a terrace and two steps.

    The edges are close-packed rows. Of the planes above the first that is cut, only those atoms
    stay that have all their neighbors below, so that steps of several planes are facets.

    Args:
        slab: From `fcc_slab`, with so many planes more than are wanted below the terrace.
        layers: Planes of the terrace.

    Raises:
        InputError: If the slab is not thick or wide enough.
    """
    tags, across = slab.get_tags(), 1 - _ROWS_ALONG[_facet_of(slab)]
    rows = slab.info["size"][across]
    if not 1 <= layers < tags.max() or rows < 2 * layers + 2:
        raise InputError(
            f"step is of {layers} layers, on a slab of {tags.max()} layers and {rows} rows along "
            f"{'xy'[across]}; it takes at least 1 layer, 1 below it and 2 rows per layer and 2 "
            "more: enlarge size or lower the step"
        )
    kept = tags > layers
    kept |= (tags == layers) & (_places_across(slab, across) < 0.5)
    nearest = slab.info["lattice_constant"] / np.sqrt(2)
    first, second = neighbor_list("ij", slab, 1.1 * nearest)
    for tag in range(layers - 1, 0, -1):
        rests_on = (tags[first] == tag) & (tags[second] == tag + 1)
        kept[tags == tag] = True
        kept[first[rests_on & ~kept[second]]] = False
    return _cut(slab, kept, f"step of height {layers}, edges along {'yx'[across]}")


def cut_island(slab: Atoms, atoms: int) -> Atoms:
    """Leave of the top plane an island: the sites nearest to the one in the middle of the cell.

    Args:
        slab: From `fcc_slab`, with one plane more than is wanted below the island.
        atoms: Atoms of the island.

    Raises:
        InputError: If it would touch its periodic image, or is none.
    """
    top = np.flatnonzero(slab.get_tags() == 1)
    middle = 0.5 * (slab.cell[0] + slab.cell[1])
    from_middle = np.linalg.norm((slab.positions[top] - middle)[:, :2], axis=1)
    centre = slab.positions[top[np.argmin(from_middle.round(6))]]
    _, distances = find_mic(slab.positions[top] - centre, slab.cell, pbc=(True, True, False))
    order = np.argsort(distances.round(6), kind="stable")
    width = 2 * distances[order[min(atoms, len(top)) - 1]]
    room = min(slab.cell.lengths()[:2]) - 2 * slab.info["lattice_constant"]
    if not 0 < atoms < len(top) or width > room:
        raise InputError(
            f"island is of {atoms} atoms, {width:.1f} Å wide; it takes at least 1 atom, and "
            f"{room:.1f} Å is where it comes near its image: take fewer atoms or enlarge size"
        )
    kept = np.ones(len(slab), bool)
    kept[top[order[atoms:]]] = False
    return _cut(slab, kept, f"island of size {atoms}")


def cut_missing_rows(slab: Atoms) -> Atoms:
    """Take every second close-packed row out of the top plane.

    That is the (2x1) reconstruction that lithium induces on Cu(100), and (1x2) on (110).

    Raises:
        InputError: If the rows are odd in number, or the facet is (111), which knows no such thing.
    """
    facet = _facet_of(slab)
    across = 1 - _ROWS_ALONG[facet]
    count = slab.info["size"][across]
    if facet == "111" or count % 2:
        raise InputError(
            f"missing_rows on ({facet}) with {count} rows along {'xy'[across]}; they are missing "
            "on (100) and (110), every second of an even number: choose facet and size so"
        )
    rows = np.floor(count * _places_across(slab, across))  # the first of the top plane is at 0
    return _cut(slab, (slab.get_tags() > 1) | (rows % 2 == 0), f"missing rows along {'yx'[across]}")


def cut_vacancies(slab: Atoms, count: int, seed: int) -> Atoms:
    """Take atoms at random places out of the top plane.

    Args:
        slab: From `fcc_slab`.
        count: Atoms taken out.
        seed: Seed of the places.

    Raises:
        InputError: If the plane has no more atoms, or none shall be taken.
    """
    top = np.flatnonzero(slab.get_tags() == 1)
    if not 0 < count < len(top):
        raise InputError(
            f"vacancies are {count}; they must be between 1 and {len(top) - 1}, the atoms of the "
            "top plane less one"
        )
    kept = np.ones(len(slab), bool)
    kept[np.random.default_rng(seed).choice(top, count, replace=False)] = False
    return _cut(slab, kept, f"vacancies: {count}")


def _cut(slab: Atoms, kept: Bool[np.ndarray, " atoms"], surface: str) -> Atoms:
    """The atoms that are kept, with what the surface is now and how many layers are complete."""
    left = slab[kept]
    counts = np.bincount(left.get_tags())
    left.info |= {"surface": surface, "layers": int(np.sum(counts == counts.max()))}
    return left


def _facet_of(slab: Atoms) -> str:
    return str(slab.info["facet"])[-4:-1]


def _places_across(slab: Atoms, across: int) -> Float[np.ndarray, " atoms"]:
    """Place of each atom along the axis across the rows, from 0 to 1 of the cell."""
    return (slab.get_scaled_positions()[:, across] + _TINY) % 1


def _check_slab(
    facet: str,
    size: tuple[int, int],
    layers: int,
    lattice_constant: float,
    vacuum: float,
    fixed_layers: int,
) -> None:
    if facet not in _ROWS_ALONG:
        raise InputError(f"facet is {facet!r}; it must be '100', '110' or '111'")
    if len(size) != 2 or min(size) < 1 or (facet == "111" and size[1] % 2):
        raise InputError(
            f"size is {list(size)}; give surface cells along x and y, at least 1, and on (111) an "
            "even number along y"
        )
    if lattice_constant <= 0 or vacuum < 2 * _BOTTOM:
        raise InputError(
            f"lattice constant is {lattice_constant} Å and vacuum {vacuum} Å; they must be "
            f"positive and at least {2 * _BOTTOM:g} Å"
        )
    if layers < 1 or not 0 <= fixed_layers <= layers:
        raise InputError(
            f"layers are {layers}, of which {fixed_layers} fixed; there must be at least 1, and no "
            "more fixed than there are"
        )
