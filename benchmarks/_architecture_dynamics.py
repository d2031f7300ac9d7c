"""Molecular dynamics of 1,024 Li atoms with any potential: speed and conservation of energy."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from nve_drift import amplitude, equilibrate, slope, total_energy

from limlff.potential import Potential

CELLS = 8  # cubic cells of bcc along each axis
TIMED_SECONDS = 15.0
NVE_SECONDS = 60.0  # to spend on the longer of two runs, about
SHORTEST_PS, LONGEST_PS = 0.2, 4.0
SAMPLE_FS = 4.0


def starting_crystal() -> Atoms:
    """bcc lithium at 300 K, the same for all potentials."""
    from limlff.named_potential import load

    with tempfile.TemporaryDirectory() as folder:
        return equilibrate(load("li"), CELLS, Path(folder))


def speed_of(potential: Potential, start: Atoms) -> dict[str, Any]:
    """Processor time of a step at constant energy in float32, neighbor lists included."""
    from limlff.md.config import NVE, MDConfig
    from limlff.md.simulation.start import first_checkpoint, start_simulation
    from limlff.memory import peak_memory_mb

    config = MDConfig(
        steps=1,
        timestep_fs=1.0,
        temperature_k=300.0,
        ensemble=NVE(),
        initial_velocities="file",
        dtype="float32",
    )
    checkpoint = first_checkpoint(config, start.copy(), potential)
    simulation = start_simulation(checkpoint, config, potential)

    def seconds_for(steps: int) -> float:
        begun = time.process_time()
        simulation.advance_to(simulation.step + steps)
        return time.process_time() - begun

    seconds_for(20)  # compiles, and lists neighbors with room for those that come near
    steps = int(np.clip(20 * TIMED_SECONDS / seconds_for(20), 40, 4000))
    return {
        "microseconds_per_atom_step": 1e6 * seconds_for(steps) / steps / len(start),
        "steps_timed": steps,
        "peak_memory_mb": peak_memory_mb(),
    }


def conservation_of(potential: Potential, start: Atoms, speed: dict[str, Any]) -> dict[str, Any]:
    """Drift of the total energy at 1 fs, and how its swing falls from 2 fs to 1 fs (float64)."""
    step_seconds = 2e-6 * speed["microseconds_per_atom_step"] * len(start)  # float64 takes twice
    duration_ps = float(np.clip(1e-3 * NVE_SECONDS / step_seconds, SHORTEST_PS, LONGEST_PS))
    duration_ps = round(duration_ps, 1)

    def energies_at(timestep_fs: float) -> tuple[np.ndarray, np.ndarray]:
        samples = round(SAMPLE_FS / timestep_fs)
        with tempfile.TemporaryDirectory() as folder:
            return total_energy(
                potential, start, timestep_fs, duration_ps, "float64", Path(folder), samples
            )

    times, energies = energies_at(1.0)
    _, coarse = energies_at(2.0)
    drift, error = slope(times, energies)
    return {
        "nve_atoms": len(start),
        "nve_ps": duration_ps,
        "drift_mev_per_atom_per_ps": drift,
        "drift_error_mev_per_atom_per_ps": error,
        "amplitude_mev_per_atom_at_1_fs": amplitude(energies),
        "amplitude_mev_per_atom_at_2_fs": amplitude(coarse),
        "amplitude_ratio": amplitude(coarse) / amplitude(energies),
    }
