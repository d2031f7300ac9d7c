"""A perfect crystal at the temperature of a study: the density that holes are counted against."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from ase import Atoms

from limlff.errors import OutOfTime
from limlff.md.config import MDConfig
from limlff.workflows.series import Unmeasured, block_error
from limlff.workflows.workspace import Workspace


@dataclass(frozen=True)
class ReferenceCrystal:
    """Averages over a perfect crystal.

    Attributes:
        volume_per_atom: Volume per atom (Å^3).
        volume_error: Its standard error (Å^3), from four blocks of time; nan for a single frame.
    """

    volume_per_atom: float
    volume_error: float

    @property
    def density(self) -> float:
        """Number density (1/Å^3)."""
        return 1 / self.volume_per_atom

    @property
    def lattice_constant(self) -> float:
        """Edge of the cubic cell of a bcc crystal (Å)."""
        return float(np.cbrt(2 * self.volume_per_atom))


def measure_crystal(
    workspace: Workspace, stage: str, settings: MDConfig, crystal: Atoms, after_ps: float
) -> ReferenceCrystal:
    """Molecular dynamics of a perfect crystal, and its mean volume.

    Args:
        workspace: Where the run works.
        stage: Stage of the study.
        settings: The run, at constant pressure.
        crystal: Where it starts.
        after_ps: Time that is left out (ps).

    Raises:
        OutOfTime: If the time does not suffice for it.
    """
    last = workspace.dynamics(stage, settings, crystal, Unmeasured("perfect crystal"))
    if last.atoms is None:
        raise OutOfTime(
            f"{workspace.folder(stage)}: the perfect crystal alone took all of the time allowed; "
            "increase max_runtime_minutes"
        )
    frames = [each for each in workspace.frames(stage) if each.time_fs >= 1e3 * after_ps]
    volumes = np.array([abs(np.linalg.det(frame.cell)) for frame in frames]) / len(crystal)
    return ReferenceCrystal(float(volumes.mean()), block_error(volumes))
