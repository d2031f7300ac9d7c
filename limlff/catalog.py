"""Shipped potentials and studies, found by name.

In a checkout they lie in `potentials/` and `workflows/`, in an installed package in
`limlff/_data/`.
"""

from __future__ import annotations

import difflib
import os
from pathlib import Path

from limlff.errors import InputError, shown
from limlff.paths import user_path

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE.parent, _PACKAGE / "_data")


def find_potential(name_or_path: str | Path) -> Path:
    """File of a potential.

    A name of a shipped one comes first, wherever it is written; a file or folder of the same name
    is reached by "./li".

    Args:
        name_or_path: Name of a shipped potential ("li"), a potential file, or a folder that holds
            one named like itself ("potentials/li" holding "li.limlff").

    Raises:
        InputError: If there is no such potential.
    """
    names = shipped_potentials()
    if is_shipped_potential(name_or_path):
        return names[str(name_or_path)]
    path = user_path(name_or_path)
    if os.path.isdir(path):  # False, too, where it may not be looked at
        path = path / f"{path.resolve().name}.limlff"
    if os.path.isfile(path):
        return path
    raise InputError(f"{shown(path)}: no such potential file; {_known('potentials', names, path)}")


def is_shipped_potential(name: str | Path) -> bool:
    """Whether this is the name of a potential that comes with limlff; a Path never is."""
    return isinstance(name, str) and name in shipped_potentials()


def shipped_potentials() -> dict[str, Path]:
    """Files of the potentials that come with limlff, by name."""
    shipped = _shipped("potentials", "*/*.limlff")
    return {file.stem: file for file in shipped if file.stem == file.parent.name}


def find_workflow(name_or_path: str | Path) -> Path:
    """YAML file of a study.

    Args:
        name_or_path: Name of a shipped study ("healing/quick"), or a YAML file.

    Raises:
        InputError: If there is no such study.
    """
    names = {f"{file.parent.name}/{file.stem}": file for file in _shipped("workflows", "*/*.yaml")}
    if str(name_or_path) in names:
        return names[str(name_or_path)]
    path = user_path(name_or_path)
    if os.path.isfile(path):
        return path
    raise InputError(f"{shown(path)}: no such study; {_known('studies', names, path)}")


def _shipped(folder: str, pattern: str) -> list[Path]:
    return sorted(file for root in _ROOTS for file in (root / folder).glob(pattern))


def _known(what: str, names: dict[str, Path], path: Path) -> str:
    written = (path.name, f"{path.parent.name}/{path.name}")
    close = [match for name in written for match in difflib.get_close_matches(name, names, n=1)]
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}{what} that come with limlff: {', '.join(sorted(names)) or 'none'}"
