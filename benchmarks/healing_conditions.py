"""What barostat and cell have to do with how a hole heals, and with what is left.

    python benchmarks/healing_conditions.py [POTENTIAL] [--missing 80] [--pressure 1] [--seeds 4]
        [--ps 30] [--processes 2] [--json OUT]

One hole and pressure, several seeds, each with one condition changed: relaxation time of the
barostat, one scale for all axes, and sites of the cell for each missing atom. Told are the median
closing time, and order at the end: bcc, close-packed (fcc, hcp), disordered. A perfect crystal
under the same barostat stands beside each.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import limlff
from limlff.environment import describe_environment
from limlff.potential_file import potential_digest
from limlff.workflows.as_json import as_json
from limlff.workflows.healing.cases import gather
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.study import HealingStudy
from limlff.workflows.healing.sweep_tables import median_in_words, phases
from limlff.workflows.runs import simulate_all
from limlff.workflows.statistics import Spread, in_words

CONDITIONS: dict[str, dict[str, Any]] = {
    "as the study": {},
    "tau 100 fs": {"dynamics": {"barostat_tau_fs": 100.0}},
    "tau 2000 fs": {"dynamics": {"barostat_tau_fs": 2000.0}},
    "isotropic": {"dynamics": {"coupling": "isotropic"}},
    "half the cell": {"sweep": {"sites_per_missing_atom": 9.0}},
    "twice the cell": {"sweep": {"sites_per_missing_atom": 36.0}},
}


def main() -> None:
    """Run all, print, write."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("potential", nargs="?", default="li")
    parser.add_argument("--missing", type=int, default=80)
    parser.add_argument("--pressure", type=float, default=1.0, metavar="GPA")
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--ps", type=float, default=30.0)
    parser.add_argument("--go-on", type=float, default=10.0, metavar="PS")
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--only", nargs="+", choices=list(CONDITIONS), default=list(CONDITIONS))
    parser.add_argument("--json", type=Path, metavar="OUT")
    arguments = parser.parse_args()
    rows = {}
    for name in arguments.only:
        rows[name] = row = measured(settings_of(arguments, CONDITIONS[name]))
        left = ", ".join(f"{kind} {in_words(row[kind], '.0f', 100)} %" for kind in
                         ("bcc", "close-packed", "disordered"))  # fmt: skip
        print(f"{name}: {row['sites']} sites, closed after {row['median']} ps ({row['closed']} of "
              f"{arguments.seeds}); at the end {left}; perfect crystal "
              f"{100 * row['perfect_bcc']:.1f} % bcc", flush=True)  # fmt: skip
    if arguments.json:
        content = {
            "benchmark": "conditions of healing",
            **describe_environment(),
            "digest": potential_digest(limlff.load(arguments.potential)),
            "missing_atoms": arguments.missing,
            "pressure_gpa": arguments.pressure,
            "conditions": rows,
        }
        text = json.dumps(as_json(content), indent=1, allow_nan=False)
        arguments.json.write_text(text + "\n", encoding="utf-8")


def settings_of(arguments: argparse.Namespace, changes: dict[str, Any]) -> HealingConfig:
    """The study with one condition changed."""
    sweep = {
        "missing_atoms": [arguments.missing],
        "seeds": arguments.seeds,
        "sites_per_missing_atom": 18.0,
    }
    dynamics = {
        "duration_ps": arguments.ps,
        "timestep_fs": 3.0,
        "frame_every_ps": 0.1,
        "coupling": "axes",
    }
    return HealingConfig.model_validate(
        {
            "potential": arguments.potential,
            "repeats": (4, 4, 4),
            "pressures_gpa": [arguments.pressure],
            "closed": {"for_ps": 2.0, "go_on_ps": arguments.go_on},
            "mobility_lag_ps": min(1.0, 0.5 * arguments.ps),
            "reference": {"equilibration_ps": 2.0, "duration_ps": 4.0},
            "processes": arguments.processes,
            "max_runtime_minutes": 10_000.0,
            "sweep": sweep | changes.get("sweep", {}),
            "dynamics": dynamics | changes.get("dynamics", {}),
        }
    )


def measured(settings: HealingConfig) -> dict[str, Any]:
    """Closing time, order at the end, and the perfect crystal."""
    with tempfile.TemporaryDirectory() as folder:
        outcomes = simulate_all(HealingStudy(), settings, Path(folder), lambda news: None)
    case = gather(outcomes)[0]
    left = [phases(outcome) for outcome in outcomes]
    return {
        "sites": outcomes[0].run.sites,
        "median": median_in_words(case.median),
        "closed": len(case.times.events),
        "closed_at_ps": case.times.events,
        "open_until_ps": case.times.censored,
        "perfect_bcc": outcomes[0].crystal.bcc,
        **{kind: Spread.of([each[kind] for each in left]) for kind in left[0]},
    }


if __name__ == "__main__":
    main()
