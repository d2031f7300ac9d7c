"""Where compiled programs are kept between runs, so that a second start is quick.

The folder is `LIMLFF_CACHE_DIR`, else `limlff` in `XDG_CACHE_HOME` or `~/.cache`. It may be deleted
at any time; `LIMLFF_CACHE_DIR=` (empty) switches the cache off. Its content is executed, so it is
used only if nobody else can have written there. Without it everything works, but starts later.
"""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from limlff.errors import InputError
from limlff.paths import user_path

_LOG = logging.getLogger(__name__)

LARGEST_BYTES = 500_000_000
"""What is kept at most; a program takes half a megabyte."""
_KEPT = ("*.code", "jax/*-cache", "jax/*-atime", "numba/*/*/*.nbi", "numba/*/*/*.nbc")
_OTHERS = stat.S_IWGRP | stat.S_IWOTH

_said: set[str] = set()


def cache_folder() -> Path | None:
    """Folder of compiled programs, made if missing; None if switched off or not to be used.

    It is not used if it cannot be written or if others could have written it; a warning says so.
    """
    chosen = os.environ.get("LIMLFF_CACHE_DIR")
    if chosen == "":
        return None
    try:
        home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
        folder = user_path(chosen) if chosen else user_path(home) / "limlff"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        usable = os.access(folder, os.W_OK | os.X_OK) and is_private(folder)
    except (OSError, InputError):  # no home, for one
        return None
    return folder if usable else None


def is_private(path: Path) -> bool:
    """Whether a folder or a file, and what lies in a folder, can have been written by us alone."""
    reason = _why_unsafe(path)
    if reason and reason not in _said:
        _said.add(reason)
        _LOG.warning(
            "no compiled programs are kept: %s; remove it, or name another folder by "
            "LIMLFF_CACHE_DIR",
            reason,
        )
    return reason is None


def _why_unsafe(path: Path) -> str | None:
    """Why others could have written a file or folder, which then must not be run; None if not."""
    if not hasattr(os, "geteuid"):  # Windows, whose users have folders of their own
        return None
    real = path.resolve()
    entries = sorted(real.iterdir()) if real.is_dir() else []
    for entry in (real, *entries):
        status = entry.lstat()
        if status.st_uid != os.geteuid():
            return f"{entry} belongs to another user ({status.st_uid})"
        # what lies in a folder that others cannot enter is out of their reach
        reachable = entry == real or real.stat().st_mode & (stat.S_IXGRP | stat.S_IXOTH)
        if status.st_mode & _OTHERS and not entry.is_symlink() and reachable:
            return f"{entry} may be written by others (mode {stat.S_IMODE(status.st_mode):o})"
    for parent in real.parents:
        mode = parent.stat().st_mode
        if mode & stat.S_IWOTH and not mode & stat.S_ISVTX:
            return f"{parent}, in which {real.name} lies, may be written by everybody"
    return None


def keep_jax_programs() -> None:
    """Let jax keep compiled programs, if it is not imported yet and the user has not chosen."""
    folder = cache_folder()
    if folder is None:
        return
    with suppress(OSError):
        _make_room(folder)
        programs = folder / "jax"
        programs.mkdir(mode=0o700, exist_ok=True)
        if is_private(programs):
            os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(programs))
            os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")


def _make_room(folder: Path) -> None:
    """Delete the least recently used programs if the cache exceeds its limit."""
    files = []
    for pattern in _KEPT:
        for file in folder.glob(pattern):
            with suppress(OSError):  # another process may delete, too
                status = file.lstat()
                files.append((max(status.st_atime, status.st_mtime), status.st_size, file))
    excess = sum(size for _, size, _ in files) - LARGEST_BYTES
    if excess <= 0:
        return
    excess += LARGEST_BYTES // 5  # so that this is seldom
    for _, size, file in sorted(files):
        if excess <= 0:
            break
        with suppress(OSError):
            file.unlink()
            excess -= size


@contextmanager
def numba_cache(sources: str) -> Iterator[bool]:
    """While open, numba keeps compiled functions; yields whether it does.

    numba compares a function's own file only, but what it imports from others becomes part of the
    code too: the folder's name is that of all sources, so that nothing of it is stale.

    Args:
        sources: Digest of all files that go into what is compiled.
    """
    from numba.core import config

    folder = _numba_folder(sources)
    if folder is None:
        yield False
        return
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder)
    try:
        yield True
    finally:
        config.CACHE_DIR = before


def _numba_folder(sources: str) -> Path | None:
    """Folder of numba's for these sources, made if missing; None if it is not to be used."""
    cache = cache_folder()
    if cache is None:
        return None
    folder = cache / "numba" / sources[:16]
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        modules = [entry for entry in folder.iterdir() if entry.is_dir()]
        return folder if all(map(is_private, (folder, *modules))) else None
    except OSError:
        return None
