"""Formats of other codes by the suffix of a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from limlff.errors import InputError
from limlff.exchange.deepmd import export_deepmd, import_deepmd
from limlff.exchange.deepmd_file import SUFFIXES as DEEPMD_SUFFIXES
from limlff.exchange.mtp import SUFFIXES as MTP_SUFFIXES
from limlff.exchange.mtp import export_mtp, import_mtp
from limlff.potential import Potential


@dataclass(frozen=True)
class Format:
    """How potentials of a code are read and written.

    Attributes:
        suffixes: Of its files.
        read: Reads a file, given the chemical symbols of its types or None.
        write: Writes a file.
    """

    suffixes: tuple[str, ...]
    read: Callable[[Path, list[str] | None], Potential]
    write: Callable[[Potential, Path], None]


FORMATS = (
    Format(DEEPMD_SUFFIXES, import_deepmd, export_deepmd),
    Format(MTP_SUFFIXES, import_mtp, export_mtp),
)


def format_of(path: Path) -> Format:
    """The format that a file has by its suffix.

    Raises:
        InputError: If there is none.
    """
    for candidate in FORMATS:
        if path.suffix in candidate.suffixes:
            return candidate
    known = ", ".join(suffix for candidate in FORMATS for suffix in candidate.suffixes)
    raise InputError(f"{path}: is no format that can be exchanged; known suffixes are {known}")
