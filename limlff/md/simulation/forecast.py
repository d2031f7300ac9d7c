"""What a run will take, measured by a few steps that are thrown away."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from limlff.md.simulation.simulation import Simulation
from limlff.memory import peak_memory_mb
from limlff.progress import duration

TRIAL_STEPS = 5


@dataclass(frozen=True)
class Forecast:
    """Time and memory of a run.

    Attributes:
        atoms: Number of atoms.
        steps: Steps that are still to be done.
        seconds_per_step: Wall time of a step; lists of neighbors take a few percent more (s).
        memory_mb: Memory of the process with all arrays of the run (MB).
        compile_seconds: Time spent in compilation (s).
    """

    atoms: int
    steps: int
    seconds_per_step: float
    memory_mb: float
    compile_seconds: float

    def __str__(self) -> str:
        """One line for the user."""
        per_step = 1e6 * self.seconds_per_step / self.atoms
        return (
            f"{self.atoms} atoms, {self.steps} steps: about "
            f"{duration(self.steps * self.seconds_per_step)} ({per_step:.1f} µs/atom/step) and "
            f"{self.memory_mb / 1e3:.1f} GB; compiled in {self.compile_seconds:.1f} s"
        )


def make_forecast(simulation: Simulation) -> Forecast:
    """Time a few steps from the present state; the simulation stays as it is.

    Args:
        simulation: Ready to run, with a neighbor list.
    """
    engine, state = simulation.engine, simulation.state
    first = engine.advance(state, simulation.table, simulation.neighbors, simulation.step + 1).state
    begin = time.perf_counter()
    last = engine.advance(
        first, simulation.table, simulation.neighbors, int(np.asarray(first.step)) + TRIAL_STEPS
    ).state
    done = int(np.asarray(last.step)) - int(np.asarray(first.step))
    return Forecast(
        atoms=len(simulation.structure),
        steps=simulation.config.steps - simulation.step,
        seconds_per_step=(time.perf_counter() - begin) / max(done, 1),
        memory_mb=peak_memory_mb(),
        compile_seconds=engine.compile_seconds,
    )
