"""limlff: a machine-learning force field and molecular-dynamics engine for lithium-metal anodes.

What a script needs, from one import: `limlff.load`, `limlff.Calculator` and `limlff.Potential`,
`limlff.train`, `limlff.evaluate`, `limlff.run_md`, `limlff.resume_md`, `limlff.learn` and
`limlff.resume_learning`; and the errors that they end with: `InputError`, `GuardStop` (of molecular
dynamics `RunStopped`, which tells where), `OutOfTime` (of a training `TrainingStopped`) and
`LabellingFailed`. Each is imported when it is first used, so that `import limlff` and
`limlff --help` do not wait for jax.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from limlff.calculator import Calculator
    from limlff.errors import GuardStop, InputError, LabellingFailed, OutOfTime
    from limlff.learning.learn import learn, resume_learning
    from limlff.md.guards.stop import RunStopped
    from limlff.md.resume import resume_md
    from limlff.md.runner import run_md
    from limlff.named_potential import load
    from limlff.potential import Potential
    from limlff.training.evaluate import evaluate
    from limlff.training.train import TrainingStopped, train

__all__ = [
    "Calculator",
    "GuardStop",
    "InputError",
    "LabellingFailed",
    "OutOfTime",
    "Potential",
    "RunStopped",
    "TrainingStopped",
    "evaluate",
    "learn",
    "load",
    "resume_learning",
    "resume_md",
    "run_md",
    "train",
]

_HOMES = {
    "Calculator": "limlff.calculator",
    "GuardStop": "limlff.errors",
    "InputError": "limlff.errors",
    "LabellingFailed": "limlff.errors",
    "OutOfTime": "limlff.errors",
    "Potential": "limlff.potential",
    "RunStopped": "limlff.md.guards.stop",
    "TrainingStopped": "limlff.training.train",
    "evaluate": "limlff.training.evaluate",
    "learn": "limlff.learning.learn",
    "load": "limlff.named_potential",
    "resume_learning": "limlff.learning.learn",
    "resume_md": "limlff.md.resume",
    "run_md": "limlff.md.runner",
    "train": "limlff.training.train",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'limlff' has no attribute '{name}'")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
