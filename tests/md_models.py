"""Systems of which molecular dynamics is tested: a small copper crystal and an ideal gas."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import jax
import jax.numpy as jnp
import numpy as np
from ase import Atoms
from ase.build import bulk
from reference_models import embedded_pairs

from limlff.md.config import MDConfig
from limlff.md.run.results import MDResult
from limlff.md.runner import run_md
from limlff.models.contract import Neighborhoods, Parameters
from limlff.potential import Potential


@dataclass(frozen=True)
class NoForce:
    """A model without interaction: its atoms are an ideal gas."""

    elements: tuple[str, ...] = ("Li",)
    cutoff: float = 1.0

    is_local: ClassVar[bool] = True

    def initialize(self, key: jax.Array) -> Parameters:
        return {"unused": jnp.zeros(())}

    def adapt(self, parameters: Parameters, around: Neighborhoods) -> Parameters:
        return parameters

    def energies(self, parameters: Parameters, around: Neighborhoods) -> jax.Array:
        return 0.0 * jnp.sum(around.vectors, axis=(0, 1))


def no_force() -> Potential:
    """The ideal gas as a potential."""
    return Potential(NoForce(), NoForce().initialize(jax.random.PRNGKey(0)), np.zeros(1), {})


COPPER = embedded_pairs(("Cu",))
"""An embedded-atom model; with all forces in float64."""


def copper(cells: int = 2, a: float = 3.66) -> Atoms:
    """An fcc crystal near its equilibrium at 300 K, 4 cells^3 atoms."""
    return bulk("Cu", "fcc", a=a, cubic=True) * (cells, cells, cells)


def settings(**changes: Any) -> MDConfig:
    """A configuration with float64 forces, and values that fit small crystals."""
    values: dict[str, Any] = {
        "steps": 100,
        "timestep_fs": 2.0,
        "dtype": "float64",
        "skin_angstrom": 0.5,
        "seed": 7,
        "ensemble": {"kind": "nve"},
        "output": {"thermo_every": 10, "trajectory_every": 50},
    }
    return MDConfig.model_validate({**values, **changes})


def run_copper(out: Path, atoms: Atoms | None = None, **changes: Any) -> MDResult:
    """Run the crystal without a word."""
    return run_md(settings(**changes), out, atoms or copper(), COPPER, progress=False)
