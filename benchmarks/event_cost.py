"""What events, a lid and friction on some atoms cost in molecular dynamics.

Prints JSON: processor time of a step with friction on all atoms, on those of the lower half, and
with a lid besides, and of one event of each kind, which adds or takes an atom and has a neighbor
list and the forces of the others computed anew. Processor time, so that other work on the machine
does not count; the variants take turns, and the median of their rounds is given.

    python benchmarks/event_cost.py li --atoms 2000
"""

from __future__ import annotations

import argparse
import json
import time
from statistics import median
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import bcc110

from limlff.environment import describe_environment
from limlff.md.config import MDConfig
from limlff.md.simulation.simulation import Simulation
from limlff.md.simulation.start import first_checkpoint, start_simulation
from limlff.named_potential import load
from limlff.potential import Potential
from limlff.precision import own_precision

LANGEVIN: dict[str, Any] = {"kind": "nvt_langevin"}
LID = {"above_highest_angstrom": 20.0}
EVENTS = {
    "deposit": {"kind": "deposit", "element": "Li"},
    "strip highest": {"kind": "strip", "element": "Li"},
    "strip least bound": {"kind": "strip", "element": "Li", "choice": "least_bound"},
    "remove at random": {"kind": "remove", "element": "Li"},
}


def slab(atoms: int) -> Atoms:
    """Lithium (110) of about so many atoms, 16 layers, under vacuum."""
    side = max(2, round((atoms / 16) ** 0.5))
    layers = bcc110("Li", (side, side, 16), a=3.45, orthogonal=False)
    layers.center(vacuum=30.0, axis=2)
    layers.pbc = (True, True, False)
    return layers


def ready(potential: Potential, atoms: Atoms, **changes: Any) -> Simulation:
    """A simulation after a few steps, with everything compiled."""
    config = MDConfig.model_validate(
        {
            "steps": 10**6,
            "ensemble": LANGEVIN,
            "frozen": {"below_z_angstrom": float(atoms.positions[:, 2].min()) + 1.0},
            **changes,
        }
    )
    simulation = start_simulation(first_checkpoint(config, atoms, potential), config, potential)
    simulation.evaluate_anew(simulation.structure, simulation.state)
    simulation.advance_to(20)
    return simulation


def variants(atoms: Atoms) -> dict[str, dict[str, Any]]:
    """Settings of the runs whose steps are compared."""
    middle = float(np.median(atoms.positions[:, 2]))
    selective = {**LANGEVIN, "friction_on": {"below_z_angstrom": middle}}
    return {
        "friction on all": {},
        "friction on half": {"ensemble": selective},
        "friction on half, lid": {"ensemble": selective, "lid": LID},
    }


def time_steps(simulations: dict[str, Simulation], steps: int, rounds: int) -> dict[str, float]:
    """Processor time of a step, lists and guards included (ms)."""
    times: dict[str, list[float]] = {name: [] for name in simulations}
    for _ in range(rounds):
        for name, simulation in simulations.items():
            begin = time.process_time()
            simulation.advance_to(simulation.step + steps)
            times[name].append(1e3 * (time.process_time() - begin) / steps)
    return {name: median(values) for name, values in times.items()}


def time_events(simulation: Simulation, apart: int, rounds: int) -> float:
    """Processor time of an event (ms), some steps apart."""
    times = []
    for _ in range(rounds):
        simulation.advance_to(simulation.step + apart)
        begin = time.process_time()
        simulation.apply_events()
        times.append(1e3 * (time.process_time() - begin))
    return median(times[1:])  # the first one may compile


@own_precision()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("potential", help="name or path, of a potential for lithium")
    parser.add_argument("--atoms", type=int, default=2000)
    parser.add_argument("--steps", type=int, default=100, help="of each round")
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    potential, atoms, apart = load(arguments.potential), slab(arguments.atoms), 10
    simulations = {
        name: ready(potential, atoms, **changes) for name, changes in variants(atoms).items()
    }
    steps = time_steps(simulations, arguments.steps, arguments.rounds)
    events = {
        name: time_events(
            ready(potential, atoms, events=[{**event, "every": apart, "first": 20 + apart}]),
            apart,
            arguments.rounds,
        )
        for name, event in EVENTS.items()
    }
    plain = steps["friction on all"]
    result = {
        **describe_environment(),
        "potential": arguments.potential,
        "atoms": len(atoms),
        "step_milliseconds": steps,
        "step_relative_to_friction_on_all": {name: ms / plain for name, ms in steps.items()},
        "event_milliseconds": events,
        "event_in_steps": {name: ms / plain for name, ms in events.items()},
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
