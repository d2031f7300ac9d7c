"""Calibration of spreads on frames that were not trained on, and how good it is."""

from __future__ import annotations

from typing import Any

import numpy as np
from jaxtyping import Float
from scipy.stats import norm, spearmanr

LEVELS = (0.5, 0.683, 0.9, 0.95)
"""Nominal coverages that are reported."""

_FITTED_LEVEL = 0.683


def calibration_factor(
    residuals: Float[np.ndarray, " labels"], spreads: Float[np.ndarray, " labels"]
) -> float:
    """Factor on spreads after which 68.3 % of the residuals are within one spread.

    A quantile, because single large errors shall not widen all spreads. 1 without labels. Infinite
    spreads, of elements that were not trained on, do not count.

    Args:
        residuals: Errors of labels.
        spreads: Their spreads, in the same unit.
    """
    known = (spreads > 0) & np.isfinite(spreads)
    if not known.any():
        return 1.0
    ratios = np.abs(residuals[known]) / spreads[known]
    return float(np.quantile(ratios, _FITTED_LEVEL) / norm.ppf((1 + _FITTED_LEVEL) / 2))


def coverage(
    residuals: Float[np.ndarray, " labels"], spreads: Float[np.ndarray, " labels"]
) -> dict[str, float]:
    """Share of residuals inside the central interval of each of `LEVELS`, were they normal."""
    return {
        f"{level:g}": float(np.mean(np.abs(residuals) <= norm.ppf((1 + level) / 2) * spreads))
        for level in LEVELS
    }


def reliability(
    residuals: Float[np.ndarray, "atoms components"],
    spreads: Float[np.ndarray, " atoms"],
    grades: Float[np.ndarray, " atoms"] | None = None,
) -> dict[str, Any]:
    """How well spreads, and grades if given, tell the size of errors.

    Args:
        residuals: Errors of each atom or frame.
        spreads: Calibrated standard deviation of a component.
        grades: Extrapolation grades.

    Returns:
        `coverage` by nominal level, `spearman_spread` and `spearman_grade` (rank correlation with
        the norm of the error); None where there are too few labels.
    """
    errors = np.linalg.norm(residuals, axis=1)
    components = residuals.shape[1]
    result: dict[str, Any] = {
        "labels": int(residuals.size),
        "coverage": coverage(residuals.ravel(), np.repeat(spreads, components))
        if residuals.size
        else None,
        "spearman_spread": _rank_correlation(spreads, errors),
    }
    if grades is not None:
        result["spearman_grade"] = _rank_correlation(grades, errors)
    return result


def _rank_correlation(a: Float[np.ndarray, " n"], b: Float[np.ndarray, " n"]) -> float | None:
    known = np.isfinite(a) & np.isfinite(b)
    a, b = a[known], b[known]
    if len(a) < 3 or np.ptp(a) == 0 or np.ptp(b) == 0:
        return None
    return float(spearmanr(a, b).statistic)
