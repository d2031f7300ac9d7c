"""`limlff label POTENTIAL FRAMES... --out FILE`: label frames by a potential, to teach another."""

from __future__ import annotations

import argparse
from pathlib import Path

from limlff.cli.arguments import add_force, add_potential, file_of_potential
from limlff.errors import InputError
from limlff.outputs import check_output_file


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of the command."""
    add_potential(parser)
    parser.add_argument(
        "frames", nargs="+", type=Path, metavar="FRAMES", help="files of frames, labelled or not"
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="file to write (.extxyz or .h5), ready to train on"
    )
    add_force(parser, "the file of --out")


def run(arguments: argparse.Namespace) -> int:
    """Read, label, write."""
    if arguments.out.suffix not in (".h5", ".extxyz"):
        raise InputError(f"{arguments.out}: ends in '{arguments.out.suffix}'; write .h5 or .extxyz")
    inputs = [*arguments.frames, *file_of_potential(arguments.potential)]
    check_output_file(arguments.out, inputs, arguments.force)
    from limlff.frames.extxyz import write_extxyz
    from limlff.frames.remarks import read_and_tell
    from limlff.frames.store import write_store
    from limlff.named_potential import load
    from limlff.training.teacher import label_frames

    frames = read_and_tell(arguments.frames, of_labels=False)
    labelled = label_frames(load(arguments.potential), frames)
    write = write_store if arguments.out.suffix == ".h5" else write_extxyz
    write(labelled, arguments.out)
    print(f"{arguments.out}: {len(labelled)} frames labelled")
    return 0
