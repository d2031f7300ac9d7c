"""Slabs and layers by ASE's own builders, for tests of layers; films are stacked by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from ase import Atoms
from ase.build import bcc100, bcc110, bcc111, fcc100, fcc110, fcc111
from ase.io import read

LITHIUM, COPPER = 3.438, 3.635  # Å
HEXAGONAL = 3.1066  # Å: side of a triangular net with two atoms on 3.438 Å times 4.862 Å

SLABS = Path(__file__).parent / "lithium_slabs.extxyz.xz"
"""Two configurations of each slab of `benchmarks/similarity_of_layers.py --simulate`: lithium by
the shipped `li` at 300 K, and molten at 520 K."""


def one_layer(net: str) -> Atoms:
    """A perfect layer of 64 atoms and more, such as Li(110), alone in a cell."""
    return {
        "Li(100)": lambda: bcc100("Li", (10, 10, 1), a=LITHIUM, vacuum=5),
        "Li(110)": lambda: bcc110("Li", (10, 14, 1), a=LITHIUM, vacuum=5, orthogonal=True),
        "Li(111)": lambda: bcc111("Li", (8, 8, 1), a=LITHIUM, vacuum=5),
        "Li(hex)": lambda: fcc111("Li", (10, 10, 1), a=HEXAGONAL * np.sqrt(2), vacuum=5),
        "Cu(100)": lambda: fcc100("Cu", (12, 12, 1), a=COPPER, vacuum=5),
        "Cu(110)": lambda: fcc110("Cu", (12, 10, 1), a=COPPER, vacuum=5),
        "Cu(111)": lambda: fcc111("Cu", (12, 12, 1), a=COPPER, vacuum=5),
    }[net]()


def copper_slab(facet: str = "111", size: tuple[int, int, int] = (6, 6, 4)) -> Atoms:
    """A clean slab of copper with 20 Å of vacuum on both sides."""
    build = {"100": fcc100, "110": fcc110, "111": fcc111}[facet]
    return build("Cu", size, a=COPPER, vacuum=20)


def warm_slabs(name: str) -> list[Atoms]:
    """Configurations from molecular dynamics, by the name of their layers, or "molten"."""
    frames = read(SLABS, ":")
    return [frame for frame in frames if frame.info["layers"] == name]


def shaken(atoms: Atoms, rms: float, seed: int = 0) -> Atoms:
    """A copy with Gaussian displacements of every component (Å)."""
    new = atoms.copy()
    new.positions += np.random.default_rng(seed).normal(0, rms, new.positions.shape)
    return new
