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
        plating_seconds: Of the plating, its analysis included (s).
        plating_steps: Steps of the plating in that time.
        all_seconds: Of all stages and the analysis (s).
        analysis_seconds: Of the analysis alone, grades included (s).
    """

    plating_seconds: float = 0.0
    plating_steps: int = 0
    all_seconds: float = 0.0
    analysis_seconds: float = 0.0

    def plus(self, other: Costs) -> Costs:
        """Both together."""
        return Costs(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    def to_json(self, steps_per_atom: float) -> dict[str, float]:
        """Wall time of each plated atom (s), and the part of all that the analysis takes.

        Not numbers where no process came to its end.

        Args:
            steps_per_atom: Steps between two atoms.
        """
        steps, whole = self.plating_steps, self.all_seconds
        return {
            "seconds_per_plated_atom": (
                self.plating_seconds / steps * steps_per_atom if steps else math.nan
            ),
            "analysis_share": self.analysis_seconds / whole if whole else math.nan,
        }


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
