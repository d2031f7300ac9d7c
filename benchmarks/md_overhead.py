"""What a step of molecular dynamics costs beyond its forces.

Prints JSON: processor time per atom and step of the forces alone, and of whole runs through
`run_md` with the usual outputs. Processor time, so that other work on the machine does not count.

    python benchmarks/md_overhead.py --cells 8 --steps 200 [--potential li]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import time
from pathlib import Path
from typing import Any

import jax
import numpy as np
from ase import Atoms
from ase.build import bulk

from limlff.environment import describe_environment
from limlff.md.config import MDConfig
from limlff.md.runner import run_md
from limlff.md.simulation.engine import list_neighbors, roomy_capacity
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import predictor_for

ENSEMBLES = (
    {"kind": "nve"},
    {"kind": "nvt_langevin"},
    {"kind": "nvt_nose_hoover"},
    {"kind": "npt"},
)


def forces_alone(potential: Potential, atoms: Atoms, dtype: str, skin: float, calls: int) -> float:
    """Processor time of energy, forces and virial (µs per atom)."""
    cell, radius = atoms.cell.array, potential.cutoff + skin
    capacity = roomy_capacity(atoms.positions, cell, atoms.pbc, radius)
    neighbors, _ = list_neighbors(atoms.positions, cell, atoms.pbc, len(atoms), radius, capacity)
    species = potential.species_of(atoms.get_chemical_symbols())

    predictor = predictor_for(potential, dtype)
    arguments = jax.device_put((species, atoms.positions, cell, neighbors.matrix))
    jax.block_until_ready(predictor.predict(*arguments))
    start = time.process_time()
    for _ in range(calls):
        jax.block_until_ready(predictor.predict(*arguments))
    return 1e6 * (time.process_time() - start) / calls / len(atoms)


def whole_run(potential: Potential, atoms: Atoms, settings: dict[str, Any]) -> dict[str, float]:
    """Processor time of a run: the difference of a long and a short one, per step."""
    seconds, steps = [], (settings["steps"] // 10, settings["steps"])
    summary: dict[str, Any] = {}
    for length in steps:
        config = MDConfig.model_validate({**settings, "steps": length})
        with tempfile.TemporaryDirectory() as folder:
            start = time.process_time()
            summary = run_md(config, Path(folder), atoms, potential, progress=False).summary
            seconds.append(time.process_time() - start)
    per_step = (seconds[1] - seconds[0]) / (steps[1] - steps[0])
    return {
        "microseconds_per_atom_step": 1e6 * per_step / len(atoms),
        "steps_per_list": settings["steps"] / summary["neighbor_builds"],
        "compile_seconds": summary["compile_seconds"],
    }


def load_or_make(name: str | None, cutoff: float) -> Potential:
    """A potential by name, or an untrained one of the default architecture."""
    if name:
        from limlff.named_potential import load

        return load(name)
    from limlff.models.moment import MomentModel

    model = MomentModel(elements=("Li",), cutoff=cutoff)
    return Potential(model, model.initialize(jax.random.PRNGKey(0)), np.zeros(1))


@own_precision()
def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=8, help="bcc cells along each axis")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--cutoff", type=float, default=5.0, help="of the untrained potential (Å)")
    parser.add_argument("--potential", help="name or path; without, an untrained one and no motion")
    parser.add_argument("--dtype", default="float32", choices=("float32", "float64"))
    arguments = parser.parse_args()
    potential = load_or_make(arguments.potential, arguments.cutoff)
    atoms = bulk("Li", "bcc", a=3.45, cubic=True) * ((arguments.cells,) * 3)
    settings = {
        "steps": arguments.steps,
        "timestep_fs": 2.0 if arguments.potential else 1e-3,
        "dtype": arguments.dtype,
        "skin_angstrom": 0.8,
    }
    result = {
        **describe_environment(),
        "atoms": len(atoms),
        "dtype": arguments.dtype,
        "potential": arguments.potential or "untrained moment model",
        "forces_alone_microseconds_per_atom": forces_alone(
            potential, atoms, arguments.dtype, settings["skin_angstrom"], 20
        ),
        "runs": {
            ensemble["kind"]: whole_run(potential, atoms, {**settings, "ensemble": ensemble})
            for ensemble in ENSEMBLES
        },
    }
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main()
