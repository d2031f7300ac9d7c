"""Conservation of energy: drift over 20 ps, and error amplitude against the time step.

    python benchmarks/nve_drift.py [POTENTIAL] [--cells 8] [--drift-ps 20] [--json OUT]
    python benchmarks/nve_drift.py li --dtype float32 --cells 13 --drift-ps 50 --only-drift \
        --drift-timestep-fs 2

bcc Li is brought to 300 K by Langevin dynamics; from there NVE runs, in float64 if not said
otherwise. The drift is the slope of a straight line through the total energy, at 1 fs by default.
The amplitude is the standard deviation of the total energy over 2 ps at 0.5, 1 and 2 fs: velocity
Verlet conserves a shadow energy that differs from the true one by a term of order dt^2, so it falls
by 4 with each halving.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
from ase import Atoms

from limlff.environment import describe_environment
from limlff.md.config import NVE, Langevin, MDConfig, Output
from limlff.md.output.thermo import read_thermo
from limlff.md.runner import run_md
from limlff.named_potential import load
from limlff.potential import Potential
from limlff.potential_file import potential_digest
from limlff.structures.lattice import bcc_supercell

Dtype = Literal["float64", "float32"]
TEMPERATURE_K = 300.0
LATTICE_CONSTANT = 3.47  # Å, near that of bcc Li at 300 K in PBE
DRIFT_LIMITS = {"float64": 1e-4, "float32": 5e-3}  # meV/atom/ps


def main() -> None:
    """Measure, print, write JSON."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li", help="name or path (default: li)")
    parser.add_argument("--cells", type=int, default=8, help="cubic cells along each axis")
    parser.add_argument("--drift-ps", type=float, default=20.0)
    parser.add_argument("--dtype", choices=tuple(DRIFT_LIMITS), default="float64")
    parser.add_argument("--drift-timestep-fs", type=float, default=1.0)
    parser.add_argument("--only-drift", action="store_true", help="leave the amplitudes out")
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    dtype, timestep = arguments.dtype, arguments.drift_timestep_fs
    potential = load(arguments.potential)
    with tempfile.TemporaryDirectory() as folder:
        start = equilibrate(potential, arguments.cells, Path(folder))
        amplitudes = {
            f"{step:g}": amplitude(
                total_energy(potential, start, step, 2.0, dtype, Path(folder))[1]
            )
            for step in (() if arguments.only_drift else (0.5, 1.0, 2.0))
        }
        drift, error = slope(
            *total_energy(potential, start, timestep, arguments.drift_ps, dtype, Path(folder))
        )
    values = list(amplitudes.values())
    ratios = [second / first for first, second in pairwise(values)]
    print(f"{len(start)} atoms, {dtype}, {TEMPERATURE_K:g} K")
    print(
        f"drift over {arguments.drift_ps:g} ps at {timestep:g} fs: "
        f"{drift:.1e} +- {error:.0e} meV/atom/ps"
    )
    for step, value in amplitudes.items():
        print(f"amplitude at {step:>3} fs: {value:.2e} meV/atom")
    if ratios:
        print(f"ratios for a doubled step: {ratios[0]:.2f}, {ratios[1]:.2f} (4 for dt^2)")
    if arguments.json:
        record = {
            "benchmark": "nve_drift",
            **describe_environment(),
            "potential": arguments.potential,
            "digest": potential_digest(potential),
            "atoms": len(start),
            "dtype": dtype,
            "temperature_k": TEMPERATURE_K,
            "drift_ps": arguments.drift_ps,
            "drift_timestep_fs": timestep,
            "drift_mev_per_atom_per_ps": drift,
            "drift_error_mev_per_atom_per_ps": error,
            "drift_limit_mev_per_atom_per_ps": DRIFT_LIMITS[dtype],
            "amplitude_mev_per_atom_by_timestep_fs": amplitudes,
            "amplitude_ratios": ratios,
        }
        arguments.json.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")


def equilibrate(potential: Potential, cells: int, folder: Path) -> Atoms:
    """Crystal in motion; velocities are drawn at twice the temperature, the lattice takes half."""
    config = MDConfig(
        steps=1000,
        timestep_fs=2.0,
        temperature_k=TEMPERATURE_K,
        initial_temperature_k=2 * TEMPERATURE_K,
        ensemble=Langevin(friction_per_ps=5.0),
        dtype="float32",
    )
    crystal = bcc_supercell("Li", LATTICE_CONSTANT, (cells, cells, cells))
    return run_md(config, folder / "equilibration", crystal, potential, progress=False).atoms


def total_energy(
    potential: Potential,
    start: Atoms,
    timestep_fs: float,
    duration_ps: float,
    dtype: Dtype,
    folder: Path,
    thermo_every: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Times (ps) and total energies (meV/atom) of an NVE run, every `thermo_every` steps."""
    steps = round(1000 * duration_ps / timestep_fs)
    thermo_every = thermo_every or max(10, steps // 2000)
    config = MDConfig(
        steps=steps,
        timestep_fs=timestep_fs,
        temperature_k=TEMPERATURE_K,
        ensemble=NVE(),
        initial_velocities="file",
        dtype=dtype,
        output=Output(thermo_every=thermo_every, trajectory_every=10**9, checkpoint_every=10**9),
    )
    out = folder / f"nve-{timestep_fs}-{duration_ps}"
    run = run_md(config, out, start.copy(), potential, progress=False)
    rows = read_thermo(run.thermo)
    total = rows["potential_ev"] + rows["kinetic_ev"]
    return rows["time_fs"] / 1000, 1000 * (total - total[0]) / len(start)


def amplitude(energies: np.ndarray) -> float:
    """Standard deviation of an energy (in its unit)."""
    return float(np.std(energies))


def slope(times: np.ndarray, energies: np.ndarray, blocks: int = 10) -> tuple[float, float]:
    """Slope of a line through the energies, and its error from the scatter of block averages."""
    trend = np.polyfit(times, energies, 1)
    rest = energies - np.polyval(trend, times)
    means = [np.mean(block) for block in np.array_split(rest, blocks)]
    centres = [np.mean(block) for block in np.array_split(times, blocks)]
    error = np.std(means) / (np.std(centres) * np.sqrt(blocks - 2))
    return float(trend[0]), float(error)


if __name__ == "__main__":
    main()
