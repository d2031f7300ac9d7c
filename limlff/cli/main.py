"""The `limlff` command: finds the subcommand, runs it, and turns errors into one line and a code.

Exit codes: 0 done, 2 bad input, 3 stopped by a guard, 4 out of time (resume), 5 labelling failed.
Each subcommand is a module with `add_arguments(parser)` and `run(arguments) -> int`; what is slow
to import it imports only inside `run`, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

from limlff.compile_cache import keep_jax_programs
from limlff.errors import LimlffError
from limlff.paths import user_path

COMMANDS = {
    "data": "check and convert DFT frames",
    "train": "train a potential by a recipe",
    "evaluate": "errors of a potential on labelled frames",
    "label": "label frames by a potential, to teach another",
    "info": "what is in a potential file",
    "import": "read a potential of DeePMD-kit or MLIP-2",
    "export": "write a potential for DeePMD-kit or MLIP-2",
    "md": "molecular dynamics by a configuration",
    "resume": "go on with a run that was stopped or killed",
    "bench": "how fast a potential runs on this machine",
    "run": "a whole study, from structure to report",
}


def build_parser(command: str | None) -> argparse.ArgumentParser:
    """Parser with the arguments of one subcommand filled in, or of none for the general help."""
    parser = argparse.ArgumentParser(
        prog="limlff",
        description="Machine-learning force field and molecular dynamics for lithium-metal anodes.",
    )
    parser.add_argument("--version", action="version", version=f"limlff {version('limlff')}")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, summary in COMMANDS.items():
        subparser = subparsers.add_parser(name, help=summary, description=summary)
        if name == command:
            _module_of(name).add_arguments(subparser)
    return parser


def _module_of(command: str) -> Any:
    suffix = "_" if keyword.iskeyword(command) else ""
    return importlib.import_module(f"limlff.cli.{command}{suffix}")


def _prepare(command: str) -> None:
    """Settings that jax reads once, when it starts; a choice of the user's stands."""
    keep_jax_programs()
    if command in ("md", "resume", "run", "bench"):
        # The kernel has threads of its own. Around it XLA runs many short operations, which it
        # splits among threads at a cost above their own: 5.3 µs per atom and step instead of 4.1.
        os.environ.setdefault("PJRT_NPROC", "1")


def _find_homes(parsed: argparse.Namespace) -> None:
    """Replace `~` in all paths among the arguments; shells leave `--out=~/run` as it is."""
    for name, value in vars(parsed).items():
        if isinstance(value, Path):
            setattr(parsed, name, user_path(value))
        elif isinstance(value, list) and all(isinstance(item, Path) for item in value):
            setattr(parsed, name, [user_path(item) for item in value])


def main(arguments: list[str] | None = None) -> int:
    """Run a subcommand; returns its exit code."""
    words = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in words if not word.startswith("-")), None)
    parsed = build_parser(command).parse_args(words)
    try:
        _find_homes(parsed)
        _prepare(parsed.command)
        return int(_module_of(parsed.command).run(parsed))
    except LimlffError as error:
        print(f"limlff {parsed.command}: {error}", file=sys.stderr)
        return error.exit_code
    except BrokenPipeError:
        return 0


if __name__ == "__main__":
    sys.exit(main())
