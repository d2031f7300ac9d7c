"""How fast a potential runs: whole steps of molecular dynamics, and forces alone."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Literal

import jax
import numpy as np
from ase import Atoms

from limlff.md.config import NVE, MDConfig
from limlff.md.simulation.simulation import Simulation
from limlff.md.simulation.start import first_checkpoint, start_simulation
from limlff.memory import peak_memory_mb
from limlff.neighbors.host import build_neighbors
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.simd.threads import threads_to_use

TIMESTEP_FS = 1.0
TEMPERATURE_K = 300.0
EQUILIBRATION_FS = 100.0


@dataclass(frozen=True)
class Speed:
    """What was measured.

    Attributes:
        atoms: Number of atoms.
        steps: Steps that were timed.
        microseconds_per_atom_step: Wall time of a step, neighbor lists included, per atom (µs).
        microseconds_per_atom_force: The same of energies, forces and virial alone (µs).
        ns_per_day: Simulated time per day of wall time, at 1 fs (ns).
        compile_seconds: Time to compile, or to load what was compiled before (s).
        pairs_per_atom: Neighbors within the cutoff.
        list_builds: Neighbor lists built while steps were timed.
        list_seconds: Time that these took (s).
        peak_memory_mb: Largest memory of the process (MB).
        memory_kb_per_atom: What of it was taken since before the structure was made, per atom (kB).
        dtype: Arithmetic of the model.
        threads: Threads that it may use.
    """

    atoms: int
    steps: int
    microseconds_per_atom_step: float
    microseconds_per_atom_force: float
    ns_per_day: float
    compile_seconds: float
    pairs_per_atom: float
    list_builds: int
    list_seconds: float
    peak_memory_mb: float
    memory_kb_per_atom: float
    dtype: str
    threads: int


@own_precision()
def measure_speed(
    potential: Potential,
    atoms: Atoms,
    dtype: Literal["float32", "float64"] = "float32",
    seconds: float = 10.0,
) -> Speed:
    """Time steps at constant energy at 300 K, after 0.1 ps of equilibration.

    They are those of `limlff md`, with the guards that look at energy, temperature, forces and
    distances, without assessments of the uncertainty and without output.

    Args:
        potential: The potential.
        atoms: The structure; thermal velocities are drawn.
        dtype: Arithmetic of the model.
        seconds: Wall time that shall be measured, about (s).
    """
    before = peak_memory_mb()
    simulation = _simulation(potential, atoms, dtype)
    begin = time.perf_counter()
    simulation.advance_to(1)
    compile_seconds = time.perf_counter() - begin
    _advance(simulation, int(EQUILIBRATION_FS / TIMESTEP_FS))
    trial = 20
    steps = max(40, int(seconds * trial / _advance(simulation, trial)))
    before_steps = replace(simulation.tally)
    wall = _advance(simulation, steps)
    force = _time_forces(simulation)
    peak = peak_memory_mb()
    return Speed(
        atoms=len(atoms),
        steps=steps,
        microseconds_per_atom_step=1e6 * wall / steps / len(atoms),
        microseconds_per_atom_force=1e6 * force / len(atoms),
        ns_per_day=steps * TIMESTEP_FS * 1e-6 / wall * 86400.0,
        compile_seconds=compile_seconds,
        pairs_per_atom=_count_pairs(simulation) / len(atoms),
        list_builds=simulation.tally.builds - before_steps.builds,
        list_seconds=simulation.tally.build_seconds - before_steps.build_seconds,
        peak_memory_mb=peak,
        memory_kb_per_atom=1e3 * (peak - before) / len(atoms),
        dtype=dtype,
        threads=threads_to_use(),
    )


def _simulation(
    potential: Potential, atoms: Atoms, dtype: Literal["float32", "float64"]
) -> Simulation:
    """A simulation before its first forces."""
    config = MDConfig(
        temperature_k=TEMPERATURE_K,
        timestep_fs=TIMESTEP_FS,
        steps=1,
        dtype=dtype,
        ensemble=NVE(),
    )
    return start_simulation(first_checkpoint(config, atoms, potential), config, potential)


def _advance(simulation: Simulation, steps: int) -> float:
    """Advance by so many steps; wall time (s)."""
    begin = time.perf_counter()
    simulation.advance_to(simulation.step + steps)
    return time.perf_counter() - begin


def _count_pairs(simulation: Simulation) -> int:
    """Pairs within the cutoff, each counted from both sides."""
    state, engine = simulation.state, simulation.engine
    matrix, _ = build_neighbors(
        np.asarray(state.positions),
        np.asarray(state.cell),
        simulation.structure.periodic,
        engine.predictor.potential.cutoff,
    )
    return int(np.count_nonzero(matrix.mask))


def _time_forces(simulation: Simulation, repeats: int = 5) -> float:
    """Smallest wall time of energies, forces and virial (s)."""
    predict = simulation.engine.predictor.predict
    state, matrix = simulation.state, simulation.neighbors.matrix
    arguments = jax.device_put((simulation.table.species, state.positions, state.cell, matrix))
    jax.block_until_ready(predict(*arguments))
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(predict(*arguments))
        times.append(time.perf_counter() - begin)
    return min(times)
