"""Survival analysis against examples worked by hand and exact limits."""

import math

import numpy as np
import pytest

from limlff.analysis.survival import (
    Times,
    are_different,
    fit_weibull,
    kaplan_meier,
    longest_rate,
    median_time,
)


def test_kaplan_meier_is_that_worked_by_hand():
    """Six runs; those that end early count among the runs at risk as long as they were watched.

    At 1: 5/6 are left. 2 ends unseen. At 3: 5/6 x 3/4. 4 ends unseen. At 5: times 1/2. 6: times 1.
    """
    curve = kaplan_meier(Times((1.0, 3.0, 5.0), (2.0, 4.0, 6.0)))
    expected = {1: 5 / 6, 2: 5 / 6, 3: 5 / 8, 4: 5 / 8, 5: 5 / 16, 6: 5 / 16}
    assert dict(zip(curve.times, curve.part, strict=True)) == pytest.approx(expected)
    # Greenwood at 3: sum d / (n (n - d)) = 1/30 + 1/12; on the scale of log(-log)
    spread = math.sqrt(1 / 30 + 1 / 12) / abs(math.log(5 / 8))
    low = (5 / 8) ** math.exp(1.959964 * spread)
    high = (5 / 8) ** math.exp(-1.959964 * spread)
    assert (curve.low[2], curve.high[2]) == pytest.approx((low, high), rel=1e-5)


def test_median_and_its_limits_are_read_off_the_curve():
    times = Times((1.0, 3.0, 5.0), (2.0, 4.0, 6.0))
    median = median_time(times)
    assert median.value == 5.0
    assert median.low == 1.0  # there the lower limit is (5/6)^exp(1.96 sqrt(1/30) / ln(6/5)) = 0.27
    assert math.isinf(median.high)
    assert median_time(Times((2.0, 4.0, 6.0))).value == 4.0


def test_what_never_happened_has_a_lower_limit_only():
    """Nothing in 300 ps: the rate is below -ln(0.05) / 300 ps at 95 %."""
    times = Times((), (100.0, 200.0))
    assert longest_rate(times) == pytest.approx(-math.log(0.05) / 300)
    median = median_time(times)
    assert math.isinf(median.value) and math.isinf(median.high)
    assert median.low == pytest.approx(300 * math.log(2) / -math.log(0.05))


def test_weibull_is_found_in_times_of_which_a_third_are_cut_short():
    rng = np.random.default_rng(0)
    drawn = 50 * rng.weibull(3.0, 2000)
    end = float(np.quantile(drawn, 2 / 3))
    found = fit_weibull(Times.of([(min(t, end), t <= end) for t in drawn]))
    assert found.shape == pytest.approx(3, rel=0.05)
    assert found.scale == pytest.approx(50, rel=0.02)
    assert found.median == pytest.approx(50 * math.log(2) ** (1 / 3), rel=0.02)
    assert fit_weibull(Times((5.0,), (9.0,))) is None


def test_runs_of_two_kinds_are_told_apart_only_if_they_differ():
    short, long = Times((1.0, 1.2, 1.4, 1.6)), Times((9.0, 9.5), (12.0, 12.0))
    assert are_different(short, long) < 0.02
    assert are_different(short, Times((1.1, 1.3, 1.5, 1.7))) > 0.3
    assert are_different(Times((), (5.0,)), Times((), (9.0,))) == 1.0
    assert are_different(Times((1.0, 1.0)), Times((1.0, 1.0))) == 1.0
