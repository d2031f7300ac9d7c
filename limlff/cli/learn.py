"""`limlff learn CAMPAIGN.yaml`: a potential that asks DFT where it does not know."""

from __future__ import annotations

import argparse
import sys
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
    parser.add_argument(
        "--test-site",
        type=Path,
        metavar="SITE.yaml",
        help="have each block of a site file do one small task in --out (default: here), and say "
        "what is not well; with a campaign its labeller's Python is tried, too",
    )
    add_set(parser, "select.frames=10")
    add_force(parser, "a campaign, its labels included,")
    add_max_runtime(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Learn, say how a campaign stands, or try a site."""
    limit = parse_duration(arguments.max_runtime)
    if arguments.test_site is not None:
        return _test_site(arguments, limit)
    if arguments.status is not None:
        if arguments.campaign is not None or arguments.out is not None:
            raise InputError(
                "--status: stands alone with a folder; leave out the campaign and --out"
            )
        from limlff.learning.status import campaign_status

        print(campaign_status(arguments.status))
        return 0
    if arguments.campaign is None or arguments.out is None:
        raise InputError("name a campaign and --out DIR, or --status DIR, or --test-site SITE.yaml")
    from limlff.learning.learn import learn

    result = learn(
        arguments.campaign,
        arguments.out,
        tuple(arguments.overrides),
        progress=not arguments.quiet,
        force=arguments.force,
        max_runtime_seconds=limit,
    )
    print_result(result)
    return 0


def _test_site(arguments: argparse.Namespace, limit: float | None) -> int:
    """Try each block of a site; says what is not well, if anything, by exit code 2."""
    from limlff.config import load_config
    from limlff.learning.campaign import Campaign
    from limlff.learning.cluster.site import Site
    from limlff.learning.cluster.site_check import WAIT_SECONDS, check_site, in_lines

    site = load_config(arguments.test_site, Site)
    python = None
    if arguments.campaign is not None:
        campaign = load_config(arguments.campaign, Campaign, arguments.overrides)
        python = campaign.labeller.python or Path(sys.executable)
    seconds = WAIT_SECONDS if limit is None else limit
    if not arguments.quiet:
        print(f"waiting for the blocks, at most {seconds:g} s (--max-runtime)", flush=True)
    folder = arguments.out or Path()
    folder.mkdir(parents=True, exist_ok=True)
    reports = check_site(site, folder, python, seconds)
    print(in_lines(reports))
    return InputError.exit_code if any(report.fault for report in reports) else 0


def print_result(result: LearnResult) -> None:
    """Print why a campaign ended, and where its potential and its page are."""
    print(f"{result.reason}; {result.frames} frames are labelled")
    print(f"potential: {result.potential}")
    print(f"page:      {result.page}")
