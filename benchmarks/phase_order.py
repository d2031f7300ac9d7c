"""Which crystal of lithium is lowest: bcc, fcc, hcp, dhcp or 9R, and whether DFT agrees.

    python benchmarks/phase_order.py [POTENTIAL] [--pressures 0 1] [--frames DFT.extxyz]
        [--write CELLS.extxyz] [--json OUT]

Each crystal is relaxed, cell and atoms, at each pressure; its enthalpy is told against that of bcc.
With frames of DFT those that are mostly one crystal are compared by what they are: the mean error
of the energy of each kind, of which only differences say something about the order. `--write` gives
the relaxed cells, whose energies by DFT would be the direct test. A few meV/atom decide which
crystal grows again after a hole has closed.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
from ase import Atoms
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import BFGS
from ase.units import GPa

import limlff
from limlff.analysis.local_order import Order, classify
from limlff.environment import describe_environment
from limlff.potential_file import potential_digest
from limlff.structures.lattice import bcc_supercell, stacked_crystal

STACKINGS = {"fcc": "ABC", "hcp": "AB", "dhcp": "ABAC", "9R": "ABCBCACAB"}
VOLUME = 20.2
"""Volume per atom at the start (Å^3)."""
MOSTLY = 0.7
"""Part of the atoms from which on a frame counts as of one kind."""


def main() -> None:
    """Relax, compare, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li")
    parser.add_argument("--pressures", type=float, nargs="+", default=[0.0, 1.0], metavar="GPA")
    parser.add_argument("--frames", type=Path, metavar="DFT")
    parser.add_argument("--write", type=Path, metavar="CELLS")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    calculator = limlff.Calculator(potential, dtype="float64")
    rows, cells = [], []
    for pressure in arguments.pressures:
        found = order_at(calculator, pressure)
        rows.append({"pressure_gpa": pressure, "enthalpy_mev_per_atom": found[0]})
        cells += found[1]
        told = ", ".join(f"{name} {value:+.2f}" for name, value in found[0].items())
        print(f"{pressure:g} GPa, against bcc (meV/atom): {told}", flush=True)
    errors = errors_by_kind(calculator, arguments.frames) if arguments.frames else {}
    for kind, (count, mean, error) in errors.items():
        print(f"{kind}: {count} frames, energy less DFT {mean:+.2f} ± {error:.2f} meV/atom")
    if arguments.write:
        write(arguments.write, cells)
    if arguments.json:
        content = {
            "benchmark": "phase order",
            **describe_environment(),
            "digest": potential_digest(potential),
            "relaxed": rows,
            "errors_by_kind_mev_per_atom": errors,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def crystals() -> dict[str, Atoms]:
    """All crystals, unrelaxed."""
    bcc = bcc_supercell("Li", float(np.cbrt(2 * VOLUME)), (1, 1, 1))
    return {"bcc": bcc, **{n: stacked_crystal("Li", s, VOLUME) for n, s in STACKINGS.items()}}


def order_at(calculator: object, pressure: float) -> tuple[dict[str, float], list[Atoms]]:
    """Enthalpies against bcc (meV/atom), and the relaxed cells."""
    enthalpies, cells = {}, []
    for name, crystal in crystals().items():
        # repeated so that the cell is wider than the potential reaches, whatever it is
        crystal = crystal.repeat((4, 4, max(1, round(16 / crystal.cell[2, 2]))))
        crystal.calc = calculator
        optimizer = BFGS(FrechetCellFilter(crystal, scalar_pressure=pressure * GPa), logfile=None)
        if not optimizer.run(fmax=1e-4, steps=300):
            raise SystemExit(f"{name} at {pressure:g} GPa does not relax to 1e-4 eV/Å")
        work = pressure * GPa * crystal.get_volume()
        enthalpies[name] = (crystal.get_potential_energy() + work) / len(crystal)
        plain = crystal.copy()
        plain.info |= {"phase": name, "pressure_gpa": pressure}
        cells.append(plain)
    lowest = enthalpies["bcc"]
    return {n: round(1e3 * (each - lowest), 3) for n, each in enthalpies.items()}, cells


def errors_by_kind(calculator: object, path: Path) -> dict[str, tuple[int, float, float]]:
    """Frames of each kind: their number, mean error of the energy and its standard error."""
    found: dict[str, list[float]] = {}
    for frame in read(path, ":"):
        kinds = np.bincount(classify(frame.positions, frame.cell.array), minlength=len(Order))
        kind = int(kinds.argmax())
        if kinds[kind] < MOSTLY * len(frame):
            continue
        reference = frame.get_potential_energy()
        frame.calc = calculator
        off = 1e3 * (frame.get_potential_energy() - reference) / len(frame)
        found.setdefault(Order(kind).name.lower(), []).append(off)
    return {
        kind: (
            len(each),
            round(float(np.mean(each)), 3),
            round(float(np.std(each, ddof=1) / np.sqrt(len(each))), 3) if len(each) > 1 else 0.0,
        )
        for kind, each in sorted(found.items())
    }


if __name__ == "__main__":
    main()
