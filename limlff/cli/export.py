"""`limlff export POTENTIAL OUT`: write a potential for another code."""

from __future__ import annotations

import argparse
from pathlib import Path

from limlff.cli.arguments import add_force, add_potential, file_of_potential
from limlff.outputs import check_output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_potential(parser)
    parser.add_argument(
        "out",
        type=Path,
        help="file to write: .dp or .yaml for DeePMD-kit, .mtp for MLIP-2",
    )
    add_force(parser, "OUT")


def run(arguments: argparse.Namespace) -> int:
    """Load and write."""
    from limlff.exchange.formats import format_of
    from limlff.named_potential import load

    kind = format_of(arguments.out)
    check_output_file(arguments.out, file_of_potential(arguments.potential), arguments.force)
    kind.write(load(arguments.potential), arguments.out)
    print(arguments.out)
    return 0
