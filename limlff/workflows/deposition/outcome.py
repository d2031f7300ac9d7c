"""What a run of the deposition study finds."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from limlff.workflows.as_json import as_json
from limlff.workflows.deposition.plan import PlatingRun
from limlff.workflows.deposition.rest import Rest
from limlff.workflows.series import TimeSeries

Ended = Literal["all stages done", "out of time"]


@dataclass(frozen=True)
class Outcome:
    """One run's results.

    Attributes:
        name: Name of the run.
        run: What it was.
        plating: Numbers against time while the film grows; see `Growth.observe` and `with_grades`.
        rest: The film after that; None if time was up before.
        rest_grades: Grades of its frames; None likewise.
        stripping: Numbers against time while it is taken away; None without it.
        ended: How far the run came.
        temperature_k: Mean over the second half of the plating (K).
        rest_temperature_k: Mean while the film was measured (K); not a number if it was not.
        uncertain: Surroundings written to `UNCERTAIN`.
        timing: Wall time of each plated atom (s), and the part of all that the analysis takes.
    """

    name: str
    run: PlatingRun
    plating: TimeSeries
    rest: Rest | None
    rest_grades: TimeSeries | None
    stripping: TimeSeries | None
    ended: Ended
    temperature_k: float
    rest_temperature_k: float
    uncertain: int
    timing: dict[str, float]

    @property
    def plated(self) -> np.ndarray:
        """Amount plated in each frame of the plating, in layers."""
        return self.plating.columns["atoms"] / self.run.per_layer

    @property
    def graded(self) -> list[TimeSeries]:
        """The series that hold grades."""
        return [each for each in (self.plating, self.rest_grades, self.stripping) if each]

    def to_json(self) -> dict[str, Any]:
        """All results as JSON holds them."""
        run = self.run
        series = {
            "plating": self.plating,
            "rest_grades": self.rest_grades,
            "stripping": self.stripping,
        }
        return {
            "slab": run.slab.model_dump(mode="json"),
            "rate": asdict(run.rate),
            "seed": run.seed,
            "atoms_per_layer": run.per_layer,
            "ended": self.ended,
            **{name: each.to_json() if each else None for name, each in series.items()},
            "rest": as_json(self.rest),
            "temperature_k": self.temperature_k,
            "rest_temperature_k": self.rest_temperature_k,
            "uncertain_surroundings": self.uncertain,
            "timing": self.timing,
        }
