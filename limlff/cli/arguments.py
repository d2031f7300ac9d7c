"""Arguments that several commands share."""

from __future__ import annotations

import argparse
import math
import re
from pathlib import Path

from limlff.errors import InputError, shown

_UNIT_SECONDS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def add_force(parser: argparse.ArgumentParser, what: str) -> None:
    """Add the option without which nothing that is there is replaced."""
    parser.add_argument("--force", action="store_true", help=f"replace {what} if it is there")


def add_potential(parser: argparse.ArgumentParser) -> None:
    """Add the potential that a command works with."""
    from limlff.catalog import shipped_potentials

    names = ", ".join(shipped_potentials())
    parser.add_argument(
        "potential", metavar="POTENTIAL", help=f"name of a shipped potential ({names}), or a file"
    )


def add_dtype(parser: argparse.ArgumentParser, default: str) -> None:
    """Add the arithmetic of the model; its old name is answered with the new one."""
    parser.add_argument(
        "--dtype",
        choices=("float32", "float64"),
        default=default,
        help=f"arithmetic of the model (default: {default})",
    )
    parser.add_argument("--precision", type=_refuse_precision, help=argparse.SUPPRESS)


def _refuse_precision(value: str) -> None:
    raise argparse.ArgumentTypeError(f"is called --dtype: write --dtype {shown(value)}")


def add_set(parser: argparse.ArgumentParser, example: str) -> None:
    """Add the option that changes settings of a YAML file, which ends up in `overrides`."""
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        dest="overrides",
        help=f"change one setting, such as {example}; may be given several times",
    )


def add_quiet(parser: argparse.ArgumentParser) -> None:
    """Add the option that leaves out how far the work has come."""
    parser.add_argument("--quiet", action="store_true", help="show no progress")


def add_max_runtime(parser: argparse.ArgumentParser) -> None:
    """Add the time limit; `parse_duration` reads it."""
    parser.add_argument(
        "--max-runtime",
        metavar="TIME",
        help="leave with a checkpoint and exit code 4 after 90, 90s, 30m, 8h or 1d",
    )


def parse_duration(text: str | None) -> float | None:
    """Seconds of a duration such as 90, 90s, 30m, 8h or 1.5d; None without one.

    Raises:
        InputError: If it is none.
    """
    if text is None:
        return None
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([smhd]?)", text.strip(), re.ASCII)
    seconds = float(match[1]) * _UNIT_SECONDS[match[2]] if match else math.inf
    if not math.isfinite(seconds):
        raise InputError(
            f"--max-runtime {shown(text)}: is no duration; write 90s, 30m, 8h or 1d for example"
        )
    return seconds


def file_of_potential(name: str | Path) -> list[Path]:
    """The file of a potential that a command is to read; none if there is no such potential."""
    from limlff.catalog import find_potential

    try:
        return [find_potential(name)]
    except InputError:
        return []
