"""What a finished run leaves, and how fast it was."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ase.io
import numpy as np
from ase import Atoms

from limlff.md import output as files
from limlff.md.thermo import read_thermo


@dataclass(frozen=True)
class MDResult:
    """What a finished run leaves.

    Attributes:
        folder: The run's folder.
        thermo: Thermo table, see `limlff.md.thermo.read_thermo`.
        trajectory: Trajectory, see `limlff.md.trajectory.Trajectory`.
        atoms: Last configuration, unwrapped, with momenta.
        summary: What is also in summary.json.
    """

    folder: Path
    thermo: Path
    trajectory: Path
    atoms: Atoms
    summary: dict[str, Any]


@dataclass
class Tally:
    """Work done by this process.

    Attributes:
        atom_steps: Steps times atoms.
        steps: Steps.
        builds: Neighbor lists built.
        build_seconds: Time it took (s).
        assessments: Assessments of the uncertainty.
        guard_seconds: Time that guards and assessments took (s).
    """

    atom_steps: int = 0
    steps: int = 0
    builds: int = 0
    build_seconds: float = 0.0
    assessments: int = 0
    guard_seconds: float = 0.0

    def speed(self, seconds: float, timestep_fs: float) -> dict[str, float]:
        """Speed over a wall time without compilation (s)."""
        seconds = max(seconds, 1e-9)
        return {
            "microseconds_per_atom_step": 1e6 * seconds / max(self.atom_steps, 1),
            "ns_per_day": self.steps * timestep_fs * 1e-6 / seconds * 86400.0,
        }

    def counts(self) -> dict[str, float]:
        """Entries of the summary."""
        return {
            "neighbor_builds": self.builds,
            "neighbor_build_seconds": self.build_seconds,
            "uncertainty_assessments": self.assessments,
            "guard_seconds": self.guard_seconds,
        }


def write_results(folder: Path, atoms: Atoms, summary: dict[str, Any]) -> MDResult:
    """Write the last configuration and the summary.

    Args:
        folder: The run's folder.
        atoms: Last configuration with momenta.
        summary: What the run knows of itself; averages of the thermo table are added.
    """
    thermo = folder / files.THERMO
    ase.io.write(folder / files.FINAL, atoms, format="extxyz")
    summary = {**summary, "averages_of_second_half": second_half_averages(thermo)}
    text = json.dumps(summary, indent=2) + "\n"
    (folder / files.SUMMARY).write_text(text, encoding="utf-8")
    return MDResult(folder, thermo, folder / files.TRAJECTORY, atoms, summary)


def second_half_averages(thermo: Path) -> dict[str, float]:
    """Means of the columns of a thermo table over the rows of its second half."""
    columns = read_thermo(thermo)
    rows = len(columns["step"])
    names = [name for name in columns if name not in ("step", "time_fs")]
    means = {name: float(columns[name][rows // 2 :].mean()) for name in names}
    return {name: value for name, value in means.items() if np.isfinite(value)}
