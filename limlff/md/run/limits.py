"""What ends a run before its last step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from limlff.md.output.trajectory import TrajectoryFrame


@dataclass(frozen=True)
class RunLimits:
    """What ends a run before its last step, besides guards and signals.

    Attributes:
        max_runtime_seconds: Wall time after which it is left with a checkpoint, to be resumed (s).
        until: Asked with each frame of the trajectory whether the run has come to its end there;
            when resumed, also with those written before.
    """

    max_runtime_seconds: float | None = None
    until: Callable[[TrajectoryFrame], bool] | None = None


NO_LIMITS = RunLimits()
"""The run ends at its last step."""
