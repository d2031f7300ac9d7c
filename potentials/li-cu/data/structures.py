"""Structures of lithium on copper, alloys and both metals, of the kinds that a plating meets.

    python structures.py OUT --from 300 --to 540

writes those small enough for DFT, one file each, to explore from (`../campaign.yaml`). A number
always means the same structure.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bcc100, bcc110, bcc111, bulk, fcc100, fcc110, fcc111, make_supercell
from ase.constraints import FixAtoms
from ase.io import write

COPPER, LITHIUM = 3.63, 3.44  # lattice constants (Å)
FACETS: dict[str, tuple[Callable[..., Atoms], int]] = {
    "cu100": (fcc100, 3),
    "cu110": (fcc110, 4),
    "cu111": (fcc111, 3),
}
AREA_OF_LI = 8.6  # Å² per atom of a dense lithium layer


def on_top(slab: Atoms, symbol: str, count: int, rng: np.random.Generator, around: float) -> Atoms:
    """A slab with atoms dropped on it at random places, none closer than 2.4 Å to another.

    Args:
        slab: The slab, its normal along z.
        symbol: Element of the new atoms.
        count: How many.
        around: Part of each in-plane cell vector over which they are spread; below 1 an island.
    """
    slab = slab.copy()
    for _ in range(count):
        best = None
        for _ in range(30):
            a, b = rng.uniform(0, around, 2)
            place = a * slab.cell[0] + b * slab.cell[1]
            height = height_above(slab, place)
            if best is None or height < best[2]:
                best = (*place[:2], height)
        slab += Atoms(symbol, [best])
    return slab


def height_above(slab: Atoms, place: np.ndarray) -> float:
    """Lowest z at which an atom dropped onto a place keeps 2.4 Å to all others (Å)."""
    apart = slab.positions - place
    in_plane = apart - np.round(apart @ np.linalg.inv(slab.cell.array)) @ slab.cell.array
    lateral = np.linalg.norm(in_plane[:, :2], axis=1)
    near = lateral < 2.4
    return float((slab.positions[near, 2] + np.sqrt(2.4**2 - lateral[near] ** 2)).max())


def plating(rng: np.random.Generator, facet: str, large: bool) -> tuple[str, Atoms]:
    """Copper with lithium on it, one of the kinds that a deposition may make."""
    build, layers = FACETS[facet]
    repeats = int(rng.choice([3, 4])) if large else 2
    slab = build("Cu", (repeats, repeats, layers), a=COPPER * rng.uniform(0.99, 1.02))
    slab.center(vacuum=8.0, axis=2)
    slab.pbc = True
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    top = np.flatnonzero(slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5)
    kind = str(rng.choice(["film", "exchange", "island", "adatom", "vacancy", "step"]))
    lithium = max(1, round(rng.uniform(0.2, 3.0) * area / AREA_OF_LI))
    if not large:
        lithium = min(lithium, 10)
    if kind == "exchange":
        some = rng.choice(top, size=rng.integers(1, max(2, len(top) * 3 // 4)), replace=False)
        slab.symbols[some] = "Li"
    if kind == "vacancy":
        del slab[rng.choice(top, size=rng.integers(1, max(2, len(top) // 2)), replace=False)]
    if kind == "step":
        across = slab.get_scaled_positions()[:, 1]
        del slab[[i for i in top if across[i] % 1.0 < 0.49]]
    if kind == "adatom":
        slab = on_top(slab, "Cu", int(rng.integers(1, 1 + max(2, len(top) // 4))), rng, 1.0)
    slab = on_top(slab, "Li", lithium, rng, 0.55 if kind == "island" else 1.0)
    slab.center(vacuum=5.5, axis=2)
    low = slab.positions[:, 2].min()
    slab.set_constraint(FixAtoms(mask=slab.positions[:, 2] < low + 0.5))
    return f"{facet}_li{lithium}_{kind}", slab


def alloy(rng: np.random.Generator, large: bool) -> tuple[str, Atoms]:
    """A random alloy on the fcc or bcc lattice, strained."""
    lattice, share = str(rng.choice(["fcc", "bcc"])), float(rng.choice([0.1, 0.25, 0.5, 0.75, 0.9]))
    size = COPPER if lattice == "fcc" else LITHIUM * 0.93
    size *= 1 + (0.13 if lattice == "fcc" else 0.07) * (share - 0.25)
    repeats = (3, 3, 3) if large and lattice == "bcc" else (2, 2, 2)
    atoms = bulk("Cu", lattice, a=size, cubic=lattice == "bcc" or large) * repeats
    if lattice == "fcc" and not large:
        atoms = make_supercell(atoms, np.diag([1, 1, 2]))
    chosen = rng.choice(len(atoms), size=round(share * len(atoms)), replace=False)
    atoms.symbols[chosen] = "Li"
    return f"alloy_{lattice}_x{share}", strained(atoms, rng, 0.05)


def metal(rng: np.random.Generator, large: bool) -> tuple[str, Atoms]:
    """One of the metals: crystal, crystal with a hole, or surface."""
    symbol, kind = str(rng.choice(["Li", "Cu"])), str(rng.choice(["bulk", "hole", "surface"]))
    if kind == "surface":
        builds = (bcc100, bcc110, bcc111) if symbol == "Li" else (fcc100, fcc110, fcc111)
        repeats, layers = (3, 6) if large else (2, 4)
        build = builds[int(rng.integers(3))]
        atoms = build(symbol, (repeats, repeats, layers), a=LITHIUM if symbol == "Li" else COPPER)
        atoms.center(vacuum=5.5, axis=2)
        atoms.pbc = True
        atoms.rattle(0.02, seed=int(rng.integers(2**31)))
        return f"surface_{symbol}_{build.__name__}", atoms
    cubic = bulk(symbol, cubic=True, a=LITHIUM if symbol == "Li" else COPPER)
    repeats = (3 if symbol == "Li" else 2) if large else 2
    atoms = cubic * ((repeats,) * 3 if large or symbol == "Li" else (2, 2, 1))
    if kind == "hole":
        nearest = np.argsort(atoms.get_distances(0, range(len(atoms)), mic=True))
        del atoms[nearest[: int(rng.integers(1, 8 if large else 3))]]
    return f"{kind}_{symbol}", strained(atoms, rng, 0.06)


def strained(atoms: Atoms, rng: np.random.Generator, most: float) -> Atoms:
    """The same with a random homogeneous deformation."""
    deformation = np.eye(3) + rng.uniform(-most, most, (3, 3)) * (0.4 + 0.6 * np.eye(3))
    atoms.set_cell(atoms.cell.array @ deformation, scale_atoms=True)
    return atoms


def start(number: int) -> tuple[str, Atoms, float, bool]:
    """Kind, structure, temperature (K) of a run, and whether it is small enough for DFT."""
    rng = np.random.default_rng(number)
    small = number % 3 == 0
    draw = rng.uniform()
    if draw < 0.7:
        name, atoms = plating(rng, list(FACETS)[int(rng.choice([0, 1, 1, 2]))], not small)
    elif draw < 0.82:
        name, atoms = alloy(rng, not small)
    else:
        name, atoms = metal(rng, not small)
    hot = "Cu" not in name and "cu" not in name
    temperatures = (300, 450, 600, 900) if not hot else (300, 450, 600, 1000)
    if name in ("bulk_Cu", "hole_Cu"):
        temperatures = (300, 600, 1000, 1800)
    return name, atoms, float(rng.choice(temperatures)), small


def main() -> None:
    """Write structures."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--from", type=int, required=True, dest="first")
    parser.add_argument("--to", type=int, required=True, dest="end")
    arguments = parser.parse_args()
    arguments.out.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.first, arguments.end):
        name, atoms, _, small = start(number)
        if small:
            write(arguments.out / f"{number}-{name}.extxyz", atoms, format="extxyz")


if __name__ == "__main__":
    main()
