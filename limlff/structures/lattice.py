"""Crystals that a study starts from: perfect supercells of bcc, fcc and hcp."""

from __future__ import annotations

import itertools

import numpy as np
from ase import Atoms
from ase.build import bulk

from limlff.errors import InputError

LITHIUM_LATTICE_CONSTANT = 3.438
"""Lattice constant of bcc Li at 0 K in PBE (Å), the level at which Li potentials are trained."""

COPPER_LATTICE_CONSTANT = 3.63
"""The same of fcc Cu."""


def bcc_supercell(element: str, lattice_constant: float, repeats: tuple[int, int, int]) -> Atoms:
    """Perfect bcc crystal of cubic cells, periodic in all directions.

    Args:
        element: Chemical symbol.
        lattice_constant: Edge of the cubic cell (Å).
        repeats: Cubic cells along x, y and z.

    Returns:
        Atoms, two for each cubic cell.

    Raises:
        InputError: If the lattice constant or a number of cells is not positive.
    """
    if lattice_constant <= 0:
        raise InputError(
            f"lattice constant is {lattice_constant} Å; it must be positive, 3.44 for Li"
        )
    if len(repeats) != 3 or min(repeats) < 1:
        raise InputError(f"repeats are {tuple(repeats)}; give three numbers of cells of at least 1")
    return bulk(element, "bcc", a=lattice_constant, cubic=True).repeat(tuple(repeats))


def same_density_crystal(
    element: str, structure: str, volume_per_atom: float, repeats: tuple[int, int, int]
) -> Atoms:
    """Perfect bcc, fcc or hcp crystal of a given density in an orthogonal cell.

    Args:
        element: Chemical symbol.
        structure: "bcc", "fcc" or "hcp"; hcp with the ideal ratio of axes.
        volume_per_atom: Volume per atom (Å^3).
        repeats: Orthogonal cells along x, y and z, of 2 (bcc) or 4 atoms (fcc, hcp).

    Raises:
        InputError: If the structure is none of the three.
    """
    if structure == "bcc":
        cell = bulk(element, "bcc", a=float(np.cbrt(2 * volume_per_atom)), cubic=True)
    elif structure == "fcc":
        cell = bulk(element, "fcc", a=float(np.cbrt(4 * volume_per_atom)), cubic=True)
    elif structure == "hcp":
        a = float(np.cbrt(np.sqrt(2) * volume_per_atom))
        cell = bulk(element, "hcp", a=a, c=a * np.sqrt(8 / 3), orthorhombic=True)
    else:
        raise InputError(f"structure is '{structure}'; it must be bcc, fcc or hcp")
    return cell.repeat(tuple(repeats))


def stacked_crystal(element: str, stacking: str, volume_per_atom: float) -> Atoms:
    """Close-packed planes in a hexagonal cell of one atom in each plane, at ideal distances.

    Args:
        element: Chemical symbol.
        stacking: Letters A, B and C of the planes from the bottom up, no two alike in a row, also
            not across the periodic boundary: "ABC" is fcc, "AB" hcp, "ABAC" dhcp, "ABCBCACAB" 9R.
        volume_per_atom: Volume per atom (Å^3).

    Raises:
        InputError: If the stacking is none.
    """
    pairs = zip(stacking, stacking[1:] + stacking[:1], strict=True)
    if len(stacking) < 2 or set(stacking) - set("ABC") or any(a == b for a, b in pairs):
        raise InputError(
            f"stacking is '{stacking}'; give two or more of A, B and C, no two alike in a row"
        )
    a = float(np.cbrt(np.sqrt(2) * volume_per_atom))
    height = a * np.sqrt(2 / 3)
    cell = [[a, 0, 0], [-0.5 * a, 0.5 * np.sqrt(3) * a, 0], [0, 0, height * len(stacking)]]
    # B and C lie over the hollows of A: at a third and two thirds of the long diagonal
    places = {"A": (0, 0), "B": (1 / 3, 2 / 3), "C": (2 / 3, 1 / 3)}
    scaled = [(*places[letter], n / len(stacking)) for n, letter in enumerate(stacking)]
    return Atoms(f"{element}{len(stacking)}", scaled_positions=scaled, cell=cell, pbc=True)


def block_of_about(element: str, atoms: int) -> Atoms:
    """Nearly cubic crystal of an element in its usual structure, with about so many atoms.

    Args:
        element: Chemical symbol; its lattice constant at room temperature is taken from ASE.
        atoms: Wanted number of atoms.
    """
    cell = bulk(element, cubic=True)
    edge = (atoms / len(cell)) ** (1 / 3)
    sizes = range(max(1, int(edge * 0.8)), int(edge * 1.25) + 2)
    best = min(
        itertools.combinations_with_replacement(sizes, 3),
        key=lambda n: (abs(n[0] * n[1] * n[2] * len(cell) - atoms), n[2] - n[0]),
    )
    return cell.repeat(best)
