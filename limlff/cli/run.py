"""`limlff run`: a whole study, from structure to report."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.errors import InputError

if TYPE_CHECKING:
    from limlff.workflows.study import StudyResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "study", metavar="NAME|FILE.yaml", help="a study that comes with limlff, or a YAML file"
    )
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="folder of results")
    parser.add_argument(
        "--set", action="append", default=[], metavar="A.B=C", help="change a setting of the file"
    )
    parser.add_argument("--force", action="store_true", help="overwrite results in the folder")
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def run(arguments: argparse.Namespace) -> int:
    """Run the study; prints what was found and where the page is."""
    from limlff.catalog import find_workflow

    path = find_workflow(arguments.study)
    if path.suffix not in (".yaml", ".yml"):
        raise InputError(f"{path}: is no YAML file; name a study or a file that ends in .yaml")
    from limlff.workflows.study import run_study

    result = run_study(
        path, arguments.out, arguments.set, progress=not arguments.quiet, force=arguments.force
    )
    print_result(result)
    return 0


def print_result(result: StudyResult) -> None:
    """Print what was found and where the page is."""
    print(result.summary)
    print(f"numbers: {result.numbers}")
    print(f"page:    {result.page}")
