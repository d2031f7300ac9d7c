"""`limlff lammps INPUT`: an input of LAMMPS with a potential of limlff, on several MPI ranks."""

from __future__ import annotations

import argparse
import shlex
from pathlib import Path
from typing import Any

from limlff.cli.arguments import (
    add_dtype,
    add_force,
    add_max_runtime,
    add_quiet,
    add_set,
    parse_duration,
)
from limlff.errors import InputError, shown
from limlff.numbers_as_text import figure


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    parser.add_argument(
        "input", type=Path, metavar="INPUT", help="input of LAMMPS with `pair_style limlff`"
    )
    parser.add_argument(
        "--potential", required=True, metavar="POTENTIAL", help="name of a shipped one, or a file"
    )
    parser.add_argument("-n", type=int, default=1, dest="ranks", metavar="RANKS", help="MPI ranks")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder for log, checkpoints and what a guard leaves (default: INPUT.limlff)",
    )
    parser.add_argument(
        "--var",
        nargs="+",
        action="append",
        default=[],
        metavar=("NAME", "VALUE"),
        help="set a variable of the input; may be given several times",
    )
    parser.add_argument(
        "--launcher", metavar="COMMAND", help="what starts the ranks (default: mpiexec)"
    )
    add_dtype(parser, "float32")
    add_set(parser, "guards.max_grade=10")
    add_force(parser, "a run in the folder")
    add_max_runtime(parser)
    add_quiet(parser)


def run(arguments: argparse.Namespace) -> int:
    """Run; prints the speed and where the files are."""
    seconds = parse_duration(arguments.max_runtime)
    variables = _variables(arguments.var)
    from limlff.lammps.script import read_script

    script = read_script(arguments.input)
    from limlff.config import config_of
    from limlff.lammps.job import Job
    from limlff.lammps.launch import Start, run_lammps
    from limlff.lammps.output import RUN_FOLDER
    from limlff.lammps.settings import LammpsSettings
    from limlff.outputs import check_output_folder

    settings = config_of(
        {"potential": arguments.potential, "dtype": arguments.dtype},
        LammpsSettings,
        arguments.overrides,
    )
    _check_potential(settings, script.elements, arguments.input)
    out = arguments.out or arguments.input.with_name(f"{arguments.input.name}.limlff")
    out = Path.cwd() / out
    check_output_folder(out, RUN_FOLDER, [arguments.input], arguments.force)
    job = Job(str(arguments.input.absolute()), variables, seconds, arguments.quiet)
    launcher = shlex.split(arguments.launcher or "")
    summary = run_lammps(job, settings, out, Start(arguments.ranks, launcher))
    _print_speed(summary, out)
    return 0


def _variables(given: list[list[str]]) -> dict[str, list[str]]:
    for words in given:
        if len(words) < 2:
            raise InputError(f"--var {shown(words[0])}: has no value; write --var NAME VALUE")
    return {name: values for name, *values in given}


def _check_potential(settings: Any, elements: tuple[str, ...], path: Path) -> None:
    """Refuse what cannot work before any rank is started."""
    from limlff.lammps.forces import predictor_in_domains
    from limlff.lammps.grades import GradeWatch
    from limlff.named_potential import load

    potential = load(settings.potential)
    predictor_in_domains(potential, settings.dtype)
    potential.species_of(list(elements), f"pair_coeff of {path}")
    GradeWatch(potential, settings.guards, elements)


def _print_speed(summary: dict[str, Any], out: Path) -> None:
    atoms, evaluations = summary["atoms"], summary["evaluations"]
    per_atom = 1e6 * summary["seconds"] / max(1, atoms * evaluations)
    print(
        f"{evaluations} evaluations of {atoms} atoms on {summary['ranks']} ranks, "
        f"{figure(per_atom, '.1f')} µs/atom/step with start-up; files in {out}"
    )
