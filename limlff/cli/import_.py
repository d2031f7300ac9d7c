"""`limlff import FILE OUT`: read the potential of another code."""

from __future__ import annotations

import argparse
from pathlib import Path

from limlff.cli.arguments import add_force
from limlff.outputs import check_output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "file", type=Path, help="model of DeePMD-kit (.dp, .yaml) or of MLIP-2 (.mtp)"
    )
    parser.add_argument("out", type=Path, help="potential file to write (.limlff)")
    parser.add_argument(
        "--elements",
        nargs="+",
        metavar="SYMBOL",
        help="chemical symbols of the types, for formats that do not hold them (.mtp)",
    )
    parser.add_argument(
        "--table",
        type=float,
        metavar="SPACING",
        help="put the embedding nets of a DeepPot-SE model into tables with nodes of this spacing "
        "(0.01 is fine), and print their error",
    )
    add_force(parser, "OUT")


def run(arguments: argparse.Namespace) -> int:
    """Read, write, and say what it is."""
    from limlff.exchange.formats import format_of
    from limlff.potential_file import save_potential

    kind = format_of(arguments.file)
    check_output_file(arguments.out, [arguments.file], arguments.force, make_folders=True)
    potential = kind.read(arguments.file, arguments.elements)
    if arguments.table is not None:
        from limlff.exchange.deepmd_tables import tabulate

        potential, error = tabulate(potential, arguments.table)
        print(f"tables: largest error {error:.2g} in the embedding")
    save_potential(potential, arguments.out)
    print(
        f"{arguments.out}: {', '.join(potential.elements)}, cutoff {potential.cutoff:g} Å, "
        f"{type(potential.model).__name__}"
    )
    return 0
