"""`limlff analyze`: layers of a film, what they look like, exchange, order and mobility."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from limlff.cli.arguments import add_force
from limlff.errors import InputError, shown
from limlff.outputs import check_output_file

KINDS = {
    "layers": "atoms, areal density, roughness, coverage and islands of each layer",
    "similarity": "how much each layer looks like planes of lithium and of copper",
    "exchange": "atoms that crossed the interface, and densities along z",
    "order": "order in the plane, grains, local order and texture",
    "msd": "mean-square displacement by layer",
}
MOST_EVERY = 10**9


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `limlff analyze`."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    for name, summary in KINDS.items():
        kind = kinds.add_parser(name, help=summary, description=f"Report {summary}.")
        kind.add_argument(
            "trajectory",
            type=Path,
            metavar="TRAJECTORY",
            help="a trajectory.h5, or any file that ASE reads; the surface in x and y, z up",
        )
        kind.add_argument("--json", type=Path, metavar="OUT", help="write all frames to this file")
        kind.add_argument("--every", type=int, default=1, metavar="N", help="each N-th frame only")
        kind.add_argument("--substrate", default="Cu", metavar="SYMBOL", help="what is below")
        kind.add_argument("--film", default="Li", metavar="SYMBOL", help="what is on it")
        if name == "order":
            kind.add_argument(
                "--ptm", action="store_true", help="also match templates by OVITO, if installed"
            )
        add_force(kind, "the file of --json")


def run(arguments: argparse.Namespace) -> int:
    """Analyze every frame; prints a table of the last one."""
    if not 1 <= arguments.every <= MOST_EVERY:
        raise InputError(f"--every {arguments.every}: give a number from 1 to {MOST_EVERY}")
    for option in ("substrate", "film"):
        _check_symbol(option, getattr(arguments, option))
    if arguments.substrate == arguments.film:
        raise InputError(f"--film {arguments.film}: is the substrate, too; name two elements")
    if arguments.json:
        check_output_file(arguments.json, [arguments.trajectory], arguments.force)
    from limlff.cli.trajectories import read_configurations

    configurations = read_configurations(arguments.trajectory, arguments.every)
    from limlff.cli.analyses import analyze

    found = analyze(configurations, arguments)
    print("\n".join(found.lines))
    if arguments.json:
        from limlff.atomic_file import write_text_whole

        content: dict[str, Any] = {
            "trajectory": str(arguments.trajectory),
            "analysis": arguments.kind,
            "substrate": arguments.substrate,
            "film": arguments.film,
            **found.values,
        }
        write_text_whole(arguments.json, json.dumps(content, indent=1) + "\n")
    return 0


def _check_symbol(option: str, symbol: str) -> None:
    from limlff.quantities import check_symbol

    try:
        check_symbol(symbol)
    except ValueError as error:
        raise InputError(f"--{option} {shown(symbol)}: {error}") from None
