"""Where commands say what their readers remarked: on standard error, each once, not too many."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from limlff.frames.frame import Frame
from limlff.frames.read import read_source

MOST_REMARKS = 20
"""Remarks that a command shows; `limlff data check` shows all of a file."""


def read_and_tell(paths: Iterable[Path]) -> list[Frame]:
    """Read the frames of files, and say what should be known of them.

    Args:
        paths: Files or folders, as `read_source` takes them.

    Raises:
        InputError: If one cannot be read or gives no frames.
    """
    frames: list[Frame] = []
    remarks: list[str] = []
    for path in paths:
        source = read_source(path)
        frames += source.frames
        remarks += [
            sentence if path.name in sentence else f"{path.name}: {sentence}"
            for sentence in source.sentences()
        ]
    tell_remarks(remarks)
    return frames


def tell_remarks(remarks: Iterable[str]) -> None:
    """Print remarks to standard error, each once; beyond twenty only their number."""
    each = list(dict.fromkeys(remarks))
    for text in each[:MOST_REMARKS]:
        print(f"warning: {text}", file=sys.stderr)
    if len(each) > MOST_REMARKS:
        rest = len(each) - MOST_REMARKS
        print(f"warning: {rest} more remarks; limlff data check shows them", file=sys.stderr)
