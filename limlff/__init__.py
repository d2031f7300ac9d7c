"""limlff: a machine-learning force field and molecular-dynamics engine for lithium-metal anodes.

`limlff.load`, `limlff.Calculator` and `limlff.Potential` are imported when they are first used, so
that `import limlff` and `limlff --help` do not wait for jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limlff.calculator import Calculator
    from limlff.named_potential import load
    from limlff.potential import Potential

__all__ = ["Calculator", "Potential", "load"]

_HOMES = {
    "Calculator": "limlff.calculator",
    "Potential": "limlff.potential",
    "load": "limlff.named_potential",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limlff' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)
