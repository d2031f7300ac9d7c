"""A film of one element on the surface of another: where the interface is, and every atom's layer.

The interface plane is the topmost plane that the substrate's own atoms would fill. Planes are
counted from below, where the slab is undisturbed: (atoms of the substrate) / (atoms of a plane),
rounded. So it stays what it was when the deposition began, whatever has been exchanged since. Its
height is the median of the substrate's atoms in it, or, where few are left, that of the planes
below continued.

What is less than half a spacing of planes above it stands in a site of the substrate's crystal,
what is higher is the film. Layers are numbered from the interface: 1, 2, ... upwards in the film,
0, -1, ... downwards from the interface plane.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms
from jaxtyping import Float, Int

from limlff.analysis.heights import layer_boundaries, layers_of_heights
from limlff.errors import InputError

NO_LAYER = -(2**31)
"""Number of the layer of atoms that have none: those that fly above the film."""

FLYING = 4.5
"""Distance above all atoms below (Å) from which on an atom is not part of the film."""

_FLAT = 1e-3  # largest part of a cell vector of the surface that points along z


@dataclass(frozen=True)
class Interface:
    """The topmost plane of the substrate.

    Attributes:
        height: Height of the plane (Å), of the heights that `Film` has.
        spacing: Distance of planes of the substrate (Å).
        planes: Number of planes of the substrate.
        boundaries: Heights that part the planes (Å), from below; the last is where the film begins.
    """

    height: float
    spacing: float
    planes: int
    boundaries: Float[np.ndarray, " planes"]


@dataclass(frozen=True)
class Film:
    """Atoms by layers.

    Attributes:
        atoms: The atoms.
        heights: Heights above the lowest atom of the substrate (Å), not cut by the cell's boundary.
        layers: Number of the layer of each atom; `NO_LAYER` if it has none.
        substrate, element: Chemical symbols of what is below and of the film.
        interface: The topmost plane of the substrate; None without one, layers then begin with 1 at
            the lowest.
    """

    atoms: Atoms
    heights: Float[np.ndarray, " atoms"]
    layers: Int[np.ndarray, " atoms"]
    substrate: str
    element: str
    interface: Interface | None

    @property
    def area(self) -> float:
        """Area of the surface of the cell (Å^2)."""
        return surface_area(self.atoms)

    @property
    def numbers(self) -> list[int]:
        """Numbers of all layers, from the lowest up."""
        return [int(n) for n in np.unique(self.layers[self.layers != NO_LAYER])]

    def of(self, element: str) -> np.ndarray:
        """Which atoms are of an element."""
        return np.asarray(self.atoms.symbols == element)


def find_film(atoms: Atoms, substrate: str = "Cu", element: str = "Li") -> Film:
    """Layers of a film and of the slab that it lies on, or of a slab alone.

    Args:
        atoms: A slab, its surface along the first two cell vectors, the film above it (along +z).
        substrate: Chemical symbol of the slab; there may be no atom of it.
        element: Chemical symbol of the film.

    Raises:
        InputError: If the surface is not in the plane of x and y, or there is no atom of either.
    """
    require_surface(atoms)
    symbols = atoms.symbols
    below, film = np.asarray(symbols == substrate), np.asarray(symbols == element)
    if not (below | film).any():
        raise InputError(
            f"there are no atoms of {substrate} or {element} among {symbols.get_chemical_formula()}"
            "; name the elements of the substrate and the film"
        )
    heights = _heights(atoms, below if below.any() else np.ones(len(atoms), bool))
    flying = _flying(heights)
    interface = _find_interface(heights[below & ~flying]) if below.any() else None
    layers = np.full(len(atoms), NO_LAYER)
    if interface is None:
        layers[~flying] = 1 + layers_of_heights(heights[~flying])
    else:
        start = interface.boundaries[-1]
        under = ~flying & (heights <= start)
        planes = np.searchsorted(interface.boundaries, heights[under]) - interface.planes + 1
        layers[under] = planes
        over = ~flying & ~under
        layers[over] = _film_layers(heights[over], film[over])
    return Film(atoms, heights, layers, substrate, element, interface)


def surface_area(atoms: Atoms) -> float:
    """Area that the first two cell vectors span (Å^2)."""
    return float(np.linalg.norm(np.cross(atoms.cell.array[0], atoms.cell.array[1])))


def require_surface(atoms: Atoms) -> None:
    """Refuse atoms whose surface is not spanned by the first two cell vectors in x and y.

    Raises:
        InputError: If so.
    """
    cell = atoms.cell.array
    area = abs(np.linalg.det(cell[:2, :2]))
    if area < 1.0 or np.abs(cell[:2, 2]).max() > _FLAT * np.sqrt(area):
        raise InputError(
            f"the cell vectors {cell[:2].round(3).tolist()} do not span a surface in x and y; turn "
            "the slab so that its surface lies along the first two, and z is up"
        )


def _heights(atoms: Atoms, slab: np.ndarray) -> np.ndarray:
    """Heights above the lowest atom of the slab, which the boundary of the cell may cut."""
    z = atoms.positions[:, 2].astype(float)
    length = atoms.cell.array[2, 2]
    if not atoms.pbc[2] or length <= 0:
        return z - z[slab].min()
    inside = np.sort(z[slab] % length)
    gaps = np.diff(inside, append=inside[0] + length)
    lowest = inside[(int(np.argmax(gaps)) + 1) % len(inside)]
    margin = 0.5 * float(gaps.max())  # what vibrates below the lowest atom stays below it
    margin = min(margin, 1.0)
    return (z - lowest + margin) % length - margin


def _flying(heights: np.ndarray) -> np.ndarray:
    """Atoms above a gap in the heights."""
    order = np.sort(heights)
    gaps = np.flatnonzero(np.diff(order) > FLYING)
    return heights > order[gaps[0]] if len(gaps) else np.zeros(len(heights), bool)


def _find_interface(heights: np.ndarray) -> Interface:
    layers = layers_of_heights(heights)
    counts = np.bincount(layers)
    full = np.median(counts[: (len(counts) + 1) // 2])
    planes = min(max(1, round(len(heights) / full)), len(counts))
    middle = np.array([np.median(heights[layers == plane]) for plane in range(planes)])
    spacing = float(np.median(np.diff(middle))) if planes > 1 else 2.0
    if planes > 2 and counts[planes - 1] < 0.5 * full:
        middle[-1] = middle[-2] + spacing
    between = layer_boundaries(heights)[: planes - 1]
    top = float(middle[-1])
    return Interface(top, spacing, planes, np.append(between, top + 0.5 * spacing))


def _film_layers(heights: np.ndarray, film: np.ndarray) -> np.ndarray:
    """Layers, from 1, whose boundaries the atoms of the film alone decide, if there are any."""
    deciding = heights[film] if film.any() else heights
    if len(deciding) == 0:
        return np.zeros(0, int)
    found = np.searchsorted(layer_boundaries(deciding), heights)
    return 1 + np.asarray(np.unique(found, return_inverse=True)[1].reshape(-1))
