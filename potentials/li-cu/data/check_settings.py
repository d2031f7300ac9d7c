"""What the settings of the DFT labels do to forces: one frame of each kind, calculated better.

    python check_settings.py gpaw.extxyz test.extxyz --out settings.json [--kinds cu100_li3 ...]

The smallest frame of each kind is calculated with k-points of half the distance, with plane waves
to 600 eV, with spins (each atom started at 0.5 Bohr magnetons), and, of a slab, with a repeat of
its stacking more of copper below. Differences of forces to the label are over the atoms of the
frame, of the thicker slab over all but the lowest layer, which is a surface in one and not in the
other. What is there is not calculated again.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.io import read
from label import SOLVERS, SPACING, calculator, k_points, kind

LAYERS = {"cu100": 2, "cu110": 2, "cu111": 3}
"""Layers after which the stacking of a facet repeats."""
KINDS = ["cu100_li3_adsorb", "cu110_li2_adsorb", "cu111_li2_adsorb", "alloy_fcc", "bulk_Cu"]
"""Slabs whose copper is whole, so that they can be made thicker."""
LOWEST = 0.7
"""Height within which atoms are of the lowest layer (Å)."""


def forces_by(atoms: Atoms, mesh: list[int], cutoff: float, spins: bool, log: Path) -> np.ndarray:
    """Forces (atoms, 3) by given settings (eV/Å)."""
    calculated = Atoms(atoms.numbers, atoms.positions, cell=atoms.cell, pbc=True)
    if spins:
        calculated.set_initial_magnetic_moments([0.5] * len(atoms))
    calculated.calc = calculator(mesh, log, SOLVERS[1], cutoff, spins)
    return np.asarray(calculated.get_forces())


def thicker(atoms: Atoms, facet: str) -> Atoms:
    """The slab with whole repeats of ideal layers below, the frame's atoms first."""
    copper = atoms.positions[atoms.numbers == 29]
    levels = np.sort(copper[:, 2])
    per_layer = int(np.sum(levels < levels[0] + LOWEST))
    ideal = (copper[:, 2].max() - levels[0]) / max(1, round(len(copper) / per_layer) - 1)
    count = LAYERS[facet[:5]]
    lowest = np.argsort(copper[:, 2])[: per_layer * count]
    added = copper[lowest] - [0, 0, ideal * count]
    deeper = atoms.copy()
    deeper.extend(Atoms("Cu" * len(added), added))
    deeper.cell[2, 2] += ideal * count
    deeper.positions[:, 2] += ideal * count
    return deeper


def compared(first: np.ndarray, second: np.ndarray) -> dict[str, float]:
    """Mean and largest difference of the components of two sets of forces (eV/Å)."""
    apart = np.abs(first - second)
    return {"mean": round(float(apart.mean()), 5), "largest": round(float(apart.max()), 5)}


def checks(atoms: Atoms, facet: str, logs: Path, found: dict[str, Any]) -> Iterator[None]:
    """Fill in the differences by setting that are not known yet; yields after each."""
    reference, mesh = atoms.get_forces(), k_points(atoms)
    variants = {
        "again": (mesh, 400.0, False),
        "k-points": (k_points(atoms, SPACING / 2), 400.0, False),
        "600 eV": (mesh, 600.0, False),
        "spins": (mesh, 400.0, True),
    }
    for name, (points, cutoff, spins) in variants.items():
        if name not in found:
            log = logs / f"{facet}-{name.replace(' ', '-')}.txt"
            found[name] = compared(forces_by(atoms, points, cutoff, spins, log), reference)
            print(facet, name, points, found[name], flush=True)
            yield
    if facet[:5] in LAYERS and "thicker" not in found:
        found["thicker"] = of_thicker(atoms, facet, logs)
        print(facet, "thicker", found["thicker"], flush=True)
        yield


def of_thicker(atoms: Atoms, facet: str, logs: Path) -> dict[str, float]:
    """Differences if the slab is thicker."""
    deeper = thicker(atoms, facet)
    forces = forces_by(deeper, k_points(deeper), 400.0, False, logs / f"{facet}-thicker.txt")
    heights = atoms.positions[:, 2]
    upper = heights > heights.min() + LOWEST
    return compared(forces[: len(atoms)][upper], atoms.get_forces()[upper])


def main() -> None:
    """Check, write after each."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("labelled", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--kinds", nargs="+", default=KINDS)
    arguments = parser.parse_args()
    frames = [atoms for path in arguments.labelled for atoms in read(path, ":")]
    logs = arguments.out.parent / "logs"
    logs.mkdir(parents=True, exist_ok=True)
    results = json.loads(arguments.out.read_text()) if arguments.out.is_file() else {}
    for name in arguments.kinds:
        alike = [atoms for atoms in frames if kind(atoms).startswith(name)]
        if not alike:
            print(f"no frame of {name}")
            continue
        atoms = min(alike, key=len)
        mean_force = float(np.abs(atoms.get_forces()).mean())
        about = {"config_type": kind(atoms), "atoms": len(atoms), "mean_force": mean_force}
        results[name] = results.get(name, {}) | about
        for _ in checks(atoms, name, logs, results[name]):
            arguments.out.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
