"""Means and spreads over runs that differ by their seed only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from limlff.numbers_as_text import figure


@dataclass(frozen=True)
class Spread:
    """Mean over runs, and their standard deviation, which is not a number for a single one.

    Attributes:
        mean: The mean.
        deviation: Standard deviation.
        count: Runs.
    """

    mean: float
    deviation: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """That of some values; those that are not numbers are left out."""
        known = [value for value in values if math.isfinite(value)]
        mean = float(np.mean(known)) if known else math.nan
        deviation = float(np.std(known, ddof=1)) if len(known) > 1 else math.nan
        return cls(mean, deviation, len(known))


def in_words(spread: Spread, digits: str, scale: float = 1.0) -> str:
    """Mean and standard deviation, the latter where there are several runs."""
    mean = figure(spread.mean, digits, scale)
    if math.isnan(spread.deviation):
        return mean
    return f"{mean} ± {figure(spread.deviation, digits, scale)}"
