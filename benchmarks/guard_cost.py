"""What guards and the assessment of the uncertainty cost in a run.

Prints JSON: processor time of a step, of one look of all guards, and of one assessment, and what
share of a run they are with a look every 50 steps and an assessment every so many. Processor time,
so that other work on the machine does not count; nothing of it is compilation.

    python benchmarks/guard_cost.py --cells 8 --steps 400 [--potential li]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import numpy as np
from ase.build import bulk

from limlff.environment import describe_environment
from limlff.md.config import MDConfig
from limlff.md.guards.checks import find_violation
from limlff.md.guards.violation import Snapshot
from limlff.md.simulation.start import first_checkpoint, start_simulation
from limlff.named_potential import load
from limlff.precision import own_precision


def seconds(action: Callable[[], Any], calls: int) -> float:
    """Processor time of a call after the first (s)."""
    jax.block_until_ready(action())
    start = time.process_time()
    for _ in range(calls):
        jax.block_until_ready(action())
    return (time.process_time() - start) / calls


@own_precision()
def measure(cells: int, steps: int, name: str) -> dict[str, float]:
    """Costs in a crystal of lithium at 300 K."""
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(cells)
    config = MDConfig.model_validate(
        {"steps": 2 * steps, "temperature_k": 300, "guards": {"max_grade": 1e9}}
    )
    potential = load(name)
    checkpoint = first_checkpoint(config, atoms, potential)
    simulation = start_simulation(checkpoint, config, potential)
    simulation.evaluate_anew(simulation.structure, simulation.state)
    simulation.advance_to(steps)
    begin, guards = time.process_time(), simulation.tally.guard_seconds
    simulation.advance_to(2 * steps)
    step = (time.process_time() - begin - (simulation.tally.guard_seconds - guards)) / steps
    state, species = simulation.state, simulation.table.species
    snapshot = Snapshot(
        state, simulation.structure, config, simulation.conserved, simulation.conserved
    )
    assess = simulation.watch.assessor
    assert assess is not None
    matrix, cell = simulation.neighbors.matrix, np.asarray(state.cell)
    guard = seconds(lambda: find_violation(snapshot), 10)
    assessment = seconds(lambda: assess(species, state.positions, cell, matrix), 5)  # type: ignore[arg-type]
    return {
        "microseconds_per_atom_step": 1e6 * step / len(atoms),
        "look_in_steps": guard / step,
        "assessment_in_steps": assessment / step,
        "share_of_guards": guard / 50 / step,
        **{
            f"share_with_uncertainty_every_{every}": (guard / 50 + assessment / every) / step
            for every in (50, 100, 200)
        },
    }


def main() -> None:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--potential", default="li")
    arguments = parser.parse_args()
    results = measure(arguments.cells, arguments.steps, arguments.potential)
    atoms = 2 * arguments.cells**3
    print(json.dumps({"environment": describe_environment(), "atoms": atoms, **results}, indent=2))


if __name__ == "__main__":
    main()
