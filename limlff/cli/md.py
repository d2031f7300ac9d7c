"""`limlff md`: molecular dynamics by a configuration, or going on with a run."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from limlff.errors import InputError

_UNIT_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("config", nargs="?", type=Path, metavar="CONFIG.yaml")
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of the run")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help="change a setting of the file"
    )
    parser.add_argument("--resume", action="store_true", help="go on from the newest checkpoint")
    parser.add_argument("--force", action="store_true", help="overwrite a run in the folder")
    parser.add_argument(
        "--max-runtime", metavar="TIME", help="leave with a checkpoint after 90, 90s, 30m, 8h or 1d"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Run or resume; prints the speed and where the results are."""
    limit = parse_duration(arguments.max_runtime) if arguments.max_runtime else None
    if arguments.resume:
        if arguments.config or arguments.set or arguments.force:
            raise InputError(
                "--resume takes the settings of the run; leave out CONFIG, --set, --force"
            )
        from limlff.md.runner import resume_md

        result = resume_md(arguments.out, progress=not arguments.quiet, max_runtime_seconds=limit)
    else:
        if arguments.config is None:
            raise InputError("CONFIG.yaml is missing; name one, or give --resume")
        from limlff.config import load_config
        from limlff.md.config import MDConfig

        config = load_config(arguments.config, MDConfig, arguments.set)
        config = config.relative_to(arguments.config.parent)
        from limlff.md.runner import run_md

        result = run_md(
            config,
            arguments.out,
            progress=not arguments.quiet,
            max_runtime_seconds=limit,
            force=arguments.force,
        )
    speed = result.summary
    print(
        f"{speed['steps']} steps of {speed['atoms']} atoms, {speed['ns_per_day']:.2f} ns/day, "
        f"{speed['microseconds_per_atom_step']:.1f} µs/atom/step; results in {result.folder}"
    )
    return 0


def parse_duration(text: str) -> float:
    """Seconds of a duration such as 90, 90s, 30m, 8h or 1.5d.

    Raises:
        InputError: If it is none.
    """
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip())
    if not match:
        raise InputError(f"--max-runtime {text}: is no duration; write 90s, 30m, 8h or 1d")
    return float(match[1]) * _UNIT_SECONDS[match[2]]
