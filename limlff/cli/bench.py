"""`limlff bench`: how fast a potential runs on this machine."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from limlff.cli.arguments import add_dtype, add_force, add_potential, file_of_potential
from limlff.errors import InputError
from limlff.outputs import check_output_file

FEWEST_ATOMS, MOST_ATOMS = 16, 50_000_000
"""Of the crystal; more than the most would take 200 GB."""
LONGEST_SECONDS = 86400.0


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_potential(parser)
    parser.add_argument("--atoms", type=int, default=4000, metavar="N", help="about so many atoms")
    add_dtype(parser, default="float32")
    parser.add_argument("--seconds", type=float, default=10.0, help="to measure, about")
    parser.add_argument("--json", type=Path, metavar="OUT", help="write the numbers to a file")
    add_force(parser, "the file of --json")


def run(arguments: argparse.Namespace) -> int:
    """Measure; prints a table."""
    if not FEWEST_ATOMS <= arguments.atoms <= MOST_ATOMS:
        raise InputError(
            f"--atoms {arguments.atoms}: give a number from {FEWEST_ATOMS} to {MOST_ATOMS}"
        )
    if not 0 < arguments.seconds <= LONGEST_SECONDS:
        raise InputError(
            f"--seconds {arguments.seconds:g}: give a time above 0, at most {LONGEST_SECONDS:g}"
        )
    if arguments.json:
        inputs = file_of_potential(arguments.potential)
        check_output_file(arguments.json, inputs, arguments.force)
    from dataclasses import asdict

    from limlff.atomic_file import write_text_whole
    from limlff.environment import describe_environment
    from limlff.md.speed import measure_speed
    from limlff.named_potential import load
    from limlff.structures.lattice import block_of_about

    potential = load(arguments.potential)
    atoms = block_of_about(potential.elements[0], arguments.atoms)
    speed = measure_speed(potential, atoms, arguments.dtype, arguments.seconds)
    result = {"potential": arguments.potential, **asdict(speed), **describe_environment()}
    print(
        f"{speed.atoms} atoms of {potential.elements[0]} at 300 K, "
        f"{speed.pairs_per_atom:.1f} pairs per atom, {speed.dtype}, {speed.threads} threads\n"
        f"step    {speed.microseconds_per_atom_step:8.2f} µs/atom   {speed.ns_per_day:.2f} ns/day "
        f"at 1 fs   ({speed.list_builds} neighbor lists in {speed.steps} steps)\n"
        f"forces  {speed.microseconds_per_atom_force:8.2f} µs/atom\n"
        f"compile {speed.compile_seconds:8.2f} s\n"
        f"memory  {speed.peak_memory_mb:8.0f} MB   {speed.memory_kb_per_atom:.1f} kB/atom"
    )
    if arguments.json:
        write_text_whole(arguments.json, json.dumps(result, indent=2) + "\n")
    return 0
