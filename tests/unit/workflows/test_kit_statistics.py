"""What studies share beside running: costs, spreads over runs, verdicts, surroundings to label."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.workflows.claims import verdict_of
from limlff.workflows.costs import Costs, add_costs
from limlff.workflows.grades import Stranger
from limlff.workflows.statistics import Spread
from limlff.workflows.uncertain import worst_by_time


def test_the_worst_surroundings_of_every_part_of_a_run_are_cut_out():
    found = [Stranger(frame, 0, grade) for frame, grade in enumerate([1.1, 1.4, 1.2, 3.0, 1.3])]
    assert [each.frame for each in worst_by_time(found, 2)] == [1, 3]
    assert worst_by_time([], 3) == [] and len(worst_by_time(found, 9)) == 5


def test_costs_of_several_processes_are_added(tmp_path):
    first = add_costs(tmp_path, Costs(10.0, 100, 12.0, 1.0), resume=False)
    assert (first.seconds_per_step, first.analysis_share) == (0.1, 1 / 12)
    both = add_costs(tmp_path, Costs(0.0, 0, 4.0, 3.0), resume=True)
    assert (both.seconds_per_step, both.analysis_share) == (0.1, 0.25)
    assert np.isnan(add_costs(tmp_path, Costs(), resume=False).analysis_share)


def test_spread_leaves_out_what_is_no_number():
    spread = Spread.of([1.0, 3.0, np.nan])
    assert (spread.mean, spread.deviation, spread.count) == (2.0, pytest.approx(np.sqrt(2)), 2)
    assert np.isnan(Spread.of([1.0]).deviation)


def test_verdicts_have_a_middle_and_say_nothing_of_what_is_not_known():
    values = [0.9, 0.5, 0.2, np.nan]
    found = [verdict_of(value, holds=2 / 3, fails=1 / 3) for value in values]
    assert found == ["agrees", "agrees in part", "disagrees", "not tested"]
