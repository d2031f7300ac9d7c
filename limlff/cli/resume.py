"""`limlff resume`: go on with a run, a study or a campaign that was stopped or killed."""

from __future__ import annotations

import argparse
import os
from pathlib import Path

from limlff.cli.arguments import add_max_runtime, add_quiet, add_set, parse_duration
from limlff.cli.md import print_speed
from limlff.errors import InputError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "folder", type=Path, metavar="DIR", help="folder of the run, study or campaign"
    )
    add_set(parser, "steps=200000")
    parser.add_argument(
        "--accept-changes",
        action="store_true",
        help="go on although md.yaml or the potential has changed",
    )
    parser.add_argument(
        "--new-files",
        action="store_true",
        help="where thermo table or trajectory are missing or damaged, go on with new ones",
    )
    add_max_runtime(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Resume; prints what a run or a study prints at its end."""
    if os.path.isfile(arguments.folder / "settings.yaml"):
        return _resume_study(arguments)
    if os.path.isfile(arguments.folder / "campaign.yaml"):
        return _resume_campaign(arguments)
    limit = parse_duration(arguments.max_runtime)
    from limlff.md.resume import resume_md

    result = resume_md(
        arguments.folder,
        progress=not arguments.quiet,
        max_runtime_seconds=limit,
        overrides=arguments.overrides,
        accept_changes=arguments.accept_changes,
        new_files=arguments.new_files,
    )
    print_speed(result)
    return 0


def _resume_study(arguments: argparse.Namespace) -> int:
    if arguments.max_runtime:
        raise InputError(
            f"{arguments.folder}: is a study, whose time is max_runtime_minutes in its "
            "settings.yaml; leave out --max-runtime"
        )
    _refuse_options(arguments, "a study")
    from limlff.cli.run import print_result
    from limlff.workflows.study import resume_study

    print_result(resume_study(arguments.folder, progress=not arguments.quiet))
    return 0


def _resume_campaign(arguments: argparse.Namespace) -> int:
    limit = parse_duration(arguments.max_runtime)
    _refuse_options(arguments, "a campaign")
    from limlff.cli.learn import print_result
    from limlff.learning.learn import resume_learning

    result = resume_learning(
        arguments.folder, progress=not arguments.quiet, max_runtime_seconds=limit
    )
    print_result(result)
    return 0


def _refuse_options(given: argparse.Namespace, what: str) -> None:
    if given.overrides or given.accept_changes or given.new_files:
        raise InputError(
            f"{given.folder}: is {what}, which goes on as it is; leave out --set, "
            "--accept-changes and --new-files"
        )
