"""What a sweep says of published claims, on made-up runs whose answer is known."""

from __future__ import annotations

import json
import math
from dataclasses import replace

import numpy as np
import pytest

from limlff.structures.void import Hole
from limlff.workflows.as_json import as_json
from limlff.workflows.healing.analysis import RunSeries
from limlff.workflows.healing.cases import ending, gather
from limlff.workflows.healing.config import HealingConfig
from limlff.workflows.healing.extrapolation import in_time
from limlff.workflows.healing.healing_claims import judge
from limlff.workflows.healing.healing_forecast import Trial, told
from limlff.workflows.healing.outcome import Outcome, PerfectCrystal
from limlff.workflows.healing.plan import plan_runs
from limlff.workflows.healing.study import HealingStudy
from limlff.workflows.runs import _length_side_by_side

SETTINGS = HealingConfig.model_validate(
    {
        "sweep": {"missing_atoms": [80, 600], "seeds": 4, "sites_per_missing_atom": 8},
        "pressures_gpa": [0.0, 1.0],
        "dynamics": {"duration_ps": 50, "frame_every_ps": 0.5},
    }
)
SMALL, LARGE = {0.0: (5, 6, 7, 8), 1.0: (1, 2, 1.5, 2.5)}, {0.0: (), 1.0: (20, 22, 25, 30)}


def outcome(name, run, closed: float | None, rim: float = 3.0) -> Outcome:
    """A run whose hole closes at a time, with atoms at the rim that go so far (Å^2)."""
    time = np.arange(0, (50 if closed is None else closed + 13) + 0.25, 0.5)
    open_still = np.ones_like(time, bool) if closed is None else time < closed
    near = np.where(open_still, 0.5, 0.02)
    near[0] = 0.1
    columns = {
        "missing_atoms": np.where(open_still, run.hole.missing_atoms, 0.0),
        "disordered_near": near,
        "bcc_all": np.full_like(time, 0.7),
        "disordered_all": np.full_like(time, 0.1),
    }
    lag = time[2:] - 0.5
    late = 9.0 if closed is None else np.where(lag - 1 > closed, 99.0, 1.0)
    seed = 0.1 * run.seed
    msd = {
        "disordered_rim": np.full_like(lag, rim + seed) * np.where(late == 99, 99, 1),
        "bcc_rim": np.full_like(lag, 1.2),
        "bcc": np.full_like(lag, 1.0),
    }
    return Outcome(
        name=f"hole-{name}",
        run=run,
        crystal=PerfectCrystal(20.5, 0.01, 1.0, 1.0),
        hole=Hole(np.full(3, 0.5), run.hole.missing_atoms, 8.0),
        series=RunSeries(time, columns, lag, msd, {"near": 0.0, "far": 0.0}, []),
        closed_at_ps=closed,
        ended="hole closed" if closed else "duration reached",
        speed=2.0,
        atoms=1000,
    )


def outcomes(small: dict, large: dict, **options: float) -> list[Outcome]:
    found = []
    for name, run in plan_runs(SETTINGS):
        times = (small if run.hole.missing_atoms == 80 else large)[run.pressure_gpa]
        closed = times[run.seed - 1] if len(times) >= run.seed else None
        found.append(outcome(name, run, closed, **options))
    return found


def verdicts(found: list[Outcome]) -> list[str]:
    return [claim.verdict for claim in judge(gather(found))]


def test_runs_as_published_agree_with_all_claims():
    assert verdicts(outcomes(SMALL, LARGE)) == ["agrees"] * 4


def test_runs_that_contradict_disagree():
    same = {0.0: (5, 6, 7, 8), 1.0: (5.5, 6.5, 7.5, 8.5)}
    found = verdicts(outcomes(same, {0.0: (20, 22, 25, 30), 1.0: ()}, rim=0.5))
    assert found[:3] == ["disagrees"] * 3


def test_shorter_times_that_may_be_chance_agree_in_part():
    maybe = {0.0: (5, 6, 7, 8), 1.0: (4.5, 5.5, 6.5, 8.5)}
    assert verdicts(outcomes(maybe, LARGE))[0] == "agrees in part"


def test_large_holes_without_pressure_among_the_runs_are_not_judged():
    pressed = [each for each in outcomes(SMALL, LARGE) if each.pressure_gpa > 0]
    assert verdicts(pressed)[:2] == ["not tested"] * 2


def test_runs_cut_short_say_nothing_of_large_holes_but_how_long_they_were_open():
    found = [
        replace(each, ended="out of time") if each.closed_at_ps is None else each
        for each in outcomes(SMALL, LARGE)
    ]
    assert verdicts(found)[1] == "not tested"
    assert gather(found)[2].times.censored == (50.0,) * 4


def test_hole_that_closes_too_late_to_be_sure_was_open_until_then():
    run = next(each for each in outcomes(SMALL, LARGE) if each.closed_at_ps is None)
    late = run.series.columns["missing_atoms"].copy()
    late[run.series.time_ps >= 48.5] = 1.0
    series = replace(run.series, columns={**run.series.columns, "missing_atoms": late})
    assert ending(replace(run, series=series)) == (48.0, False)


def test_displacements_count_only_while_the_hole_is_open():
    """After closing the made-up rim goes 99 times as far."""
    run = next(each for each in outcomes(SMALL, LARGE) if each.closed_at_ps == 5)
    assert run.rim_msd("disordered_rim") == pytest.approx(3.1)


def test_findings_go_into_the_numbers():
    found = HealingStudy().findings(SETTINGS, outcomes(SMALL, LARGE))
    content = json.loads(json.dumps(as_json(found), allow_nan=False))
    by_kind = {(case["missing_atoms"], case["pressure_gpa"]): case for case in content["cases"]}
    assert by_kind[80, 0.0]["median_ps"] == 6.0
    assert by_kind[600, 0.0]["median_ps"] is None  # beyond what was seen
    assert by_kind[600, 0.0]["open_until_ps"] == [50.0] * 4
    radius = (3 * 80 * 20.5 / (4 * math.pi)) ** (1 / 3)
    assert by_kind[80, 0.0]["radius_angstrom"] == pytest.approx(radius)
    assert by_kind[80, 0.0]["laplace_pressure_gpa"] == pytest.approx(20 * 0.474 / radius)
    law = content["rate_law"]
    assert law["closed"] == 12 and law["runs"] == 16
    assert len(law["times_in_cells"]) == 16
    assert len(content["claims"]) == 4


def test_times_are_told_in_the_unit_that_suits_them():
    assert in_time(math.log(2.0)) == "2 ps"
    assert in_time(math.log(3e12)) == "3 s"
    assert in_time(math.log(3.156e7 * 5e12)) == "5 years"
    assert in_time(math.inf) == "never"


def test_forecast_adds_up_steps_and_frames():
    """1 µs for each atom and step, 0.1 ms for each atom and frame; two processes."""
    runs = [run for _, run in plan_runs(SETTINGS)]
    steps = 8 * 1024 * 25_000 + 2 * 1024 * 4_000 + 8 * 5488 * 25_000 + 2 * 5488 * 4_000
    assert sum(run.atom_steps for run in runs) == steps
    seconds = 1e-6 * steps + 1e-4 * 8 * (1024 + 5488) * 101
    words = told(SETTINGS, runs, Trial(1e-6, 1e-4, 500.0))
    assert f"at most {seconds / 60:.1f} min of one core" in words
    assert f"{seconds / 120:.1f} min with 2 processes" in words
    assert "up to 0.6 GB" in words  # 500 MB and 150 bytes for each atom and frame


def test_large_runs_get_more_of_the_time_and_all_fit_into_it():
    """Shares of equal runs are as ever; of unequal ones the last ends when time is up."""
    assert _length_side_by_side([1.0] * 5, 2) == 3.0
    assert _length_side_by_side([1.0, 4.0, 1.0, 1.0], 2) == 4.0
    assert _length_side_by_side([2.0, 3.0], 1) == 5.0
