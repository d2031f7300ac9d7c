"""Properties of lithium on copper and of both metals by a potential, beside DFT in the same cells.

    python benchmarks/li_cu_properties.py POTENTIAL --cells cells.extxyz
    python potentials/li-cu/data/label.py cells.extxyz labelled.extxyz
    python benchmarks/li_cu_properties.py POTENTIAL --labels labelled.extxyz --json OUT

POTENTIAL is a name or file, or an ASE calculator that needs no settings, with what it is for
(`emt --elements Cu`). Elastic constants, vacancies, thick slabs and the like are those of
`properties.py`. The small cells of `_li_cu_cells.py` are relaxed by the potential and written by
the first command; DFT then computes them as they are, and the last command compares the figures: in
the columns DFT and "potential, same cells" the geometry is one and the same, whatever potential
relaxed it.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import properties
from _li_cu_cells import MOST_FOR_DFT, add_up, cells, figures
from ase import Atoms
from ase.calculators.calculator import BaseCalculator, get_calculator_class
from ase.filters import FrechetCellFilter
from ase.io import read, write
from ase.optimize import FIRE

from limlff.calculator import Calculator
from limlff.environment import describe_environment
from limlff.potential_file import potential_digest

ELEMENTS = ("Li", "Cu")


def main() -> None:
    """Relax and write the cells, or compare with DFT."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", help="name or path, or an ASE calculator such as emt")
    parser.add_argument(
        "--elements", nargs="+", choices=ELEMENTS, help="default: all that it is for"
    )
    parser.add_argument("--cells", type=Path, metavar="OUT", help="write the relaxed cells")
    parser.add_argument("--labels", type=Path, metavar="FILE", help="the same cells by DFT")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    begin = time.perf_counter()
    calculator = calculator_named(arguments.potential)
    known = calculator.potential.elements if isinstance(calculator, Calculator) else ELEMENTS
    elements = [element for element in ELEMENTS if element in (arguments.elements or known)]
    crystals = {element: properties.properties(calculator, element) for element in elements}
    for element, found in crystals.items():
        print(f"\n{element}\n")
        print(properties.table(found, properties.REFERENCES[element], arguments.potential))
    record: dict[str, Any] = {"crystals": crystals}
    if len(elements) == len(ELEMENTS):
        constants = [crystals[element]["lattice_constant_angstrom"] for element in ELEMENTS]
        record["figures"] = small_cells(calculator, constants, arguments.cells, arguments.labels)
        print("\n" + table(record["figures"]))
    if arguments.json:
        content = {
            "benchmark": "li-cu properties",
            **describe_environment(),
            "seconds": round(time.perf_counter() - begin, 1),
            "potential": Path(arguments.potential).name,
            "digest": potential_digest(calculator.potential)
            if isinstance(calculator, Calculator)
            else None,
            **record,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def calculator_named(name: str) -> BaseCalculator:
    """A calculator of ASE, or that of a potential."""
    try:
        return get_calculator_class(name)()
    except ImportError:
        return Calculator(name, "float64")


def small_cells(
    calculator: BaseCalculator, constants: list[float], out: Path | None, labels: Path | None
) -> dict[str, dict[str, float | None]]:
    """Each figure by relaxed cells, and, where DFT has them, in its cells by both."""
    relaxed = {name: relax(atoms, calculator) for name, atoms in cells(*constants).items()}
    if out:
        small = [atoms for atoms in relaxed.values() if len(atoms) <= MOST_FOR_DFT]
        write(out, small, format="extxyz", columns=["symbols", "positions"])
    ours = energies_by(calculator, relaxed)
    labelled = {str(a.info["config_type"]): a for a in read(labels, ":")} if labels else {}
    theirs = {name: atoms.get_potential_energy() for name, atoms in labelled.items()}
    same = energies_by(calculator, labelled)
    return {
        title: {
            "relaxed": add_up(factors, ours),
            "same_cells": add_up(factors, same),
            "dft": add_up(factors, theirs),
        }
        for title, factors in figures(relaxed).items()
    }


def energies_by(calculator: BaseCalculator, of: dict[str, Atoms]) -> dict[str, float]:
    """Energy of each cell (eV)."""
    return {name: calculator.get_potential_energy(atoms.copy()) for name, atoms in of.items()}


def relax(atoms: Atoms, calculator: BaseCalculator) -> Atoms:
    """The same at a minimum: of the positions, or of the cell too."""
    relaxed = atoms.copy()
    relaxed.calc = calculator
    moved = relaxed if atoms.info["keeps_cell"] else FrechetCellFilter(relaxed)
    properties.converge(FIRE(moved, logfile=None), 5e-3)
    relaxed.calc = None
    return relaxed


def table(found: dict[str, dict[str, float | None]]) -> str:
    """The figures as Markdown."""
    rows = [
        "| figure | potential, own cells | potential, same cells | DFT |",
        "|---|---|---|---|",
    ]
    for title, values in found.items():
        texts = ["" if value is None else f"{value:.4g}" for value in values.values()]
        rows.append(f"| {title} | " + " | ".join(texts) + " |")
    return "\n".join(rows)


if __name__ == "__main__":
    main()
