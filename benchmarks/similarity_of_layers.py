"""Surface similarity of reference layers: perfect, strained, at 300 K, molten, and random disks.

Prints the table of docs/plating.md. The layers at 300 K and the molten ones are those of the tests,
from molecular dynamics by the shipped `li`, of 3 to 7 ps; `--simulate OUT` makes new ones.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
from ase import Atoms, units
from ase.build import bcc100, bcc110, bcc111, fcc100, fcc110, fcc111
from ase.constraints import FixAtoms
from ase.io import read, write
from ase.md.langevin import Langevin
from ase.md.velocitydistribution import MaxwellBoltzmannDistribution

from limlff.analysis.film import find_film
from limlff.analysis.reference_nets import COPPER, COPPER_NETS, LITHIUM, LITHIUM_NETS
from limlff.analysis.similarity import compare_with_nets, similarity_of_layers

NETS = (*LITHIUM_NETS, *COPPER_NETS)
STORED = Path(__file__).parents[1] / "tests" / "unit" / "analysis" / "lithium_slabs.extxyz.xz"
WARM = 3.46  # lattice constant of lithium at 300 K (Å)
STRAINS = {
    "uniaxial": np.diag([1.05, 1.0]),
    "biaxial +": np.diag([1.05, 1.05]),
    "biaxial -": np.diag([0.95, 0.95]),
    "shear": np.array([[1.0, 0.0], [0.05, 1.0]]),
}


def perfect_layers() -> dict[str, Atoms]:
    """One atomic layer of each net."""
    return {
        "Li(100)": bcc100("Li", (10, 10, 1), a=LITHIUM, vacuum=5),
        "Li(110)": bcc110("Li", (10, 14, 1), a=LITHIUM, vacuum=5, orthogonal=True),
        "Li(111)": bcc111("Li", (8, 8, 1), a=LITHIUM, vacuum=5),
        "Li(hex)": fcc111("Li", (10, 10, 1), a=LITHIUM * np.sqrt(2) * (2 / 3) ** 0.25, vacuum=5),
        "Cu(100)": fcc100("Cu", (12, 12, 1), a=COPPER, vacuum=5),
        "Cu(110)": fcc110("Cu", (12, 10, 1), a=COPPER, vacuum=5),
        "Cu(111)": fcc111("Cu", (12, 12, 1), a=COPPER, vacuum=5),
    }


def strained(layer: Atoms, strain: np.ndarray) -> Atoms:
    """A layer whose plane is strained."""
    new = layer.copy()
    full = np.eye(3)
    full[:2, :2] = strain
    new.set_cell(layer.cell.array @ full, scale_atoms=True)
    return new


def random_disks(density: float, diameter: float, atoms: int, seed: int) -> Atoms:
    """Random points pushed apart until none are closer than a diameter (Å)."""
    rng = np.random.default_rng(seed)
    length = np.sqrt(atoms / density)
    points = rng.uniform(0, length, (atoms, 2))
    for _ in range(5000):
        vectors = points[None] - points[:, None]
        vectors -= length * np.round(vectors / length)
        distances = np.linalg.norm(vectors, axis=2) + 1e9 * np.eye(atoms)
        overlap = np.clip(diameter - distances, 0, None)
        if overlap.max() < 1e-3:
            break
        points -= 0.5 * np.einsum("ij,ijx->ix", overlap / distances, vectors)
    return Atoms(f"Li{atoms}", np.c_[points, np.full(atoms, 5.0)], cell=[length, length, 10])


def simulated(slab: Atoms, kelvin: float, steps: int, keep: int) -> list[Atoms]:
    """The last configurations, 0.5 ps apart, of Langevin dynamics in steps of 2 fs."""
    rng = np.random.default_rng(1)
    MaxwellBoltzmannDistribution(slab, temperature_K=kelvin, rng=rng)
    dynamics = Langevin(slab, 2 * units.fs, temperature_K=kelvin, friction=0.01 / units.fs, rng=rng)
    dynamics.run(steps)
    found = []
    for _ in range(keep):
        dynamics.run(250)
        found.append(Atoms(slab.symbols, slab.positions, cell=slab.cell, pbc=True))
    return found


def simulate_slabs() -> list[Atoms]:
    """Slabs of lithium at 300 K, and a molten one at 520 K; `info` says which."""
    from limlff.calculator import Calculator

    calculator = Calculator("li")
    slabs = {
        "Li(100)": bcc100("Li", (8, 8, 7), a=WARM, vacuum=8),
        "Li(110)": bcc110("Li", (8, 10, 5), a=WARM, vacuum=8, orthogonal=True),
        "Li(111)": bcc111("Li", (7, 7, 18), a=WARM, vacuum=8),
        "molten": bcc100("Li", (8, 8, 8), a=3.55, vacuum=8),
    }
    found = []
    for name, slab in slabs.items():
        slab.pbc = True
        slab.calc = calculator
        if name == "molten":
            simulated(slab, 1000, 1500, 0)
            kept = simulated(slab, 520, 1500, 2)
        elif name == "Li(111)":  # its surface melts; the planes below are held as by a crystal
            slab.set_constraint(FixAtoms(slab.positions[:, 2] < slab.positions[:, 2].min() + 3.2))
        if name != "molten":
            kept = simulated(slab, 300, 1000, 2)
        for frame in kept:
            frame.info["layers"] = name
        found += kept
    return found


def scores_of(atoms: Atoms, keep: Callable[[int, int], bool]) -> np.ndarray:
    """Similarity to all nets of the layers that are kept, of a number and of how many."""
    film = find_film(atoms, "X", atoms.symbols[0])
    similarity = compare_with_nets(atoms.positions, atoms.cell.array, film.layers, NETS)
    layers = similarity_of_layers(similarity, film.layers)
    return np.array(
        [list(e.scores.values()) for e in layers if e.scores and keep(e.layer, len(layers))]
    )


def row(name: str, scores: np.ndarray) -> str:
    """A line of the table: means over layers, and the range of the largest."""
    cells = " | ".join(f"{value:.2f}" for value in scores.mean(axis=0))
    best = scores.max(axis=1)
    return f"| {name} | {cells} | {best.min():.2f} to {best.max():.2f} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--simulate", type=Path, metavar="OUT", help="simulate the slabs anew, write them here"
    )
    arguments = parser.parse_args()
    warnings.simplefilter("ignore")
    print(f"| layer | {' | '.join(NETS)} | largest |")
    print("|---" * (len(NETS) + 2) + "|")
    everywhere = lambda _layer, _count: True  # noqa: E731
    for name, layer in perfect_layers().items():
        print(row(f"{name}, perfect", scores_of(layer, everywhere)))
        values = [scores_of(strained(layer, strain), everywhere) for strain in STRAINS.values()]
        print(row(f"{name}, strained 5 %", np.vstack(values)))
    if arguments.simulate:
        write(arguments.simulate, simulate_slabs())
    slabs = read(arguments.simulate or STORED, ":")
    inner = lambda number, count: 4 < number < 10 if count > 12 else 1 < number < count  # noqa: E731
    for name in dict.fromkeys(slab.info["layers"] for slab in slabs):
        values = [scores_of(slab, inner) for slab in slabs if slab.info["layers"] == name]
        print(row(f"{name}, by dynamics", np.vstack(values)))
    for density in (0.0488, 0.0846, 0.107, 0.12, 0.132, 0.151, 0.175):
        diameter = 0.85 * np.sqrt(2 / np.sqrt(3) / density)
        values = [scores_of(random_disks(density, diameter, 120, n), everywhere) for n in range(20)]
        print(row(f"disks, {density:.3f} atoms/Å^2", np.vstack(values)))


if __name__ == "__main__":
    main()
