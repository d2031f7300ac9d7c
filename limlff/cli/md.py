"""`limlff md`: molecular dynamics by a configuration; `limlff resume` goes on with it."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.cli.arguments import (
    add_force,
    add_max_runtime,
    add_quiet,
    add_set,
    parse_duration,
)
from limlff.errors import InputError
from limlff.numbers_as_text import figure

if TYPE_CHECKING:
    from limlff.md.run.results import MDResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "config",
        type=Path,
        metavar="CONFIG.yaml",
        help="configuration; `limlff template md` prints one with all settings",
    )
    parser.add_argument(
        "--out", type=Path, metavar="DIR", help="folder of the run; needed unless --dry-run"
    )
    parser.add_argument(
        "--dry-run", action="store_true", help="print what time and memory it would take, only"
    )
    add_set(parser, "ensemble.friction_per_ps=5")
    add_force(parser, "a run in the folder")
    add_max_runtime(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run; prints the speed and where the results are."""
    limit = parse_duration(arguments.max_runtime)
    if arguments.out is None and not arguments.dry_run:
        raise InputError("--out DIR is missing; name a folder for the run, or ask for --dry-run")
    from limlff.config import load_config
    from limlff.md.config import MDConfig

    config = load_config(arguments.config, MDConfig, arguments.overrides)
    from limlff.md.run.limits import RunLimits
    from limlff.md.runner import check_run_folder, forecast_md, run_within

    if arguments.dry_run:
        print(forecast_md(config))
        return 0
    check_run_folder(arguments.out, config, arguments.config, arguments.force)
    result = run_within(
        RunLimits(limit),
        config,
        arguments.out,
        progress=not arguments.quiet,
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
