"""`limlff learn CAMPAIGN.yaml`: a potential that asks DFT where it does not know."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from limlff.cli.arguments import add_force, add_quiet, add_set
from limlff.errors import InputError

if TYPE_CHECKING:
    from limlff.learning.learn import LearnResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "campaign",
        type=Path,
        nargs="?",
        metavar="CAMPAIGN.yaml",
        help="campaign; `limlff template learn` prints one with all settings",
    )
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of all that it makes")
    parser.add_argument(
        "--status", type=Path, metavar="DIR", help="say how the campaign in a folder stands"
    )
    add_set(parser, "select.frames=10")
    add_force(parser, "a campaign, its labels included,")
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Learn, or say how a campaign stands."""
    if arguments.status is not None:
        if arguments.campaign is not None or arguments.out is not None:
            raise InputError(
                "--status: stands alone with a folder; leave out the campaign and --out"
            )
        from limlff.learning.campaign_folder import campaign_status

        print(campaign_status(arguments.status))
        return 0
    if arguments.campaign is None or arguments.out is None:
        raise InputError("name a campaign and --out DIR, or --status DIR")
    from limlff.learning.learn import learn

    result = learn(
        arguments.campaign,
        arguments.out,
        tuple(arguments.overrides),
        progress=not arguments.quiet,
        force=arguments.force,
    )
    print_result(result)
    return 0


def print_result(result: LearnResult) -> None:
    """Print why a campaign ended, and where its potential and its page are."""
    print(f"{result.reason}; {result.frames} frames are labelled")
    print(f"potential: {result.potential}")
    print(f"page:      {result.page}")
