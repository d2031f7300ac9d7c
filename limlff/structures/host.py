"""What a hole is cut into: a crystal, a grain boundary, or lithium between copper; and where."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from ase import Atoms
from pydantic import BeforeValidator, Field

from limlff.config import StrictModel
from limlff.quantities import is_number
from limlff.structures.bicrystal import TiltPlane, copper_sandwich, tilt_bicrystal
from limlff.structures.lattice import COPPER_LATTICE_CONSTANT, bcc_supercell
from limlff.structures.settings import LatticeConstant, Orientation

INTERFACE_GAP = 1.0
"""Height of the interface above the top plane of copper (Å): half that of lithium in a hollow."""


class Crystal(StrictModel):
    """A perfect crystal.

    Attributes:
        kind: Name of the host.
    """

    kind: Literal["crystal"] = "crystal"


class GrainBoundary(StrictModel):
    """Two grains that mirror each other in two Σ5 boundaries; the hole is at one of them.

    Attributes:
        kind: Name of the host.
        plane: Mirror plane of the symmetric tilt boundary about [001]: "310" (36.9°) or "210"
            (53.1°).
    """

    kind: Literal["grain_boundary"] = "grain_boundary"
    plane: Annotated[TiltPlane, BeforeValidator(lambda value: str(value))] = "310"


class CopperInterface(StrictModel):
    """Lithium between two faces of copper, its (110) planes along them.

    Attributes:
        kind: Name of the host.
        facet: Facet of copper: "100", "110" or "111".
        copper_layers: Planes of copper, 200 at most.
        copper_constant: Edge of the cubic cell of copper (Å).
        max_strain_percent: Largest strain by which lithium is fitted to copper (%).
        place: Whether the hole is "at" one of the interfaces or "between" them.
    """

    kind: Literal["copper_interface"] = "copper_interface"
    facet: Orientation = "111"
    copper_layers: Annotated[int, Field(ge=1, le=200), is_number] = 6
    copper_constant: LatticeConstant = COPPER_LATTICE_CONSTANT
    max_strain_percent: Annotated[float, Field(ge=1e-6, le=50), is_number] = 2.0
    place: Literal["at", "between"] = "at"


Host = Annotated[Crystal | GrainBoundary | CopperInterface, Field(discriminator="kind")]


@dataclass(frozen=True)
class Lattice:
    """The metal of the host.

    Attributes:
        element: Chemical symbol.
        constant: Edge of its cubic cell (Å).
        repeats: Cubic cells along x, y and z; of other hosts the least lengths in cubic cells.
    """

    element: str
    constant: float
    repeats: tuple[int, int, int]


def build_host(host: Host, lattice: Lattice) -> Atoms:
    """The atoms that a hole is cut into.

    Raises:
        InputError: If there is none such.
    """
    x, y, z = (lattice.constant * cells for cells in lattice.repeats)
    if isinstance(host, GrainBoundary):
        # each boundary is seen by a hole at the other one: three quarters of the edge apart
        edges = (x, y, 0.75 * z)
        return tilt_bicrystal(lattice.element, lattice.constant, host.plane, edges)
    if isinstance(host, CopperInterface):
        return copper_sandwich(
            lattice.element,
            lattice.constant,
            host.facet,
            (x, y, z),
            host.copper_layers,
            host.copper_constant,
            host.max_strain_percent,
        )
    return bcc_supercell(lattice.element, lattice.constant, lattice.repeats)


def place_in(
    host: Host, atoms: Atoms, element: str, centre: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Where a hole is cut, in fractions of the cell: along z at its place in the host.

    Args:
        host: The host.
        atoms: Its atoms, after they have moved.
        element: Chemical symbol of the metal with the hole.
        centre: Place along x and y, and along z in a crystal.
    """
    x, y, z = centre
    edge = float(atoms.cell.array[2, 2])
    if isinstance(host, GrainBoundary):
        return x, y, 0.0
    if isinstance(host, CopperInterface):
        is_copper = ~np.asarray(atoms.symbols == element)
        middle = other_plane(atoms.positions[:, 2], is_copper, edge)
        offset = atoms.positions[is_copper, 2] - middle
        top = float((offset - edge * np.round(offset / edge)).max()) + INTERFACE_GAP
        z = (middle + (top if host.place == "at" else 0.5 * edge)) / edge
        return x, y, z % 1.0
    return x, y, z


def other_plane(heights: np.ndarray, is_other: np.ndarray, edge: float) -> float:
    """Mean height of the atoms of another metal, whatever the periodic boundary (Å)."""
    phases = np.exp(2j * math.pi * heights[is_other] / edge)
    return float(np.angle(phases.sum()) / (2 * math.pi) % 1.0 * edge)
