"""Processes forked after jax has started, in which a calculation would never end.

A fork copies the memory of a process, but of its threads only the one that forks; jax and the
kernels would wait for the other threads for ever. Such a process is refused with a sentence.
"""

from __future__ import annotations

import os
import sys

from limlff.errors import InputError

_state = {"jax had started": False, "forked too late": False}


def refuse_forked_process() -> None:
    """Raise in a process that was forked after jax had started.

    Raises:
        InputError: If it was.
    """
    if _state["forked too late"]:
        raise InputError(
            f"process {os.getpid()} was forked from one in which limlff or jax had computed "
            "already; their threads are missing here, so that a calculation would never end. "
            "Start processes with multiprocessing.get_context('spawn') or 'forkserver'"
        )


def _jax_has_started() -> bool:
    """Whether jax has started its threads; yes if it does not tell."""
    bridge = sys.modules.get("jax._src.xla_bridge")
    if bridge is None:
        return False
    tell = getattr(bridge, "backends_are_initialized", None)
    return True if tell is None else bool(tell())


def _before_fork() -> None:
    # asked in the parent: in the child jax's own lock could be held by a thread that is gone
    _state["jax had started"] = _jax_has_started()


def _in_child() -> None:
    _state["forked too late"] |= _state["jax had started"]


if hasattr(os, "register_at_fork"):
    os.register_at_fork(before=_before_fork, after_in_child=_in_child)
