"""`limlff run`: a whole study, from structure to report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.cli.arguments import add_force, add_quiet, add_set
from limlff.errors import InputError

if TYPE_CHECKING:
    from limlff.workflows.contract import StudyResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "study",
        metavar="NAME|FILE.yaml",
        help="a study that comes with limlff, such as healing/quick or deposition/cu110, or a "
        "YAML file",
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    parser.add_argument(
        "--preset",
        metavar="PRESET",
        help="size of a study that comes in several, such as quick, paper or cluster; the first "
        "one of its file if left out",
    )
    add_set(parser, "hole.missing_atoms=120")
    add_force(parser, "a study in the folder")
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run the study; prints what was found and where the page is."""
    from limlff.catalog import find_workflow

    path = find_workflow(arguments.study)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"{path}: is no YAML file; name a study or a file that ends in .yaml")
    from limlff.workflows.study import run_study

    result = run_study(
        path,
        arguments.out,
        arguments.overrides,
        progress=not arguments.quiet,
        force=arguments.force,
        preset=arguments.preset,
    )
    print_result(result)
    return 0


def print_result(result: StudyResult) -> None:
    """Print what was found and where the page is."""
    print(result.summary)
    print(f"numbers: {result.numbers}")
    print(f"page:    {result.page}")
