"""Conservation of energy of lithium on copper by the time step.

    python benchmarks/plating_timestep.py [POTENTIAL] [--ps 30] [--json OUT]

Three layers of Li(110) on Cu(111), no layer of them held, are brought to 300 K by Langevin
dynamics; from there they go on at constant energy with steps of 2, 3 and 4 fs in float32, as the
study of plating does. The drift is the slope of a straight line through the total energy, the
fluctuation its standard deviation about that line: it grows with the square of the step as long
as the step is short enough for the fastest vibration.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
from ase import Atoms

import limlff
from limlff.environment import describe_environment
from limlff.md.config import NVE, Langevin, MDConfig, Output
from limlff.md.output.thermo import read_thermo
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.structures.film import bcc_film
from limlff.structures.slab import fcc_slab

STEPS_FS = (2.0, 3.0, 4.0)
START_PS, KELVIN = 5.0, 300.0


def main() -> None:
    """Run all, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li-cu")
    parser.add_argument("--ps", type=float, default=30.0)
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    potential = limlff.load(arguments.potential)
    slab = fcc_slab("Cu", "111", (9, 8), 5, 3.63)
    atoms, _ = bcc_film(slab, "Li", "110", 3, 3.44)
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        start = warm(potential, atoms, Path(folder))
        for step in STEPS_FS:
            rows.append(conserved(potential, start, step, arguments.ps, Path(folder)))
            print(
                f"{step:g} fs: drift {rows[-1]['drift_uev_per_atom_ps']:+.4f} µeV/atom/ps, "
                f"fluctuation {rows[-1]['fluctuation_uev_per_atom']:.1f} µeV/atom",
                flush=True,
            )
    if arguments.json:
        content = {
            "benchmark": "time step of plating",
            **describe_environment(),
            "digest": potential_digest(potential),
            "atoms": len(atoms),
            "picoseconds": arguments.ps,
            "runs": rows,
        }
        arguments.json.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")


def warm(potential: Potential, atoms: Atoms, folder: Path) -> Atoms:
    """The atoms at the temperature, with velocities."""
    config = MDConfig(
        steps=round(1000 * START_PS / 2.0),
        timestep_fs=2.0,
        temperature_k=KELVIN,
        initial_temperature_k=2 * KELVIN,
        ensemble=Langevin(friction_per_ps=5.0),
    )
    return limlff.run_md(config, folder / "warm", atoms, potential, progress=False).atoms


def conserved(
    potential: Potential, start: Atoms, step_fs: float, picoseconds: float, folder: Path
) -> dict[str, float]:
    """Drift and fluctuation of the total energy at constant energy."""
    config = MDConfig(
        steps=round(1000 * picoseconds / step_fs),
        timestep_fs=step_fs,
        temperature_k=KELVIN,
        initial_velocities="file",
        ensemble=NVE(),
        output=Output(thermo_every=10, trajectory_every=10**6),
    )
    result = limlff.run_md(config, folder / f"{step_fs}", start, potential, progress=False)
    thermo = read_thermo(result.thermo)
    time_ps = 1e-3 * thermo["time_fs"]
    energy = 1e6 * thermo["conserved_ev"] / len(start)
    slope, offset = np.polyfit(time_ps, energy, 1)
    return {
        "timestep_fs": step_fs,
        "drift_uev_per_atom_ps": float(slope),
        "fluctuation_uev_per_atom": float(np.std(energy - slope * time_ps - offset)),
        "temperature_k": float(thermo["temperature_k"].mean()),
    }


if __name__ == "__main__":
    main()
