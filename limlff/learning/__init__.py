"""Active learning: explore, cut out, select, label by DFT, check, train, and again.

`select_from_pool` chooses from frames that are there already. It is imported when it is first used,
so that settings are read without jax.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limlff.learning.pool import select_from_pool

__all__ = ["select_from_pool"]


def __getattr__(name: str) -> Any:
    if name != "select_from_pool":
        raise AttributeError(f"module 'limlff.learning' has no attribute '{name}'")
    from limlff.learning.pool import select_from_pool

    return select_from_pool
