"""`limlff md`: molecular dynamics by a configuration; `limlff resume` goes on with it."""

from __future__ import annotations

import argparse
import re
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.errors import InputError
from limlff.report.numbers import figure

if TYPE_CHECKING:
    from limlff.md.results import MDResult

_UNIT_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("config", type=Path, metavar="CONFIG.yaml")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the run")
    parser.add_argument(
        "--dry-run", action="store_true", help="print what time and memory it would take, only"
    )
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help="change a setting of the file"
    )
    parser.add_argument("--force", action="store_true", help="overwrite a run in the folder")
    parser.add_argument(
        "--max-runtime", metavar="TIME", help="leave with a checkpoint after 90, 90s, 30m, 8h or 1d"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Run; prints the speed and where the results are."""
    limit = parse_duration(arguments.max_runtime) if arguments.max_runtime else None
    if arguments.out is None and not arguments.dry_run:
        raise InputError("--out DIR is missing; name a folder for the run, or ask for --dry-run")
    from limlff.config import load_config
    from limlff.md.config import MDConfig

    config = load_config(arguments.config, MDConfig, arguments.set)
    from limlff.md.runner import forecast_md, run_md

    if arguments.dry_run:
        print(forecast_md(config))
        return 0
    result = run_md(
        config,
        arguments.out,
        progress=not arguments.quiet,
        max_runtime_seconds=limit,
        force=arguments.force,
    )
    print_speed(result)
    return 0


def print_speed(result: MDResult) -> None:
    """Print how fast a run was and where its results are."""
    speed = result.summary
    print(
        f"{speed['steps']} steps of {speed['atoms']} atoms, "
        f"{figure(speed['ns_per_day'], '.2f')} ns/day, "
        f"{figure(speed['microseconds_per_atom_step'], '.1f')} µs/atom/step; results in "
        f"{result.folder}"
    )
    for name, step in speed.get("begins_only_at_step", {}).items():
        print(f"{name} begins only at step {step}: what was written before is missing")


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 90, 90s, 30m, 8h or 1.5d.

    Raises:
        InputError: If it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if not match:
        raise InputError(f"--max-runtime {text}: is no duration; write 90s, 30m, 8h or 1d")
    return float(match[1]) * _UNIT_SECONDS[match[2]]
