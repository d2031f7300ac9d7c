"""`limlff resume`: go on with a run, or with a study, that was stopped or killed."""

from __future__ import annotations

import argparse
from pathlib import Path

from limlff.cli.md import parse_duration, print_speed
from limlff.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("folder", type=Path, metavar="DIR", help="folder of the run or study")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help="change a setting of the run"
    )
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="go on although md.yaml or the potential has changed",
    )
    parser.add_argument(
        "--max-runtime", metavar="TIME", help="leave with a checkpoint after 90, 90s, 30m, 8h or 1d"
    )
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Resume; prints what a run or a study prints at its end."""
    if (arguments.folder / "settings.yaml").is_file():
        return _resume_study(arguments)
    limit = parse_duration(arguments.max_runtime) if arguments.max_runtime else None
    from limlff.md.resume import resume_md

    result = resume_md(
        arguments.folder,
        progress=not arguments.quiet,
        max_runtime_seconds=limit,
        overrides=arguments.set,
        accept_changes=arguments.accept_changes,
    )
    print_speed(result)
    return 0


def _resume_study(arguments: argparse.Namespace) -> int:
    if arguments.set or arguments.accept_changes or arguments.max_runtime:
        raise InputError(
            f"{arguments.folder}: is a study, which goes on as it is; leave out --set, "
            "--accept-changes and --max-runtime"
        )
    from limlff.cli.run import print_result
    from limlff.workflows.study import resume_study

    print_result(resume_study(arguments.folder, progress=not arguments.quiet))
    return 0
