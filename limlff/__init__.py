"""limlff: a machine-learning force field and molecular-dynamics engine for lithium-metal anodes.

What a script needs, from one import: `limlff.load`, `limlff.Calculator` and `limlff.Potential`,
`limlff.train`, `limlff.evaluate` and `limlff.run_md`. Each is imported when it is first used, so
that `import limlff` and `limlff --help` do not wait for jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limlff.calculator import Calculator
    from limlff.md.runner import run_md
    from limlff.named_potential import load
    from limlff.potential import Potential
    from limlff.training.evaluate import evaluate
    from limlff.training.train import train

__all__ = ["Calculator", "Potential", "evaluate", "load", "run_md", "train"]

_HOMES = {
    "Calculator": "limlff.calculator",
    "Potential": "limlff.potential",
    "evaluate": "limlff.training.evaluate",
    "load": "limlff.named_potential",
    "run_md": "limlff.md.runner",
    "train": "limlff.training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limlff' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
