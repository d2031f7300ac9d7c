"""The `limlff` command: finds the subcommand, runs it, and turns errors into one line and a code.

Exit codes: 0 done, 2 bad input, 3 stopped by a guard, 4 out of time (resume), 5 labelling failed,
128 and the number of a signal, such as 130 for Ctrl-C, if that came when there was nothing to keep.
Each subcommand is a module with `add_arguments(parser)` and `run(arguments) -> int`; what is slow
to import it imports only inside `run`, so that `--help` answers at once.
"""

from __future__ import annotations

import argparse
import importlib
import keyword
import os
import sys
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any

from limlff.cli.endings import ending_of, tell
from limlff.cli.streams import steady_streams
from limlff.compile_cache import keep_jax_programs
from limlff.errors import NO_SPACE, InputError, LimlffError, OutOfTime, os_error_in_words
from limlff.paths import user_path
from limlff.signals import Interrupted, ignore_further_signals, ignore_signals, interruptible

COMMANDS = {
    "data": "check and convert DFT frames",
    "template": "commented YAML with all settings of a command",
    "schema": "JSON schema of a kind of YAML file, for editors",
    "train": "train a potential by a recipe",
    "evaluate": "errors of a potential on labelled frames",
    "label": "label frames by a potential, to teach another",
    "info": "what is in a potential file",
    "import": "read a potential of DeePMD-kit or MLIP-2",
    "export": "write a potential for DeePMD-kit or MLIP-2",
    "md": "molecular dynamics by a configuration",
    "lammps": "a potential inside LAMMPS, on several MPI ranks",
    "resume": "go on with a run that was stopped or killed",
    "analyze": "layers of a film and their order; cavities, grains and necks",
    "bench": "how fast a potential runs on this machine",
    "run": "a whole study, from structure to report",
    "learn": "active learning: label by DFT what a potential does not know, and train on it",
}


_RESULTS = ("out", "output", "json", "plots", "folder")
"""Arguments that name what a command writes."""


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
    # XLA takes hints for its compiler for features of the processor, misses them, and says in many
    # lines that kept programs might fail. What really fails comes as an exception.
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Programs that cannot be kept, on a full disk or a read-only one, are compiled each time.
    warnings.filterwarnings(
        "ignore", message="Error (reading|writing) persistent compilation cache"
    )
    # as `limlff.precision.own_precision`, for all of a process that is limlff's own
    os.environ.setdefault("JAX_ENABLE_X64", "1")
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
    if command in ("md", "resume", "run", "bench", "lammps"):
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
    """Run a subcommand; returns its exit code.

    Args:
        arguments: Its words; by default those of this process, which then has nothing else to do.
    """
    words = sys.argv[1:] if arguments is None else arguments
    command = next((word for word in words if not word.startswith("-")), None)
    if arguments is None:
        warnings.formatwarning = _warning_in_a_line
    with steady_streams() as failure_of_output, interruptible() as signal_that_came:
        try:
            parsed = build_parser(command).parse_args(words)
            _find_homes(parsed)
            _prepare(parsed.command)
            code = int(_module_of(parsed.command).run(parsed))
            if code == 0 and not _writes_files(parsed):
                _check_output(failure_of_output())
        except (Exception, KeyboardInterrupt) as error:
            ignore_further_signals()
            reason: BaseException = error
            number = signal_that_came()
            if number is not None and not isinstance(error, LimlffError):
                # Libraries make other errors of the exception in a signal's place.
                is_resumed = command == "resume" or "--resume" in words
                reason = _interruption(number, is_resumed)
            code = _end(command or "", reason)
        if arguments is None:
            ignore_signals()
    return code


def _interruption(number: int, is_resumed: bool) -> BaseException:
    """What a signal means for a command: one that goes on with something can do so once more."""
    interrupted = Interrupted(number)
    if not is_resumed:
        return interrupted
    return OutOfTime(f"interrupted by {interrupted}; go on with the same command")


def _end(command: str, error: BaseException) -> int:
    """Say why a command could not be done; returns its exit code."""
    ending = ending_of(error)
    if ending is None:
        raise error
    message, code = ending
    tell(command, message)
    return code


def _writes_files(parsed: argparse.Namespace) -> bool:
    """Whether a command leaves more than text."""
    return any(isinstance(getattr(parsed, name, None), Path) for name in _RESULTS)


def _check_output(failure: Exception | None) -> None:
    """Raise if the text, which is all that a command gives, was lost; not if nobody wants it."""
    if isinstance(failure, OSError) and failure.errno in NO_SPACE:
        raise InputError(f"standard output: {os_error_in_words(failure)}")


def _warning_in_a_line(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    line: str | None = None,
) -> str:
    """A warning of a library without the line of its code."""
    return f"limlff: {category.__name__}: {' '.join(str(message).split())}\n"


if __name__ == "__main__":
    sys.exit(main())
