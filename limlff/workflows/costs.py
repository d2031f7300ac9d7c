"""What a run cost, over all processes that worked on it."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path

from limlff.atomic_file import write_text_whole

_FILE = "costs.json"


@dataclass(frozen=True)
class Costs:
    """Wall times of processes that came to their end; one that was killed counts for nothing.

    Attributes:
        main_seconds: Of the main stage, its analysis included (s).
        main_steps: Steps of the main stage in that time.
        all_seconds: Of all stages and the analysis (s).
        analysis_seconds: Of the analysis alone, grades included (s).
    """

    main_seconds: float = 0.0
    main_steps: int = 0
    all_seconds: float = 0.0
    analysis_seconds: float = 0.0

    def plus(self, other: Costs) -> Costs:
        """Both together."""
        return Costs(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def seconds_per_step(self) -> float:
        """Wall time of a step of the main stage (s); not a number if none was done."""
        return self.main_seconds / self.main_steps if self.main_steps else math.nan

    @property
    def analysis_share(self) -> float:
        """Part of all the time that the analysis takes; not a number likewise."""
        return self.analysis_seconds / self.all_seconds if self.all_seconds else math.nan


def add_costs(folder: Path, costs: Costs, resume: bool) -> Costs:
    """Add those of this process to those of the ones before it, in a file.

    Args:
        folder: A folder of the run.
        costs: Those of this process.
        resume: Whether there may have been processes before it.

    Returns:
        All of them together.
    """
    file = folder / _FILE
    if resume and file.is_file():
        costs = Costs(**json.loads(file.read_text(encoding="utf-8"))).plus(costs)
    write_text_whole(file, json.dumps(asdict(costs)) + "\n")
    return costs
