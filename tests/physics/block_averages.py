"""Errors of means over correlated samples."""

from __future__ import annotations

import numpy as np


def blocked_error(values, blocks=20):
    """Standard error of a mean from the means of blocks."""
    means = np.array([block.mean() for block in np.array_split(values, blocks)])
    return means.std(ddof=1) / np.sqrt(blocks)
