"""Dendrites of a bcc metal on a slab: alone, side by side, in a bed, or with facing tips.

A dendrite is a grain of its own orientation, cut to its shape. It stands on the dividing surface of
the slab, half a spacing of planes above its top plane, so that a dendrite with the orientation of
the slab goes on with its lattice and has the atoms that its volume holds. Where grains touch, atoms
of the later one that come too near to those before are left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from ase import Atoms
from jaxtyping import Bool, Float
from scipy.spatial import cKDTree

from limlff.errors import InputError
from limlff.structures.contact import drop_to_contact
from limlff.structures.grain import lattice_sites
from limlff.structures.shapes import Shape

MIN_DISTANCE = 2.4
"""Distance that grains keep to each other (Å); neighbors in lithium are 2.98 Å apart."""

ON_OTHER_METAL = 2.07
"""Height of the first plane above the slab of another metal (Å): Li over Cu(111) in DFT frames."""

GRAIN = "grain"
"""Array of the atoms with the number of their grain: 0 for the slab, then 1, 2, ..."""


@dataclass(frozen=True)
class Dendrite:
    """A dendrite to be put on a slab.

    Attributes:
        shape: Its shape.
        rotation: Orientation of its crystal; see `limlff.structures.grain.orientation`.
        place: Where its axis is along x and y (Å).
        hangs: Whether it hangs from the lower surface of the slab, with its tip down.
    """

    shape: Shape
    rotation: Float[np.ndarray, "3 3"]
    place: tuple[float, float]
    hangs: bool = False


@dataclass(frozen=True)
class Metal:
    """What dendrites are made of.

    Attributes:
        element: Chemical symbol.
        lattice_constant: Edge of the cubic cell (Å).
        min_distance: Distance that a grain keeps to others (Å).
    """

    element: str
    lattice_constant: float
    min_distance: float = MIN_DISTANCE


def add_dendrites(slab: Atoms, dendrites: Sequence[Dendrite], metal: Metal) -> Atoms:
    """A slab with dendrites on it, in the cell of the slab.

    Args:
        slab: A slab in an orthogonal cell, whose tags count planes from the top, 1, 2, ...
        dendrites: The dendrites; each must fit into the cell across z.
        metal: What they are made of.

    Returns:
        The atoms, those of the slab first, with the array `GRAIN`; those of dendrites have tag 0.
        `info` says "feet", where the axis of each meets the dividing surface (Å).

    Raises:
        InputError: If a dendrite meets its own image, or has no atom.
    """
    atoms = slab.copy()
    atoms.set_array(GRAIN, np.zeros(len(slab), int))
    feet = []
    for number, dendrite in enumerate(dendrites, 1):
        _check_width(dendrite, slab)
        foot, origin = _foot(slab, dendrite, metal)
        sites = _sites(dendrite, foot, origin, metal.lattice_constant)
        free = sites[_is_free(sites, atoms, metal.min_distance)]
        if not len(free):
            raise InputError(
                f"dendrite {number} is {dendrite.shape.width:g} Å wide and has no atom; make it "
                "larger, or move it away from others"
            )
        grain = Atoms(f"{metal.element}{len(free)}", free)
        grain.set_array(GRAIN, np.full(len(free), number))
        atoms += grain
        feet.append(foot)
    atoms.info["feet"] = np.array(feet).reshape(-1, 3)
    return atoms


def face_each_other(
    slab: Atoms, dendrites: tuple[Dendrite, Dendrite], metal: Metal, gap: float, behind: float = 0.0
) -> Atoms:
    """Two dendrites with facing tips: one on each side of a slab that is periodic along z.

    The middle of the slab is at the bottom and the top of the cell, the tips are between.

    Args:
        slab: The slab; its vacuum does not count.
        dendrites: The one that stands and the one that hangs.
        metal: What they are made of.
        gap: Shortest distance between atoms of both (Å).
        behind: Empty height between the halves of the slab, which makes it two slabs (Å).

    Raises:
        InputError: If the tips would pass each other, or nearer atoms meet first.
    """
    heights = slab.positions[:, 2]
    bottom, top = float(heights.min()), float(heights.max())
    tall = slab.copy()
    room = 2 * (dendrites[0].shape.height + dendrites[1].shape.height) + 40.0
    tall.positions[:, 2] += room - bottom
    tall.cell[2, 2] = 2 * room + top - bottom
    both = add_dendrites(tall, dendrites, metal)
    middle = room + 0.5 * (top - bottom)
    is_upper = (both.positions[:, 2] >= middle) & (both.arrays[GRAIN] != 2)
    lower, upper = both[is_upper], both[~is_upper]  # the upper half stands in the lower one's place
    lift = drop_to_contact(lower, upper, gap)
    if lift is None:
        raise InputError(
            f"gap is {gap:g} Å, but no atom of one tip is above one of the other within that "
            "distance; move the axes nearer to each other"
        )
    lower.positions[:, 2] -= middle - 0.5 * behind
    upper.positions[:, 2] += lift - middle + 0.5 * behind
    facing = lower + upper
    facing = facing[np.argsort(facing.arrays[GRAIN], kind="stable")]
    facing.cell[2, 2] = lift + behind
    feet = both.info["feet"] - [[0, 0, middle - 0.5 * behind]]
    feet[1, 2] += lift
    facing.info = {**both.info, "feet": feet}
    return facing


def shortest_distance(atoms: Atoms, first: int, second: int) -> float:
    """Shortest distance between atoms of two grains and their periodic images (Å)."""
    lengths = atoms.cell.lengths()
    grains = atoms.arrays[GRAIN]
    one, other = (np.mod(atoms.positions[grains == number], lengths) for number in (first, second))
    return float(cKDTree(one % lengths, boxsize=lengths).query(other % lengths)[0].min())


def _check_width(dendrite: Dendrite, slab: Atoms) -> None:
    narrow = float(slab.cell.lengths()[:2].min())
    if 2 * dendrite.shape.width > narrow - MIN_DISTANCE:
        raise InputError(
            f"a dendrite is {2 * dendrite.shape.width:.1f} Å wide in a cell of {narrow:.1f} Å, and "
            f"would meet its image; it may be {narrow - MIN_DISTANCE:.1f} Å wide: enlarge size of "
            "the slab"
        )


def _foot(slab: Atoms, dendrite: Dendrite, metal: Metal) -> tuple[np.ndarray, np.ndarray]:
    """Where the axis meets the dividing surface, and a site of the lattice (Å)."""
    tags, sign = slab.get_tags(), -1.0 if dendrite.hangs else 1.0
    surface = slab[tags == (tags.max() if dendrite.hangs else 1)]
    height = float(np.mean(surface.positions[:, 2]))
    lengths = slab.cell.lengths()[:2]
    offsets = surface.positions[:, :2] - dendrite.place
    offsets -= np.round(offsets / lengths) * lengths
    nearest = int(np.argmin(np.sum(offsets**2, axis=1).round(6)))
    site = np.array([*(dendrite.place + offsets[nearest]), height])
    if slab.symbols[0] == metal.element:
        planes = np.unique(slab.positions[:, 2].round(3))
        rise = 0.5 * float(np.min(np.diff(planes))) if len(planes) > 1 else 0.5 * MIN_DISTANCE
        return np.array([*dendrite.place, height + sign * rise]), site
    site[2] += sign * ON_OTHER_METAL
    return np.array([*dendrite.place, height + 0.5 * sign * ON_OTHER_METAL]), site


def _sites(
    dendrite: Dendrite, foot: np.ndarray, origin: np.ndarray, lattice_constant: float
) -> Float[np.ndarray, "sites 3"]:
    """Sites of the dendrite's lattice in its shape (Å)."""
    width, height = dendrite.shape.width + 1.0, dendrite.shape.height + 1.0
    sign = -1.0 if dendrite.hangs else 1.0
    ends = sorted((foot[2], foot[2] + sign * height))
    low = np.array([foot[0] - width, foot[1] - width, ends[0]])
    high = np.array([foot[0] + width, foot[1] + width, ends[1]])
    sites = lattice_sites(lattice_constant, dendrite.rotation, origin, low, high)
    return np.asarray(sites[dendrite.shape.holds((sites - foot) * [1, 1, sign])])


def _is_free(sites: np.ndarray, atoms: Atoms, distance: float) -> Bool[np.ndarray, " sites"]:
    """Sites that keep a distance to all atoms and their images across x and y."""
    lengths = atoms.cell.lengths()
    lengths[2] += 1e3  # dendrites may be higher than the cell of the slab
    there = cKDTree(np.mod(atoms.positions, lengths) % lengths, boxsize=lengths)
    nearest, _ = there.query(np.mod(sites, lengths) % lengths, distance_upper_bound=distance)
    return np.isinf(nearest)
