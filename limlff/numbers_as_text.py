"""Figures as text, where a missing one is a dash."""

from __future__ import annotations

import math
import numbers

DASH = "-"


def figure(value: object, form: str, scale: float = 1.0, unit: str = "") -> str:
    """A number as text; a dash where there is none.

    Args:
        value: The number; None, nan, and what is no number give the dash.
        form: How to write it, such as ".2f".
        scale: What to multiply it with first.
        unit: What to write behind it, with the space that belongs there.
    """
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return DASH
    scaled = scale * float(value)
    return DASH if math.isnan(scaled) else f"{scaled:{form}}{unit}"


def counted(number: int, noun: str) -> str:
    """So many of something, whose plural ends in s."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
