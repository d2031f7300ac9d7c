"""Times until something happens, where some runs ended before it did.

A run that ended without the event is right-censored: its time is a lower limit. Two estimates that
heed it: that of Kaplan and Meier, which assumes nothing, and a Weibull distribution fitted by
maximum likelihood, whose shape tells how alike the times are (1: at random, like decay; large: all
alike). Both are scipy's; here are medians and their limits, and what is said where nothing
happened.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95
"""Level of all intervals."""


@dataclass(frozen=True)
class Times:
    """Times of runs that began alike.

    Attributes:
        events: Times of those in which it happened (ps).
        censored: How long the others were watched (ps).
    """

    events: tuple[float, ...]
    censored: tuple[float, ...] = ()

    @classmethod
    def of(cls, pairs: Sequence[tuple[float, bool]]) -> Times:
        """From each run's time, and whether it happened then."""
        happened = tuple(time for time, has_happened in pairs if has_happened)
        return cls(happened, tuple(time for time, has_happened in pairs if not has_happened))

    @property
    def count(self) -> int:
        """Number of runs."""
        return len(self.events) + len(self.censored)

    def data(self) -> stats.CensoredData:
        """As scipy takes them."""
        return stats.CensoredData(uncensored=list(self.events), right=list(self.censored))


@dataclass(frozen=True)
class Survival:
    """Part of the runs in which it has not happened yet, after Kaplan and Meier.

    Attributes:
        times: When the part changes, and when runs end (ps).
        part: The part from each of these times on.
        low: Lower limit of it; not a number where there is none.
        high: Upper limit of it.
    """

    times: np.ndarray
    part: np.ndarray
    low: np.ndarray
    high: np.ndarray


@dataclass(frozen=True)
class Median:
    """A median time with its limits.

    Attributes:
        value: The median (ps); infinite if it lies beyond what was seen.
        low: Lower limit (ps).
        high: Upper limit (ps); infinite if it lies beyond what was seen.
    """

    value: float
    low: float
    high: float


def kaplan_meier(times: Times) -> Survival:
    """Kaplan and Meier's estimate, with limits after Greenwood on the scale of log(-log).

    Raises:
        ValueError: If there is no run.

    Source: E. L. Kaplan and P. Meier, J. Am. Stat. Assoc. 53, 457 (1958); `scipy.stats.ecdf`.
    """
    survival = stats.ecdf(times.data()).sf
    if times.events:
        with warnings.catch_warnings(action="ignore"):  # no limits where all or none are left
            interval = survival.confidence_interval(CONFIDENCE, method="log-log")
        low, high = interval.low.probabilities, interval.high.probabilities
    else:
        low = high = np.full(len(survival.quantiles), math.nan)
    return Survival(survival.quantiles, survival.probabilities, low, high)


def median_time(times: Times) -> Median:
    """Median after Kaplan and Meier, with the limits of Brookmeyer and Crowley.

    The median is the first time at which half of the runs, or fewer, are left. Its limits are where
    the limits of the part that is left pass one half. Where nothing happened, the lower limit is
    that of a decay at random (`longest_rate`).

    Source: R. Brookmeyer and J. Crowley, Biometrics 38, 29 (1982).
    """
    if not times.events:
        return Median(math.inf, math.log(2) / longest_rate(times), math.inf)
    curve = kaplan_meier(times)

    def passes(part: np.ndarray) -> float:
        # where the estimate is 0 or 1 scipy's limits are not numbers
        known = np.where(np.isnan(part), curve.part, part)
        below = np.flatnonzero(known <= 0.5 + 1e-12)
        return float(curve.times[below[0]]) if len(below) else math.inf

    return Median(passes(curve.part), passes(curve.low), passes(curve.high))


def longest_rate(times: Times) -> float:
    """Upper limit of the rate (1/ps) if it happens at random, from the time watched in all.

    Source: exact limit of a Poisson process; 3.0 / time at 95 % where nothing happened.
    """
    watched = sum(times.events) + sum(times.censored)
    # one-sided, because where nothing happened there is no lower limit
    return float(stats.chi2.ppf(CONFIDENCE, 2 * len(times.events) + 2) / 2 / watched)


@dataclass(frozen=True)
class Weibull:
    """Weibull distribution of times: exp(-(t / scale)^shape) are left.

    Attributes:
        shape: Exponent.
        scale: Time by which 63 % have happened (ps).
    """

    shape: float
    scale: float

    @property
    def median(self) -> float:
        """Median (ps)."""
        return float(self.scale * math.log(2) ** (1 / self.shape))


def fit_weibull(times: Times) -> Weibull | None:
    """The likeliest one; None where fewer than two runs differ in the time at which it happened."""
    if len(set(times.events)) < 2 or min(times.events) <= 0:
        return None
    shape, _, scale = stats.weibull_min.fit(times.data(), floc=0)
    return Weibull(float(shape), float(scale))


def are_different(one: Times, other: Times) -> float:
    """Probability that times as different as these come from the same distribution.

    Source: log-rank test, `scipy.stats.logrank`.
    """
    if not one.events and not other.events:
        return 1.0
    with np.errstate(invalid="ignore"):
        chance = float(stats.logrank(one.data(), other.data()).pvalue)
    return 1.0 if math.isnan(chance) else chance  # it is where all happened at the same time
