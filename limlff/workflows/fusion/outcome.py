"""What a run of the fusion study finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from limlff.workflows.as_json import as_json
from limlff.workflows.fusion.events import Happened
from limlff.workflows.fusion.landing import CurrentWindow
from limlff.workflows.fusion.pair import Pair
from limlff.workflows.fusion.plan import FusionRun
from limlff.workflows.reference_crystal import ReferenceCrystal
from limlff.workflows.series import TimeSeries

Ended = Literal["all of it done", "out of time"]


@dataclass(frozen=True)
class Outcome:
    """One run's results.

    Attributes:
        name: Name of the run.
        run: What it was.
        pair: The dendrites at the start.
        crystal: The perfect crystal.
        series: Numbers against time; see `FusionAnalysis.observe` and `with_grades`.
        happened: What happened, and when.
        windows: Local current density while they grew; empty if nothing came.
        ended: How far the run came.
        temperature_k: Mean over the second half (K).
        uncertain: Surroundings written to be labelled.
        timing: Wall time of a step of an atom (µs), and the part of all that the analysis takes.
    """

    name: str
    run: FusionRun
    pair: Pair
    crystal: ReferenceCrystal
    series: TimeSeries
    happened: Happened
    windows: list[CurrentWindow]
    ended: Ended
    temperature_k: float
    uncertain: int
    timing: dict[str, float]

    @property
    def atoms(self) -> int:
        """Atoms at the start."""
        return len(self.pair.members)

    @property
    def strain_percent(self) -> float:
        """Strain of the slab in its plane, against the perfect crystal at the temperature (%)."""
        return 100 * (self.run.dendrites.lattice_constant / self.crystal.lattice_constant - 1)

    @property
    def unevenness(self) -> float:
        """Relative variance of the local current beyond shot noise, mean over the windows."""
        known = [each.current.unevenness for each in self.windows]
        known = [value for value in known if np.isfinite(value)]
        return float(np.mean(known)) if known else np.nan

    def to_json(self) -> dict[str, Any]:
        """All results as JSON holds them."""
        run = self.run
        return {
            "misorientation": run.misorientation.model_dump(mode="json"),
            "seed": run.seed,
            "dendrites": run.dendrites.model_dump(mode="json"),
            "rate": asdict(run.rate) if run.rate else None,
            "atoms": self.atoms,
            "perfect_crystal": {
                **asdict(self.crystal), "lattice_constant": self.crystal.lattice_constant
            },
            "slab_strain_percent": self.strain_percent,
            "happened": asdict(self.happened),
            "series": self.series.to_json(),
            "local_current": as_json(self.windows),
            "unevenness": self.unevenness,
            "ended": self.ended,
            "temperature_k": self.temperature_k,
            "uncertain_surroundings": self.uncertain,
            "timing": self.timing,
        }  # fmt: skip
