"""Where an atom arrives: places over the plane of the first two cell vectors."""

from __future__ import annotations

import numpy as np
from jaxtyping import Bool, Float

from limlff.md.event_settings import Deposit
from limlff.md.lateral_settings import Clustered, Disc, Lateral, Masked
from limlff.md.simulation.clearance import Clearance
from limlff.md.simulation.population import EventImpossible, Population

_ATTEMPTS = 1000
"""Places that a deposition tries before it says that there is none."""

_NEIGHBOR, _FEWEST = 4.5, 3
"""An atom with fewer neighbors than this within this distance (Å) is in flight: the next one would
otherwise start above it, and so on upwards if they come faster than they land."""


def free_place(
    event: Deposit, atoms: Population, rng: np.random.Generator
) -> Float[np.ndarray, "3"]:
    """A place at the wanted height that keeps its distance to all atoms (Å).

    Raises:
        EventImpossible: If none is found.
    """
    top = surface_height(atoms.positions, atoms.cell, atoms.structure.periodic)
    height = top + event.height_angstrom
    clearance = Clearance(
        atoms.positions,
        atoms.cell,
        atoms.structure.periodic,
        height,
        event.min_distance_angstrom,
    )
    for _ in range(_ATTEMPTS):
        place = draw_in_plane(event.lateral, atoms.cell[:2], rng) @ atoms.cell[:2]
        place[2] = height
        if clearance.allows(place):
            return np.asarray(place)
    raise EventImpossible(
        f"no place for {event.element} was found {event.height_angstrom:g} Å above the highest "
        f"atom of the surface that is {event.min_distance_angstrom:g} Å from all others; give the "
        "cell more vacuum along z, deposit less often or over more of the surface, or remove atoms "
        "that leave upwards"
    )


def surface_height(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: Bool[np.ndarray, "3"],
) -> float:
    """Height of the highest atom that is not in flight (Å); of the highest one if all are.

    Args:
        positions: Positions, inside the cell or not (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
    """
    inverse = np.linalg.inv(cell)
    for atom in np.argsort(-positions[:, 2], kind="stable"):
        vectors = positions - positions[atom]
        vectors -= np.where(periodic, np.round(vectors @ inverse), 0.0) @ cell
        near = np.einsum("ax,ax->a", vectors, vectors) < _NEIGHBOR**2
        if near.sum() > _FEWEST:  # it is near itself
            return float(positions[atom, 2])
    return float(positions[:, 2].max())


def draw_in_plane(
    lateral: Lateral, plane: Float[np.ndarray, "2 3"], rng: np.random.Generator
) -> Float[np.ndarray, "2"]:
    """A place of a lateral distribution, in fractions of the first two cell vectors, from 0 to 1.

    Args:
        lateral: The distribution.
        plane: First two cell vectors as rows, in the xy plane (Å).
        rng: Source of what is random.
    """
    if isinstance(lateral, Clustered):
        offset = rng.normal(size=2) * lateral.width_angstrom
        return _around(lateral.centre, offset, plane)
    if isinstance(lateral, Masked) and lateral.rectangle is not None:
        low, high = np.transpose([lateral.rectangle.first, lateral.rectangle.second])
        return np.asarray(low + (high - low) * rng.uniform(size=2))
    if isinstance(lateral, Masked) and lateral.disc is not None:
        return _around(lateral.disc.centre, _in_disc(lateral.disc, rng), plane)
    return rng.uniform(size=2)


def _in_disc(disc: Disc, rng: np.random.Generator) -> Float[np.ndarray, "2"]:
    """A place relative to the centre (Å), uniform by area."""
    part, turn = rng.uniform(size=2)
    angle = 2.0 * np.pi * turn
    return disc.radius_angstrom * np.sqrt(part) * np.array([np.cos(angle), np.sin(angle)])


def _around(
    centre: tuple[float, float], offset: Float[np.ndarray, "2"], plane: np.ndarray
) -> Float[np.ndarray, "2"]:
    return np.asarray((centre + offset @ np.linalg.inv(plane[:, :2])) % 1.0)


def widest_disc(plane: Float[np.ndarray, "2 3"]) -> float:
    """Radius of the largest disc that does not meet its own images (Å)."""
    return 0.5 / float(np.linalg.norm(np.linalg.inv(plane[:, :2]), axis=0).max())
