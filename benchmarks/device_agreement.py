"""Whether another device gives the energies, forces and stresses that the kernel for CPUs gives.

    python benchmarks/device_agreement.py --out gpu.npz          # where there is an accelerator
    python benchmarks/device_agreement.py --compare gpu.npz      # on a CPU

Shaken crystals of lithium and, with `--potential` of one that knows copper, a shaken slab of
Cu(111) with a layer of lithium, in both arithmetics. A GPU goes another way than a CPU: formulas
differentiated by jax, neighbor lists of jax-md; a CPU the compiled kernel and its own lists.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import jax
import numpy as np
from ase import Atoms
from ase.build import bulk, fcc111

import limlff
from limlff.calculator import Calculator

DTYPES = ("float32", "float64")


def main() -> None:
    """Calculate; write, or print the largest differences."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--potential", default="li", help="name or file (default: li)")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--out", type=Path, help="file of the results, .npz")
    what.add_argument("--compare", type=Path, help="results of another device")
    arguments = parser.parse_args()
    found = results(arguments.potential)
    print(", ".join(str(device) for device in jax.devices()), f"jax {jax.__version__}")
    if arguments.out:
        np.savez(arguments.out, **found)
        return
    with np.load(arguments.compare, allow_pickle=False) as other:
        for name, ours in found.items():
            print(f"{name}: {np.abs(ours - other[name]).max():.1e}")


def results(potential: str) -> dict[str, np.ndarray]:
    """Energy (eV), forces (eV/Å) and stress (eV/Å^3) of each structure in each arithmetic."""
    elements = limlff.load(potential).elements
    structures = {"crystal": crystal()} | ({"slab": slab()} if "Cu" in elements else {})
    found = {}
    for name, atoms in structures.items():
        for dtype in DTYPES:
            atoms.calc = Calculator(potential, dtype)
            found[f"{name}, {dtype}, energy"] = np.array(atoms.get_potential_energy())
            found[f"{name}, {dtype}, forces"] = atoms.get_forces()
            found[f"{name}, {dtype}, stress"] = atoms.get_stress()
    return found


def crystal() -> Atoms:
    """432 atoms of bcc lithium."""
    atoms = bulk("Li", "bcc", a=3.44, cubic=True) * (6, 6, 6)
    atoms.rattle(0.15, seed=1)
    return atoms


def slab() -> Atoms:
    """180 atoms: five layers of copper, the uppermost of them made lithium."""
    atoms = fcc111("Cu", (6, 6, 5), a=3.63, vacuum=8.0, periodic=True)
    atoms.rattle(0.1, seed=2)
    atoms.symbols[atoms.positions[:, 2] > atoms.positions[:, 2].max() - 1.5] = "Li"
    return atoms


if __name__ == "__main__":
    main()
