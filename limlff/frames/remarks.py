"""Frames as a user gives them, and what their readers remarked: on standard error, each once."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from ase import Atoms

from limlff.errors import InputError, shown
from limlff.frames.ase_files import frame_of_atoms
from limlff.frames.frame import Frame
from limlff.frames.limits import check_geometry
from limlff.frames.read import read_source
from limlff.frames.source import FrameSource
from limlff.paths import user_path

MOST_REMARKS = 20
"""Remarks that a command shows; `limlff data check` shows all of a file."""

GivenFrames: TypeAlias = str | Path | Frame | Atoms
"""A file or folder of frames, one frame, or ASE atoms with labels in their calculator."""


def read_and_tell(given: Iterable[GivenFrames], of_labels: bool = True) -> list[Frame]:
    """All frames, those of files read, and on standard error what should be known of them.

    Args:
        given: Files or folders, as `read_source` takes them, frames, or atoms; in any order.
        of_labels: Whether to tell how labels were found, too; not if they are to be replaced.

    Raises:
        InputError: If a file cannot be read or gives no frames, or the labels of atoms are of
            other positions than theirs.
    """
    frames: list[Frame] = []
    remarks: list[str] = []
    of_atoms = FrameSource("atoms")
    for number, item in enumerate(given):
        if isinstance(item, Frame):
            frames.append(item if item.origin else replace(item, origin=f"frame {number}"))
            check_geometry(frames[-1])
        elif isinstance(item, Atoms):
            frames.append(frame_of_atoms(item, f"atoms {number}", of_atoms))
            check_geometry(frames[-1])
        elif isinstance(item, str | Path):
            path = user_path(item)
            source = read_source(path)
            frames += source.frames
            remarks += [
                sentence if path.name in sentence else f"{path.name}: {sentence}"
                for sentence in source.sentences(of_labels)
            ]
        else:
            raise InputError(
                f"{shown(item)} holds no frames; give paths, limlff.frames.frame.Frame or ase.Atoms"
            )
    tell_remarks([*remarks, *of_atoms.sentences(of_labels)])
    return frames


def tell_remarks(remarks: Iterable[str]) -> None:
    """Print remarks to standard error, each once; beyond twenty only their number."""
    each = list(dict.fromkeys(remarks))
    for text in each[:MOST_REMARKS]:
        print(f"warning: {text}", file=sys.stderr)
    if len(each) > MOST_REMARKS:
        rest = len(each) - MOST_REMARKS
        print(f"warning: {rest} more remarks; limlff data check shows them", file=sys.stderr)
