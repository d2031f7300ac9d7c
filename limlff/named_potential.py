"""A potential by its name, by the path of its file, or as it is."""

from __future__ import annotations

from pathlib import Path

from limlff.catalog import find_potential
from limlff.errors import InputError, shown
from limlff.potential import Potential
from limlff.potential_file import load_potential
from limlff.precision import own_precision


@own_precision()
def load(name_or_path: str | Path) -> Potential:
    """Potential by the name of a shipped one ("li"), or by the path of a file or its folder.

    Raises:
        InputError: If there is none, or the file is damaged.
    """
    if not isinstance(name_or_path, str | Path):
        raise InputError(
            f"the potential is {shown(name_or_path)}; give a name, the path of a file, or a "
            "limlff.potential.Potential"
        )
    return load_potential(find_potential(name_or_path))


def potential_of(given: Potential | str | Path) -> Potential:
    """The potential that a script gives: one in memory, or what `load` takes.

    Raises:
        InputError: If there is none, or the file is damaged.
    """
    return given if isinstance(given, Potential) else load(given)
