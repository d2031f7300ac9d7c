"""The barostat against the energy-volume curve: lattice constant and mean pressure of bcc Li.

    python benchmarks/npt_lattice.py [POTENTIAL] [--cells 6] [--ps 30] [--json OUT]

NPT at zero pressure at 150 K and 300 K gives two lattice constants. Classical expansion is linear
in the temperature, so the line through both meets 0 K at the minimum of the energy-volume curve,
which knows nothing of dynamics; the two must agree within 0.2 %. These runs and a third at 1 GPa
must have their mean pressure at the target within the statistical error.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from properties import equilibrium

from limlff.calculator import Calculator
from limlff.environment import describe_environment
from limlff.md.config import NPT, MDConfig, Output
from limlff.md.output.thermo import read_thermo
from limlff.md.runner import run_md
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.structures.lattice import bcc_supercell

TEMPERATURES_K = (150.0, 300.0)
EQUILIBRATION = 0.25  # part of each run that is left out of averages


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li", help="name or path (default: li)")
    parser.add_argument("--cells", type=int, default=6, help="cubic cells along each axis")
    parser.add_argument("--ps", type=float, default=30.0, help="length of each run (ps)")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    calculator = Calculator(arguments.potential)
    potential = calculator.potential
    static = equilibrium(calculator, "Li", "bcc")[0]
    with tempfile.TemporaryDirectory() as folder:
        runs = [
            npt(potential, static, arguments.cells, arguments.ps, temperature, pressure, folder)
            for temperature, pressure in [(t, 0.0) for t in TEMPERATURES_K] + [(300.0, 1.0)]
        ]
    cold, warm = (run["lattice_constant_angstrom"] for run in runs[:2])
    low, high = TEMPERATURES_K
    expansion = (warm - cold) / (high - low)
    deviation = (warm - (static + expansion * high)) / static
    print(f"energy-volume curve: {static:.4f} Å")
    for run in runs:
        print(
            f"{run['temperature_k']:g} K, {run['target_gpa']:g} GPa: "
            f"{run['lattice_constant_angstrom']:.4f} +- {run['lattice_error_angstrom']:.4f} Å, "
            f"mean pressure {run['pressure_gpa']:.4f} +- {run['pressure_error_gpa']:.4f} GPa, "
            f"mean temperature {run['mean_temperature_k']:.1f} K"
        )
    print(f"linear expansion: {1e6 * expansion / static:.1f}e-6 / K")
    print(f"{high:g} K against curve and expansion: {100 * deviation:+.3f} % (limit 0.2 %)")
    if arguments.json:
        record = {
            "benchmark": "npt_lattice",
            **describe_environment(),
            "potential": arguments.potential,
            "digest": potential_digest(potential),
            "atoms": 2 * arguments.cells**3,
            "static_lattice_constant_angstrom": static,
            "runs": runs,
            "linear_expansion_per_k": expansion / static,
            "relative_deviation": deviation,
            "relative_deviation_limit": 2e-3,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def npt(
    potential: Potential,
    lattice_constant: float,
    cells: int,
    duration_ps: float,
    temperature_k: float,
    pressure_gpa: float,
    folder: str,
) -> dict[str, Any]:
    """Averages of one run at constant pressure, with errors of one standard deviation."""
    config = MDConfig(
        steps=round(500 * duration_ps),
        timestep_fs=2.0,
        temperature_k=temperature_k,
        initial_temperature_k=2 * temperature_k,
        ensemble=NPT(pressure_gpa=pressure_gpa, tau_fs=500.0),
        output=Output(thermo_every=20, trajectory_every=10**9, checkpoint_every=10**9),
    )
    crystal = bcc_supercell("Li", lattice_constant, (cells, cells, cells))
    out = Path(folder) / f"npt-{temperature_k:g}-{pressure_gpa:g}"
    rows = read_thermo(run_md(config, out, crystal, potential, progress=False).thermo)
    kept = rows["time_fs"] > EQUILIBRATION * 1000 * duration_ps
    pressure = sum(rows[f"pressure_{axis}_gpa"] for axis in ("xx", "yy", "zz"))[kept] / 3
    lengths = np.cbrt(rows["volume_angstrom3"][kept]) / cells
    return {
        "temperature_k": temperature_k,
        "target_gpa": pressure_gpa,
        "mean_temperature_k": float(np.mean(rows["temperature_k"][kept])),
        "lattice_constant_angstrom": float(np.mean(lengths)),
        "lattice_error_angstrom": block_error(lengths),
        "pressure_gpa": float(np.mean(pressure)),
        "pressure_error_gpa": block_error(pressure),
    }


def block_error(values: np.ndarray, blocks: int = 10) -> float:
    """Error of the mean of a correlated series, from the scatter of block averages."""
    means = [np.mean(block) for block in np.array_split(values, blocks)]
    return float(np.std(means, ddof=1) / np.sqrt(blocks))


if __name__ == "__main__":
    main()
