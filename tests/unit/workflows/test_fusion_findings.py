"""What is measured of two dendrites, and what is said of published claims, on ones made by hand."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from limlff.md.output.trajectory import TrajectoryFrame
from limlff.structures.dendrite_settings import build_dendrites
from limlff.workflows.fusion.cases import gather
from limlff.workflows.fusion.claims import judge
from limlff.workflows.fusion.config import Criteria, FusionConfig
from limlff.workflows.fusion.events import lasting, what_happened
from limlff.workflows.fusion.landing import Landings, current_windows
from limlff.workflows.fusion.measure import FusionAnalysis
from limlff.workflows.fusion.narrative import summary
from limlff.workflows.fusion.outcome import Outcome
from limlff.workflows.fusion.pair import pair_of, set_down
from limlff.workflows.fusion.plan import FusionRun, plan_runs
from limlff.workflows.reference_crystal import ReferenceCrystal
from limlff.workflows.series import TimeSeries

A = 3.494
CRYSTAL = ReferenceCrystal(A**3 / 2, 0.0)
RULE = Criteria(for_ps=2.0)
WIDE = 16.0  # radius (Å) of dendrites that are crystals inside


def run_of(angle: float = 25.0, **dendrites) -> FusionRun:
    own = {"slab": {"size": [9, 9], "layers": 6}, "gap_angstrom": 3.0,
           "shape": {"kind": "hemisphere", "radius_angstrom": 11}, **dendrites}  # fmt: skip
    settings = FusionConfig.model_validate(
        {"dendrites": own, "misorientations": [{"angle_degrees": angle, "axis": [1, 1, 0]}]}
    )
    return next(iter(plan_runs(settings)))[1]


def frame_of(atoms, time_ps: float = 0.0) -> TrajectoryFrame:
    return TrajectoryFrame(
        step=0, time_fs=1e3 * time_ps, numbers=atoms.numbers, positions=atoms.positions,
        cell=atoms.cell.array, velocities=None, virials=None,
    )  # fmt: skip


@pytest.fixture(scope="module")
def apart():
    run = run_of(
        shape={"kind": "hemisphere", "radius_angstrom": WIDE},
        slab={"size": [12, 12], "layers": 6},
    )
    atoms = build_dendrites(run.dendrites)
    atoms.positions += np.random.default_rng(0).normal(0, 0.1, atoms.positions.shape)
    return run, atoms


def test_facing_tips_are_set_down_without_a_strain(apart):
    run, relaxed = apart
    pair = pair_of(run, build_dendrites(run.dendrites))
    atoms, set_pair = set_down(relaxed, pair, 2.8)
    upper = pair.is_upper
    assert atoms[~upper].positions == pytest.approx(relaxed[~upper].positions)
    lift = atoms.cell[2, 2] - relaxed.cell[2, 2]
    assert -9 < lift < -5
    assert np.ptp((atoms.positions - relaxed.positions)[upper, 2]) < 1e-9
    from scipy.spatial.distance import cdist

    assert cdist(*(atoms.positions[side] for side in (upper, ~upper))).min() == pytest.approx(2.8)
    assert np.diff(set_pair.feet[:, 2]) == pytest.approx(np.diff(pair.feet[:, 2]) + lift, abs=0.1)


def test_a_pair_apart_and_one_pressed_together_are_measured(apart):
    """Apart there is no neck; pressed together it is the circle in which the bodies meet, and the
    boundary between the grains is about as large. The boundary of the foot does not count."""
    run, relaxed = apart
    pair = pair_of(run, build_dendrites(run.dendrites))
    analysis = FusionAnalysis(pair, CRYSTAL, 6.0, 1)
    row = analysis.add(frame_of(relaxed))
    assert row["neck_radius_angstrom"] == row["contact_area_angstrom2"] == 0
    assert row["boundary_area_angstrom2"] == pytest.approx(0, abs=1e-3)
    assert row["enclosed_missing"] == 0
    assert row["misorientation_degrees"] == pytest.approx(25, abs=2.5)
    assert np.isnan(row["disordered_near"]) and np.isnan(row["msd_near"])
    pressed, low = set_down(relaxed, pair, 2.8)
    # 6 Å into each other, without the atoms of the second one that come too near
    pressed.positions[pair.is_upper, 2] -= 6
    pressed.cell[2, 2] -= 6
    low = replace(low, feet=low.feet - [[0, 0, 0], [0, 0, 6]], positions=pressed.positions)
    kept = np.ones(len(pressed), bool)
    first = pressed.positions[pair.members == 1]
    for atom in np.flatnonzero(pair.members == 2):
        kept[atom] = np.linalg.norm(first - pressed.positions[atom], axis=1).min() > 2.4
    trimmed = replace(
        low, members=low.members[kept], is_upper=low.is_upper[kept], positions=low.positions[kept]
    )
    found = FusionAnalysis(trimmed, CRYSTAL, 6.0, 1).add(frame_of(pressed[kept]))
    apart_angstrom = found["feet_apart_angstrom"]
    circle = np.sqrt(WIDE**2 - (apart_angstrom / 2) ** 2)
    assert found["neck_radius_angstrom"] == pytest.approx(circle, abs=1.5)
    assert found["boundary_area_angstrom2"] == pytest.approx(
        found["contact_area_angstrom2"], rel=0.35
    )
    assert found["boundary_atoms"] > 0


def test_what_happened_is_read_from_the_series():
    time = np.arange(12.0)
    neck = np.array([0, 0, 4, 5, 6, 7, 8, 8, 8, 8, 8, 8.0])
    missing = np.array([0, 9, 0, 0, 20, 40, 30, 5, 1, 0, 0, 0.0])  # a frame at 1 ps is no cavity
    series = TimeSeries(time, {"neck_radius_angstrom": neck, "enclosed_missing": missing})
    found = what_happened(series, RULE, 10.0)
    assert (found.touched_ps, found.merged_ps) == (2.0, 5.0)
    assert (found.cavity_ps, found.most_missing, found.most_missing_ps) == (4.0, 40.0, 5.0)
    assert (found.gone_ps, found.is_alive) == (8.0, False)
    cut = TimeSeries(time[:9], {name: each[:9] for name, each in series.columns.items()})
    assert what_happened(cut, RULE, 10.0).is_alive
    assert lasting(time, missing > 100, 1.0) == []


def test_an_arrival_lands_where_it_first_has_neighbors():
    run = run_of(arrangement="facing")
    slab = build_dendrites(run.dendrites)
    landings = Landings(len(slab))
    cell = slab.cell.array
    middle = 0.5 * cell[2, 2]
    for time, height in [(1.0, middle), (2.0, middle), (3.0, 5.2 + 3), (4.0, 5.2 + 1.7)]:
        flying = slab.copy()
        flying.append("Li")
        flying.positions[-1] = [A / 2 + cell[0, 0], A / 2, height]
        landings.follow(frame_of(flying, time))
    (landing,) = landings.all
    assert landing.time_ps >= 3.0 and landing.atom == len(slab)
    assert landing.place == pytest.approx((A / 2 / cell[0, 0], A / 2 / cell[1, 1]))
    windows = current_windows(landings.all, cell, (2, 2), 4.0, 2)
    assert [int(each.current.counts.sum()) for each in windows] == [0, 1]


def outcome(*, merged: bool, missing: list[float], ended: str = "all of it done") -> Outcome:
    run = run_of()
    pair = pair_of(run, build_dendrites(run.dendrites))
    frames = len(missing)
    neck = np.where(np.arange(frames) < 1, 0.0, 9.0 if merged else 4.0)
    columns = dict.fromkeys(
        ("contact_area_angstrom2", "misorientation_degrees", "boundary_area_angstrom2",
         "boundary_atoms", "bcc", "feet_apart_angstrom", "highest_grade"), np.full(frames, 0.5),
    )  # fmt: skip
    columns |= {"neck_radius_angstrom": neck, "enclosed_missing": np.array(missing)}
    columns |= {"share_outside": np.zeros(frames), "atoms": np.full(frames, 900.0)}
    columns |= {"msd_near": np.full(frames, 0.6), "msd_far": np.full(frames, 0.3)}
    columns |= {"disordered_near": np.full(frames, 0.4), "disordered_far": np.full(frames, 0.1)}
    series = TimeSeries(np.arange(float(frames)), columns)
    happened = what_happened(series, RULE, run.radius)
    return Outcome("run", run, pair, CRYSTAL, series, happened, [], ended, 300.0, 0,
                   {"microseconds_per_atom_step": 2.0, "analysis_share": 0.1})  # fmt: skip


def verdicts(*outcomes: Outcome) -> dict[str, str]:
    return {claim.text: claim.verdict for claim in judge(gather(outcomes))}


HEALED = [0, 0, 20, 20, 20, 0, 0, 0]
OPEN = [0] * 8
ALIVE = [0, 0, 20, 20, 20, 20, 20, 20]
MERGE, FORM, VANISH, FLUID = (
    "Dendrites that touch merge into one.",
    "A cavity forms between them.",
    "The cavity vanishes.",
    "Lithium where they join is less ordered and more fluid than elsewhere.",
)


def test_claims_are_judged_by_the_share_of_runs():
    found = verdicts(*(outcome(merged=True, missing=HEALED) for _ in range(3)))
    assert found == {MERGE: "agrees", FORM: "agrees", VANISH: "agrees", FLUID: "agrees"}
    mixed = verdicts(outcome(merged=True, missing=ALIVE), outcome(merged=False, missing=OPEN))
    assert (mixed[MERGE], mixed[FORM], mixed[VANISH]) == (
        "agrees in part", "agrees in part", "disagrees"
    )  # fmt: skip
    assert verdicts(outcome(merged=False, missing=OPEN))[VANISH] == "not tested"


def test_a_run_that_was_cut_short_does_not_say_what_did_not_happen():
    short = outcome(merged=False, missing=ALIVE, ended="out of time")
    found = verdicts(short)
    assert found[MERGE] == found[VANISH] == "not tested"
    assert found[FORM] == "agrees"


def test_the_summary_begins_with_trust_and_says_what_became_of_them():
    words = summary([outcome(merged=True, missing=HEALED)])
    assert words.startswith("The highest extrapolation grade of an atom was 0.50")
    assert "Turned by 25° about [1 1 0], 1 run: 1 merged" in words
    assert "of 20 missing atoms at most, and in 1 it was gone at the end" in words
