"""Films of a bcc metal on a slab: crystals strained so that they fit, or planes that go on with it.

A film of its own orientation has the supercell of its plane that fits the cell of the slab with the
least strain, at whatever rotation that is. Its planes are so far apart that atoms have the volume
of the unstrained crystal, and the film lies as near to the slab as a shortest distance allows.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
from ase import Atoms
from ase.build import bcc100, bcc110, bcc111, make_supercell
from jaxtyping import Float, Int

from limlff.errors import InputError
from limlff.structures.contact import drop_to_contact

Orientation = Literal["100", "110", "111"]

CONTACT = 2.55
"""Distance of Li in a hollow of Cu(111) from its three neighbors (Å), by its height in DFT frames,
2.07 Å."""

_WINDOWS = 0.005 * 2.0 ** np.arange(8)
"""Strains within which a match is looked for, from 0.5 % to 64 %, until one is found."""


@dataclass(frozen=True)
class Match:
    """How a plane of a film fits the cell of a slab.

    Attributes:
        cells: The cell vectors of the slab in primitive vectors of the film's plane, in rows.
        strain_percent: Principal strains of the film in its plane, the smaller first (%); positive
            where it is stretched.
        rotation_degrees: Angle from the slab's x axis to the film's: [100] of Li(100), [001] of
            Li(110), a close row [1-10] of Li(111).
    """

    cells: Int[np.ndarray, "2 2"]
    strain_percent: Float[np.ndarray, "2"]
    rotation_degrees: float

    @property
    def largest_percent(self) -> float:
        """The larger of the principal strains, without its sign (%)."""
        return float(np.abs(self.strain_percent).max())

    def __str__(self) -> str:
        """Strains and angle in words."""
        low, high = self.strain_percent
        return f"strained by {low:+.2f} % and {high:+.2f} %, turned by {self.rotation_degrees:.1f}°"


def bcc_film(
    slab: Atoms,
    element: str,
    orientation: Orientation,
    layers: int,
    lattice_constant: float,
    max_strain_percent: float = 3.0,
    contact: float = CONTACT,
) -> tuple[Atoms, Match]:
    """A slab with a bcc film on it that is strained as little as its cell allows.

    Args:
        slab: From `fcc_slab`, or another with its surface in the xy plane and vacuum along z.
        element: Chemical symbol of the film.
        orientation: Its planes parallel to the surface.
        layers: Planes of atoms.
        lattice_constant: Edge of its cubic cell (Å).
        max_strain_percent: Largest principal strain (%).
        contact: Shortest distance between film and slab (Å).

    Returns:
        Slab and film, and how they match; `info` says "film", "film_layers",
        "film_strain_percent" and "film_rotation_degrees" also.

    Raises:
        InputError: If there is no such film, or none within the strain.
    """
    plane = bcc_planes(element, orientation, layers, lattice_constant)
    match = find_match(plane.cell.array[:2, :2], slab.cell.array[:2, :2])
    if match.largest_percent > max_strain_percent:
        sides = " x ".join(f"{side:.2f}" for side in slab.cell.lengths()[:2])
        fitting = fitting_size(slab, plane, max_strain_percent)
        raise InputError(
            f"a film {element}({orientation}) on a cell of {sides} Å is {match} at best; the limit "
            f"is {max_strain_percent:g} %: raise max_strain_percent, or choose another size of the "
            f"slab{f', such as {list(fitting)}' if fitting else ''}"
        )
    (a, b), (c, d) = match.cells.tolist()
    film = make_supercell(plane, [[a, b, 0], [c, d, 0], [0, 0, 1]])
    stretch = np.prod(1 + match.strain_percent / 100)
    film.set_cell([*slab.cell[:2], film.cell[2] / stretch], scale_atoms=True)
    both = _put_on(slab, film, contact)
    both.info |= {
        "film": f"{element}({orientation})",
        "film_layers": layers,
        "film_strain_percent": match.strain_percent,
        "film_rotation_degrees": match.rotation_degrees,
    }
    return both, match


def pseudomorphic_film(
    slab: Atoms,
    element: str,
    layers: int,
    lattice_constant: float,
    contact: float = CONTACT,
) -> Atoms:
    """A slab with a film that goes on with its lattice: each plane in the hollows of the one below.

    Args:
        slab: From `fcc_slab`, of two planes or more; the top one may have been cut.
        element: Chemical symbol of the film.
        layers: Planes of atoms.
        lattice_constant: Edge of the cubic cell of the bcc crystal (Å), whose volume per atom the
            film has.
        contact: Shortest distance between film and slab (Å).

    Returns:
        Slab and film; `info` says "film" and "film_layers" also.

    Raises:
        InputError: If the slab has a single plane, or there is no such film.
    """
    tags = slab.get_tags()
    count = int(tags.max(initial=0))
    if count < 2:
        raise InputError(
            f"layers of the slab are {count}; a pseudomorphic film needs at least 2, which tell "
            "its stacking: give it more layers"
        )
    _check_film(layers, lattice_constant)
    deepest = slab.positions[tags == count]
    step = slab.positions[tags == count - 1][0] - deepest[0]  # a vector of the lattice
    planes = [deepest + (count + n) * step for n in range(layers)]
    film = Atoms(f"{element}{len(deepest) * layers}", np.concatenate(planes), cell=slab.cell)
    area = float(np.linalg.norm(np.cross(*slab.cell[:2])))
    spacing = 0.5 * lattice_constant**3 * len(deepest) / area
    film.positions[:, 2] = np.repeat(spacing * np.arange(layers), len(deepest))
    film.wrap(pbc=(True, True, False))
    both = _put_on(slab, film, contact)
    both.info |= {"film": f"{element} pseudomorphic", "film_layers": layers}
    return both


def find_match(plane: Float[np.ndarray, "2 2"], cell: Float[np.ndarray, "2 2"]) -> Match:
    """The supercell of a plane lattice that fits a cell with the least strain.

    All pairs of lattice vectors are tried that are as long as those of the cell within a strain,
    which is doubled until a pair is found: a match within it cannot be missed. Of matches equally
    strained the one turned least is taken.

    Args:
        plane: Primitive vectors of the film's plane in rows (Å).
        cell: In-plane vectors of the slab in rows (Å).

    Raises:
        InputError: If nothing fits within 64 %.
    """
    for window in _WINDOWS:
        first, second = (_vectors_as_long_as(side, plane, window) for side in cell)
        cells = np.stack(np.broadcast_arrays(first[:, None], second[None]), axis=2).reshape(
            -1, 2, 2
        )
        cells = cells[np.linalg.det(cells) > 0.5]
        # Rows v of the film's supercell become rows of the cell, v @ deformation.
        left, stretches, right = np.linalg.svd(np.linalg.solve(cells @ plane, cell))
        turns = left @ right
        strains = stretches[:, ::-1] - 1
        angles = np.degrees(np.arctan2(turns[:, 0, 1], turns[:, 0, 0]))
        largest = np.abs(strains).max(axis=1)
        if len(cells) and largest.min() <= window:
            best = np.lexsort((-angles.round(4), np.abs(angles).round(4), largest.round(8)))[0]
            return Match(cells[best], 100 * strains[best], float(angles[best]))
    raise InputError(
        f"no supercell of the film fits the slab's cell of {np.linalg.norm(cell, axis=1).round(2)} "
        f"Å within {100 * _WINDOWS[-1]:g} %; enlarge size"
    )


def fitting_size(slab: Atoms, plane: Atoms, limit: float) -> tuple[int, int] | None:
    """Surface cells of a somewhat larger slab that a film fits, the fewest; None if none does."""
    if "size" not in slab.info:
        return None
    first, second = (int(each) for each in slab.info["size"])
    step = 2 if str(slab.info["facet"]).endswith("(111)") else 1
    larger = itertools.product(range(first, first + 9), range(second, second + 9, step))
    for size in sorted(larger, key=math.prod):
        cell = slab.cell.array[:2, :2] * (np.array(size) / (first, second))[:, None]
        if find_match(plane.cell.array[:2, :2], cell).largest_percent <= limit:
            return size
    return None


def _vectors_as_long_as(
    side: Float[np.ndarray, "2"], plane: Float[np.ndarray, "2 2"], window: float
) -> Int[np.ndarray, "vectors 2"]:
    """Vectors of a lattice, in units of its primitive ones, that a strain takes to a length."""
    length = np.linalg.norm(side)
    longest = length / (1 - window)
    most = np.ceil(longest * np.linalg.norm(np.linalg.inv(plane), axis=0)).astype(int)
    ranges = (np.arange(-each, each + 1) for each in most)
    grid = np.stack(np.meshgrid(*ranges, indexing="ij"), axis=-1).reshape(-1, 2)
    lengths = np.linalg.norm(grid @ plane, axis=1)
    fits = (lengths * (1 - window) <= length) & (length <= lengths * (1 + window))
    return grid[fits]


def bcc_planes(element: str, orientation: str, layers: int, lattice_constant: float) -> Atoms:
    """Planes of a bcc crystal over the primitive cell of one."""
    _check_film(layers, lattice_constant)
    builders = {"100": bcc100, "110": bcc110, "111": bcc111}
    if orientation not in builders:
        raise InputError(f"orientation is {orientation!r}; it must be '100', '110' or '111'")
    return builders[orientation](
        element,
        (1, 1, layers),
        a=lattice_constant,
        orthogonal=orientation == "100",
        periodic=True,
    )


def _put_on(slab: Atoms, film: Atoms, contact: float) -> Atoms:
    """Lower a film on a slab until their closest atoms are a distance apart (Å)."""
    near = slab[slab.positions[:, 2] > slab.positions[:, 2].max() - contact]
    lift = drop_to_contact(near, film, contact)
    if lift is None:
        raise InputError(
            f"contact is {contact} Å, too short for any atom of the film to meet one of the slab; "
            f"{CONTACT} is that of Li on Cu"
        )
    film.set_tags(0)  # as of an adsorbate; the planes of the slab count from 1
    film.positions[:, 2] += lift
    both = slab + film
    both.cell[2, 2] += both.positions[:, 2].max() - slab.positions[:, 2].max()
    return both


def _check_film(layers: int, lattice_constant: float) -> None:
    if layers < 1 or lattice_constant <= 0:
        raise InputError(
            f"the film has {layers} layers and a lattice constant of {lattice_constant} Å; it "
            "needs at least 1 layer, and a positive constant, 3.44 for Li"
        )
