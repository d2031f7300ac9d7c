"""`limlff export POTENTIAL OUT`: write a potential for another code."""

from __future__ import annotations

import argparse
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument("potential", help="potential file, or the name of a shipped potential")
    parser.add_argument(
        "out",
        type=Path,
        help="file to write: .dp or .yaml for DeePMD-kit, .mtp for MLIP-2",
    )


def run(arguments: argparse.Namespace) -> int:
    """Load and write."""
    from limlff.calculator import load
    from limlff.exchange.formats import format_of

    kind = format_of(arguments.out)
    kind.write(load(arguments.potential), arguments.out)
    print(arguments.out)
    return 0
