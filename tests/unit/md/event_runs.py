"""A slab of copper, and short runs in which atoms come to it and leave it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from ase import Atoms
from ase.build import fcc100
from md_models import COPPER, settings

from limlff.md.config import MDConfig
from limlff.md.event_settings import Event
from limlff.md.run.results import MDResult
from limlff.md.runner import run_md
from limlff.md.simulation.population import Population
from limlff.md.system.structure import Structure

DEPOSIT = {"kind": "deposit", "element": "Cu", "every": 10, "min_distance_angstrom": 2.2}


def slab(vacuum: float = 40.0) -> Atoms:
    """Copper (100), 36 atoms; periodic in the plane only."""
    atoms = fcc100("Cu", (3, 3, 4), a=3.66)
    atoms.center(vacuum=vacuum, axis=2)
    atoms.pbc = (True, True, False)
    return atoms


def run(
    out: Path, steps: int = 60, atoms: Atoms | None = None, force: bool = False, **changes: Any
) -> MDResult:
    """Run the slab without a word, with friction unless another ensemble is given."""
    changes = {"ensemble": {"kind": "nvt_langevin"}, **changes}
    changes["output"] = {
        "thermo_every": 5,
        "trajectory_every": 5,
        "checkpoint_every": 20,
        **changes.get("output", {}),
    }
    config = settings(steps=steps, skin_angstrom=1.0, **changes)
    return run_md(config, out, atoms or slab(), COPPER, progress=False, force=force)


def population(atoms: Atoms, mobile: np.ndarray | None = None) -> Population:
    """Atoms at rest, as events find them."""
    count = len(atoms)
    structure = Structure(
        atoms.numbers,
        atoms.get_masses(),
        np.ones(count) if mobile is None else mobile,
        np.ones(count),
        atoms.pbc,
    )
    momenta = np.zeros((count, 3))
    return Population(structure, atoms.positions, momenta, atoms.cell.array, np.arange(count))


def config_with(event: Event) -> MDConfig:
    """A run of 1000 steps with one event."""
    return settings(steps=1000, events=[event.model_dump()])
