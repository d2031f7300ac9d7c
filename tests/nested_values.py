"""What tests ask of values in nested dicts and lists."""

from __future__ import annotations

import math
from typing import Any


def finite(value: Any) -> bool:
    """Whether no number in nested values is infinite or not a number."""
    if isinstance(value, dict):
        return all(map(finite, value.values()))
    if isinstance(value, (list, tuple)):
        return all(map(finite, value))
    return not isinstance(value, float) or math.isfinite(value)
