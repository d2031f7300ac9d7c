"""`limlff analyze`: layers of a film, order, exchange and mobility; cavities, grains and necks."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from limlff.cli.arguments import add_force
from limlff.errors import InputError, shown
from limlff.outputs import check_output_file

if TYPE_CHECKING:
    from limlff.cli.analyses import Analysis

KINDS = {
    "layers": "atoms, areal density, roughness, coverage and islands of each layer",
    "similarity": "how much each layer looks like planes of lithium and of copper",
    "exchange": "atoms that crossed the interface, and densities along z",
    "order": "order in the plane, grains, local order and texture",
    "msd": "mean-square displacement by layer",
}
SOLIDS = {
    "cavities": "missing atoms of cavities that are closed in",
    "grains": "grains of bcc lithium, and the boundaries left between them",
    "neck": "the narrowest section of the solid between two planes",
}
MOST_EVERY = 10**9
_VOLUME = 20.9  # of an atom of lithium at 300 K (Å^3), as in `limlff.analysis.texture`


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `limlff analyze`."""
    kinds = parser.add_subparsers(dest="kind", required=True, metavar="WHAT")
    for name, summary in (KINDS | SOLIDS).items():
        kind = kinds.add_parser(name, help=summary, description=f"Report {summary}.")
        place = "the surface in x and y, z up" if name in KINDS else "periodic"
        kind.add_argument(
            "trajectory",
            type=Path,
            metavar="TRAJECTORY",
            help=f"a trajectory.h5, or any file that ASE reads; {place}",
        )
        kind.add_argument("--json", type=Path, metavar="OUT", help="write all frames to this file")
        kind.add_argument("--every", type=int, default=1, metavar="N", help="each N-th frame only")
        _add_own(kind, name)
        add_force(kind, "the file of --json")


def _add_own(kind: argparse.ArgumentParser, name: str) -> None:
    """Arguments of one kind of analysis."""
    if name in KINDS:
        kind.add_argument("--substrate", default="Cu", metavar="SYMBOL", help="what is below")
        kind.add_argument("--film", default="Li", metavar="SYMBOL", help="what is on it")
    else:
        kind.add_argument(
            "--volume", type=float, default=_VOLUME, metavar="V",
            help="volume of an atom in the perfect crystal (Å^3); by default of Li at 300 K",
        )  # fmt: skip
    if name == "order":
        kind.add_argument(
            "--ptm", action="store_true", help="also match templates by OVITO, if installed"
        )
    if name == "neck":
        kind.add_argument("--axis", choices="xyz", default="z", help="axis across the sections")
        kind.add_argument(
            "--between", type=float, nargs=2, required=True, metavar=("LOW", "HIGH"),
            help="the two planes, along the axis (Å)",
        )  # fmt: skip
        kind.add_argument(
            "--above", type=float, metavar="Z", help="count the solid above this height only (Å)"
        )


def run(arguments: argparse.Namespace) -> int:
    """Analyze every frame; prints a table of the last one."""
    if not 1 <= arguments.every <= MOST_EVERY:
        raise InputError(f"--every {arguments.every}: give a number from 1 to {MOST_EVERY}")
    told = _check_film(arguments) if arguments.kind in KINDS else _check_solid(arguments)
    if arguments.json:
        check_output_file(arguments.json, [arguments.trajectory], arguments.force)
    from limlff.cli.trajectories import read_configurations

    configurations = read_configurations(arguments.trajectory, arguments.every)
    found = _analysis(arguments.kind)(configurations, arguments)
    print("\n".join(found.lines))
    if arguments.json:
        from limlff.atomic_file import write_text_whole

        content: dict[str, Any] = {
            "trajectory": str(arguments.trajectory),
            "analysis": arguments.kind,
            **told,
            **found.values,
        }
        write_text_whole(arguments.json, json.dumps(content, indent=1) + "\n")
    return 0


def _analysis(kind: str) -> Callable[[Any, argparse.Namespace], Analysis]:
    """What computes an analysis; takes a while to import."""
    if kind in KINDS:
        from limlff.cli.analyses import analyze

        return analyze
    from limlff.cli.solids import analyze_solid

    return analyze_solid


def _check_film(arguments: argparse.Namespace) -> dict[str, Any]:
    """What to say in the JSON of a film and its substrate."""
    for option in ("substrate", "film"):
        _check_symbol(option, getattr(arguments, option))
    if arguments.substrate == arguments.film:
        raise InputError(f"--film {arguments.film}: is the substrate, too; name two elements")
    return {"substrate": arguments.substrate, "film": arguments.film}


def _check_solid(arguments: argparse.Namespace) -> dict[str, Any]:
    """What to say in the JSON of a solid."""
    if not 1 <= arguments.volume <= 1000:
        raise InputError(
            f"--volume {arguments.volume:g}: is no volume of an atom in Å^3; give 1 to 1000"
        )
    return {"volume_per_atom_angstrom3": arguments.volume}


def _check_symbol(option: str, symbol: str) -> None:
    from limlff.quantities import check_symbol

    try:
        check_symbol(symbol)
    except ValueError as error:
        raise InputError(f"--{option} {shown(symbol)}: {error}") from None
