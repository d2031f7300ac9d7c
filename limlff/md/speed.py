"""How fast a potential runs: whole steps of molecular dynamics, and forces alone."""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import dataclass
from typing import Any, Literal

import jax
import numpy as np
from ase import Atoms

from limlff import precision as precision  # first: sets up jax
from limlff.kernels.threads import threads_to_use
from limlff.md.config import NVE, MDConfig
from limlff.md.engine import Engine, list_neighbors, roomy_capacity
from limlff.md.prepare import build_integrator, check_structure, first_state
from limlff.neighbors.host import build_neighbors
from limlff.potential import Potential

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
        precision: Arithmetic of the model.
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
    precision: str
    threads: int


def peak_memory_mb() -> float:
    """Largest memory of this process so far (MB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kB elsewhere


def measure_speed(
    potential: Potential,
    atoms: Atoms,
    precision: Literal["float32", "float64"] = "float32",
    seconds: float = 10.0,
) -> Speed:
    """Time steps at constant energy at 300 K, after 0.1 ps of equilibration.

    Args:
        potential: The potential.
        atoms: The structure; thermal velocities are drawn.
        precision: Arithmetic of the model.
        seconds: Wall time that shall be measured, about (s).
    """
    before = peak_memory_mb()
    config = MDConfig(
        temperature_k=TEMPERATURE_K,
        timestep_fs=TIMESTEP_FS,
        steps=1,
        precision=precision,
        ensemble=NVE(),
    )
    structure = check_structure(atoms, config)
    table = structure.table(potential, len(structure))
    engine = Engine(potential, build_integrator(config, structure), precision, config.skin_angstrom)
    course = _Course(
        engine, structure, table, first_state(atoms, structure, table, config, engine.integrator)
    )
    begin = time.perf_counter()
    course.advance(1)
    compile_seconds = time.perf_counter() - begin
    course.advance(int(EQUILIBRATION_FS / TIMESTEP_FS))
    trial, spent = 20, course.advance(20)
    steps = max(40, int(seconds * trial / spent))
    builds, build_seconds = course.builds, course.build_seconds
    wall = course.advance(steps)
    force = _time_forces(course)
    peak = peak_memory_mb()
    return Speed(
        atoms=len(atoms),
        steps=steps,
        microseconds_per_atom_step=1e6 * wall / steps / len(atoms),
        microseconds_per_atom_force=1e6 * force / len(atoms),
        ns_per_day=steps * TIMESTEP_FS * 1e-6 / wall * 86400.0,
        compile_seconds=compile_seconds,
        pairs_per_atom=_count_pairs(course) / len(atoms),
        list_builds=course.builds - builds,
        list_seconds=course.build_seconds - build_seconds,
        peak_memory_mb=peak,
        memory_kb_per_atom=1e3 * (peak - before) / len(atoms),
        precision=precision,
        threads=threads_to_use(),
    )


class _Course:
    """A run without output."""

    def __init__(self, engine: Engine, structure: Any, table: Any, state: Any) -> None:
        self.engine, self.structure, self.table, self.state = engine, structure, table, state
        self.capacity = roomy_capacity(
            np.asarray(state.positions),
            np.asarray(state.cell),
            structure.periodic,
            engine.list_radius,
        )
        self.builds, self.build_seconds = 0, 0.0
        self._list()

    def _list(self) -> None:
        begin = time.perf_counter()
        self.neighbors, self.capacity = list_neighbors(
            np.asarray(self.state.positions),
            np.asarray(self.state.cell),
            self.structure.periodic,
            len(self.structure),
            self.engine.list_radius,
            self.capacity,
        )
        self.builds += 1
        self.build_seconds += time.perf_counter() - begin

    def advance(self, steps: int) -> float:
        """Advance by so many steps; wall time (s)."""
        begin = time.perf_counter()
        stop = max(int(self.state.step), 0) + steps
        while self.state.step < stop:
            self.state, stale, _ = self.engine.advance(self.state, self.table, self.neighbors, stop)
            if stale:
                self._list()
        return time.perf_counter() - begin


def _count_pairs(course: _Course) -> int:
    """Pairs within the cutoff, each counted from both sides."""
    matrix, _ = build_neighbors(
        np.asarray(course.state.positions),
        np.asarray(course.state.cell),
        course.structure.periodic,
        course.engine.potential.cutoff,
    )
    return int(np.count_nonzero(matrix.mask))


def _time_forces(course: _Course, repeats: int = 5) -> float:
    """Smallest wall time of energies, forces and virial (s)."""
    potential, precision = course.engine.potential, course.engine.dtype

    @jax.jit
    def predict(species: Any, positions: Any, cell: Any, matrix: Any) -> Any:
        return potential.predict(species, positions, cell, matrix, precision)

    arguments = jax.device_put(
        (course.table.species, course.state.positions, course.state.cell, course.neighbors.matrix)
    )
    jax.block_until_ready(predict(*arguments))
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        jax.block_until_ready(predict(*arguments))
        times.append(time.perf_counter() - begin)
    return min(times)
