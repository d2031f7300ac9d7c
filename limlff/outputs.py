"""Checks before writing: existing files are replaced only with `--force`, inputs never.

Files that are devices or pipes, such as /dev/stdout, are not replaced but written to, always.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import Path

from limlff.atomic_file import can_be_replaced, remove_leftovers
from limlff.errors import InputError


@dataclass(frozen=True)
class FolderKind:
    """A kind of folder that a command fills.

    Attributes:
        what: What it holds, with its article.
        results: Patterns of the names of results; one of them says that it is filled.
        others: Other names that the command writes; alone they may be somebody else's.
        mark: Name of the file that the command writes first, by which the others are known as its.
        advice: What to do if it is filled.
    """

    what: str
    results: tuple[str, ...]
    others: tuple[str, ...]
    mark: str
    advice: str

    def writes(self, name: str) -> bool:
        """Whether the command writes a file of this name."""
        return any(fnmatch(name, pattern) for pattern in (*self.results, *self.others, self.mark))

    def has_result(self, name: str) -> bool:
        """Whether this is the name of a result."""
        return any(fnmatch(name, pattern) for pattern in self.results)


def check_output_file(
    path: Path, inputs: Iterable[Path], force: bool, make_folders: bool = False
) -> None:
    """Refuse to write a file that must not be replaced, or that cannot be written.

    Args:
        path: The file to write.
        inputs: Files and folders that the command reads.
        force: Whether a file that is there, but is no input, may be replaced.
        make_folders: Whether folders that are missing will be made.

    Raises:
        InputError: If so, or if the path leads through a missing folder and back.
    """
    _refuse_detour(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; name a file")
    for other in inputs:
        if _is_same(path, other) or (other.is_dir() and _lies_in(path, other)):
            raise InputError(f"{path}: is read as input and would be replaced; choose another name")
    if not can_be_replaced(path):
        return
    if os.path.lexists(path) and not force:
        raise InputError(f"{path}: is there already; choose another name or add --force")
    folder = path.parent
    while make_folders and not folder.exists():
        folder = folder.parent
    if not folder.exists():
        raise InputError(f"{path}: there is no folder {folder}; create it")
    if not folder.is_dir():
        raise InputError(f"{path}: {folder} is a file, not a folder; choose another place")
    remove_leftovers(path.parent, [path.name])
    _try_to_write(folder)


def check_output_folder(
    folder: Path, kind: FolderKind, inputs: Iterable[Path], force: bool
) -> None:
    """Refuse to fill a folder whose content must not be replaced.

    Args:
        folder: The folder to fill; it may be missing.
        kind: What will be in it.
        inputs: Files that the command reads.
        force: Whether results in it may be replaced, and files of another kind may stay beside.

    Raises:
        InputError: If so, or if the path leads through a missing folder and back.
    """
    _refuse_detour(folder)
    if not folder.exists():
        return
    if not folder.is_dir():
        raise InputError(f"{folder}: is a file; name a folder")
    content = sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    for path in content:
        if kind.writes(path.name) and any(_is_same(path, other) for other in inputs):
            raise InputError(
                f"{path}: is read as input and would be replaced; choose another folder"
            )
    if force:
        return
    for path in content:
        if kind.has_result(path.name):
            raise InputError(f"{folder}: holds {kind.what} already ({path.name}); {kind.advice}")
    is_ours = any(path.name == kind.mark for path in content)
    for path in content:
        if not (is_ours and kind.writes(path.name)) and not _is_own_stream(path):
            raise InputError(
                f"{folder}: holds other files ({path.name}); choose another folder, or add --force"
            )


def _refuse_detour(path: Path) -> None:
    """Refuse missing/../there, which is not there before, and is another place, once it is made."""
    for number, part in enumerate(path.parts):
        before = Path(*path.parts[:number])
        if part == ".." and number and not before.exists():
            raise InputError(f"{path}: there is no folder {before}; write the path without ..")


def _is_same(path: Path, other: Path) -> bool:
    """Whether two names are one file: by links, or by the case of letters where that counts not."""
    try:
        return path.samefile(other)
    except OSError:
        return False


def _lies_in(path: Path, folder: Path) -> bool:
    return path.exists() and folder.resolve() in path.resolve().parents


def _is_own_stream(path: Path) -> bool:
    """Whether a file is where messages of this process go."""
    try:
        mine = [os.fstat(descriptor) for descriptor in (1, 2)]
        return any(os.path.samestat(path.stat(), one) for one in mine if stat.S_ISREG(one.st_mode))
    except OSError:
        return False


def _try_to_write(folder: Path) -> None:
    """Check that a file can be created, before the work that it is for."""
    probe = folder / f".{os.getpid()}.probe"
    try:
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: cannot be written to: {error.strerror}; choose another place"
        ) from error
