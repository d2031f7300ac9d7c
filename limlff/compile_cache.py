"""Where compiled programs are kept between runs, so that a second start is quick.

The folder is `LIMLFF_CACHE_DIR`, else `limlff` in `XDG_CACHE_HOME` or `~/.cache`. It may be deleted
at any time; `LIMLFF_CACHE_DIR=` (empty) switches the cache off.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from limlff.paths import user_path


def cache_folder() -> Path | None:
    """Folder of compiled programs, made if missing; None if switched off or not writable."""
    chosen = os.environ.get("LIMLFF_CACHE_DIR")
    if chosen == "":
        return None
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    folder = user_path(chosen) if chosen else user_path(home) / "limlff"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    return folder if os.access(folder, os.W_OK) else None


def keep_jax_programs() -> None:
    """Let jax, if it is not imported yet, keep what it compiles; a choice of the user's stands."""
    folder = cache_folder()
    if folder is not None:
        os.environ.setdefault("JAX_COMPILATION_CACHE_DIR", str(folder / "jax"))
        os.environ.setdefault("JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS", "0.3")


@contextmanager
def numba_cache(sources: str) -> Iterator[bool]:
    """While open, numba keeps compiled functions; yields whether it does.

    numba compares a function's own file only, but what it imports from others becomes part of the
    code too: the folder's name is that of all sources, so that nothing of it is stale.

    Args:
        sources: Digest of all files that go into what is compiled.
    """
    from numba.core import config

    folder = cache_folder()
    if folder is None:
        yield False
        return
    before = config.CACHE_DIR
    config.CACHE_DIR = str(folder / "numba" / sources[:16])
    try:
        yield True
    finally:
        config.CACHE_DIR = before
