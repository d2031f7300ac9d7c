"""What a run of the healing study gives."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from limlff.analysis.voids import LayeredDensity
from limlff.structures.void import Hole
from limlff.workflows.healing.analysis import RunSeries
from limlff.workflows.healing.plan import HealingRun

Ended = Literal["hole closed", "duration reached", "out of time"]


@dataclass(frozen=True)
class PerfectCrystal:
    """Averages over the perfect crystal at one pressure.

    Attributes:
        volume_per_atom: Volume per atom (Å^3); between copper that of lithium in the middle.
        volume_error: Its standard error (Å^3), from four blocks of time; nan for a single frame.
        bcc: Fraction of atoms that the analysis finds in bcc order: one, but for its own errors.
        msd: Mean-square displacement over the study's lag (Å^2), here of vibrations alone.
        layers: Density against the distance from the middle of another metal; None without one.
    """

    volume_per_atom: float
    volume_error: float
    bcc: float
    msd: float
    layers: LayeredDensity | None = None

    @property
    def lattice_constant(self) -> float:
        """Edge of the cubic cell (Å)."""
        return float(np.cbrt(2 * self.volume_per_atom))

    @property
    def lattice_error(self) -> float:
        """Standard error of the lattice constant (Å); nan if there are too few frames for it."""
        return self.lattice_constant * self.volume_error / self.volume_per_atom / 3


@dataclass(frozen=True)
class Outcome:
    """One run's results.

    Attributes:
        name: Name of the run's folder.
        run: What it was.
        crystal: The perfect crystal.
        hole: The hole as it was cut.
        series: Numbers against time.
        closed_at_ps: When the hole was closed; None if it was not.
        ended: Why the run ended.
        speed: Wall time per atom and step (µs); nan if this process took none.
        atoms: Number of atoms.
    """

    name: str
    run: HealingRun
    crystal: PerfectCrystal
    hole: Hole
    series: RunSeries
    closed_at_ps: float | None
    ended: Ended
    speed: float
    atoms: int

    @property
    def pressure_gpa(self) -> float:
        """Pressure (GPa)."""
        return self.run.pressure_gpa

    @property
    def label(self) -> str:
        """The run's pressure in legends and headings."""
        return f"{self.pressure_gpa:g} GPa"

    @property
    def radius(self) -> float:
        """Radius of the sphere whose volume is that of the missing atoms (Å)."""
        return sphere_radius(self.hole.missing_atoms, self.crystal.volume_per_atom)

    @property
    def watched_ps(self) -> float:
        """How long the hole was watched (ps)."""
        return float(self.series.time_ps[-1])

    def rim_msd(self, group: str) -> float:
        """Mean-square displacement of a group while the hole was open (Å^2).

        Over displacements that begin before the hole has closed; not a number if there is none.
        """
        times, msd = self.series.msd_time_ps, self.series.msd[group]
        if self.closed_at_ps is not None:
            msd = msd[times - 0.5 * self.run.lag_ps <= self.closed_at_ps]
        known = msd[np.isfinite(msd)]
        return float(known.mean()) if len(known) else math.nan

    def to_json(self) -> dict[str, Any]:
        """All results as JSON holds them."""
        return {
            "name": self.name,
            "pressure_gpa": self.pressure_gpa,
            "shape": self.run.hole.shape,
            "seed": self.run.seed,
            "atoms": self.atoms,
            "removed_atoms": self.hole.missing_atoms,
            "hole_radius_angstrom": self.hole.radius,
            "closed_at_ps": self.closed_at_ps,
            "ended": self.ended,
            "microseconds_per_atom_step": self.speed,
            "perfect_crystal": asdict(self.crystal)
            | {"lattice_constant": self.crystal.lattice_constant},
            "series": self.series.to_json(),
        }


def sphere_radius(missing_atoms: float, volume_per_atom: float) -> float:
    """Radius of the sphere whose volume is that of so many atoms (Å)."""
    return float(np.cbrt(3 * missing_atoms * volume_per_atom / (4 * math.pi)))
