"""Memory of this process."""

from __future__ import annotations

import resource
import sys


def peak_memory_mb() -> float:
    """Largest memory of this process so far (MB)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / (1e6 if sys.platform == "darwin" else 1e3)  # bytes there, kB elsewhere
