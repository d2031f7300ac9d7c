"""What guards and the assessment of the uncertainty cost in a run.

Prints JSON: the share of a run's time, without compilation, that guards take alone, and with an
assessment every so many steps. Each from the difference of a long and a short run, so that what
happens once does not count.

    python benchmarks/guard_cost.py --cells 8 --steps 400 [--potential li]
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

from ase.build import bulk

from limlff.environment import describe_environment
from limlff.md.config import MDConfig
from limlff.md.runner import run_md


def share(cells: int, steps: int, potential: str, guards: dict[str, Any]) -> dict[str, float]:
    """Share of the time that goes into guards, in the steps of a long run beyond a short one."""
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(cells)
    guard_seconds, seconds = [], []
    for length in (steps // 4, steps):
        config = MDConfig.model_validate(
            {"potential": potential, "steps": length, "temperature_k": 300, "guards": guards}
        )
        with tempfile.TemporaryDirectory() as folder:
            summary = run_md(config, Path(folder), atoms, progress=False).summary
        guard_seconds.append(summary["guard_seconds"])
        seconds.append(summary["wall_seconds"] - summary["compile_seconds"])
    used, whole = guard_seconds[1] - guard_seconds[0], seconds[1] - seconds[0]
    return {
        "share": round(used / whole, 4),
        "milliseconds_per_step": round(1e3 * whole / (steps - steps // 4), 3),
    }


def main() -> None:
    """Measure both."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", type=int, default=8)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--potential", default="li")
    arguments = parser.parse_args()
    size = (arguments.cells, arguments.steps, arguments.potential)
    results = {"guards": share(*size, {})}
    for every in (50, 100, 200):
        watched = {"max_grade": 1e9, "uncertainty_every": every}
        results[f"guards and uncertainty every {every} steps"] = share(*size, watched)
    atoms = 2 * arguments.cells**3
    print(json.dumps({"environment": describe_environment(), "atoms": atoms, **results}, indent=2))


if __name__ == "__main__":
    main()
