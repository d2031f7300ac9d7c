"""Shipped potentials and studies, found by name.

In a checkout they lie in `potentials/` and `workflows/`, in an installed package in
`limlff/_data/`.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from limlff.errors import InputError

_PACKAGE = Path(__file__).resolve().parent
_ROOTS = (_PACKAGE.parent, _PACKAGE / "_data")


def find_potential(name_or_path: str | Path) -> Path:
    """File of a potential.

    Args:
        name_or_path: Name of a shipped potential ("li"), a potential file, or a folder that holds
            one named like itself ("potentials/li" holding "li.limlff").

    Raises:
        InputError: If there is no such potential.
    """
    path = Path(name_or_path).expanduser()
    shipped = _shipped("potentials", "*/*.limlff")
    names = {file.stem: file for file in shipped if file.stem == file.parent.name}
    if str(name_or_path) in names:
        return names[str(name_or_path)]
    if path.is_dir():
        path = path / f"{path.resolve().name}.limlff"
    if path.is_file():
        return path
    raise InputError(f"{path}: no such potential file; {_known('potentials', names, path)}")


def find_workflow(name_or_path: str | Path) -> Path:
    """YAML file of a study.

    Args:
        name_or_path: Name of a shipped study ("healing/quick"), or a YAML file.

    Raises:
        InputError: If there is no such study.
    """
    path = Path(name_or_path).expanduser()
    names = {f"{file.parent.name}/{file.stem}": file for file in _shipped("workflows", "*/*.yaml")}
    if str(name_or_path) in names:
        return names[str(name_or_path)]
    if path.is_file():
        return path
    raise InputError(f"{path}: no such study; {_known('studies', names, path)}")


def _shipped(folder: str, pattern: str) -> list[Path]:
    return sorted(file for root in _ROOTS for file in (root / folder).glob(pattern))


def _known(what: str, names: dict[str, Path], path: Path) -> str:
    close = difflib.get_close_matches(str(path), list(names), n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return f"{hint}{what} that come with limlff: {', '.join(sorted(names)) or 'none'}"
