"""When atoms come and go: rates in three units, equal intervals and Poisson processes."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from ase.build import fcc100
from event_runs import DEPOSIT, population, run, slab
from made_up_run import checkpoint
from md_models import COPPER, settings
from md_runs import same_run
from pydantic import ValidationError
from scipy import stats

from limlff.errors import InputError
from limlff.md.arrival_rate import rate_of
from limlff.md.config import Deposit, MDConfig, Strip
from limlff.md.output.checkpoint_faults import find_fault
from limlff.md.resume import resume_md
from limlff.md.simulation.arrivals import EventClock, PoissonProcess, timetables
from limlff.md.simulation.check_events import check_events
from limlff.md.simulation.events import apply_due, apply_event
from limlff.md.system.check_structure import check_structure

AREA = 2500.0  # Å^2


def deposit(**changes) -> dict:
    return {"kind": "deposit", "element": "Cu", **changes}


def clock_of(*events: dict, steps: int = 1000, **changes) -> EventClock:
    config = settings(steps=steps, timestep_fs=2.0, events=list(events), **changes)
    return EventClock(timetables(config, AREA))


def steps_of(clock: EventClock, until: int) -> list[list[int]]:
    """All steps of each event, found as a run finds them: from one step with events to the next."""
    found: list[list[int]] = [[] for _ in clock.timetables]
    while (step := clock.next_step()) is not None and step <= until:
        due = clock.due(step)
        assert due
        for index in due:
            found[index].append(step)
            clock.counts[index] += 1
    return found


def test_rate_is_the_same_in_all_units():
    """1 mA/cm² is 6.2415e-10 Li/Å²/ns; one Li per ps on 50 x 50 Å is 6.4e5 A/cm²."""
    rate = rate_of(Deposit(element="Li", every=500), 2.0, AREA)
    assert rate.every_steps == 500
    assert rate.atoms_per_ns == pytest.approx(1000.0)
    assert rate.current_density_ma_per_cm2 == pytest.approx(1000 / AREA / 6.2415e-10, rel=1e-5)
    assert rate.current_density_ma_per_cm2 == pytest.approx(6.4e8, rel=0.005)
    for given in ("atoms_per_ns", "current_density_ma_per_cm2"):
        event = Strip(element="Li", **{given: getattr(rate, given)})
        again = rate_of(event, 2.0, AREA)
        assert again.every_steps == pytest.approx(500.0, rel=1e-12)
        assert again.atoms_per_ns == pytest.approx(1000.0, rel=1e-12)


def test_sentence_says_how_far_from_an_experiment_a_rate_is():
    fast = str(rate_of(Deposit(element="Li", every=500), 2.0, AREA))
    assert "every 500 steps, or 1000 atoms/ns" in fast and "6.41e+08 mA/cm²" in fast
    assert "6.4e+07 to 6.4e+08 times faster than the 1 to 10 mA/cm²" in fast
    assert fast.endswith(".") and ". " not in fast and "\n" not in fast  # one sentence
    real = Deposit(element="Li", current_density_ma_per_cm2=5.0)
    assert "as fast as the 1 to 10 mA/cm²" in str(rate_of(real, 2.0, AREA))
    slow = Deposit(element="Li", current_density_ma_per_cm2=0.1)
    assert "10 to 1e+02 times slower than" in str(rate_of(slow, 2.0, AREA))


def test_equal_intervals_do_not_drift_if_they_are_no_whole_number_of_steps():
    """700 atoms/ns at 2 fs are one every 714.2857 steps."""
    (steps,) = steps_of(clock_of(deposit(atoms_per_ns=700.0)), 500_000)
    assert len(steps) == 700
    exact = 500_000 / 700 * np.arange(1, 701)
    assert np.abs(np.array(steps) - exact).max() <= 0.5


def test_first_and_last_hold_for_rates_in_any_unit():
    (steps,) = steps_of(clock_of(deposit(atoms_per_ns=50_000.0, first=3, last=43)), 1000)
    assert steps == [3, 13, 23, 33, 43]
    (steps,) = steps_of(clock_of(deposit(every=10, arrivals="poisson", first=500, last=600)), 10**6)
    assert 1 < len(steps) < 30 and steps[0] >= 500 and steps[-1] <= 600


def test_waiting_times_of_a_poisson_process_are_exponential_and_their_number_is_poisson():
    clock = clock_of(deposit(every=1000, arrivals="poisson"), seed=3)
    (steps,) = steps_of(clock, 4_000_000)
    waits = np.diff([0, *steps])
    assert stats.kstest(waits, "expon", args=(0, 1000)).pvalue > 0.01
    assert len(steps) == pytest.approx(4000, abs=4 * np.sqrt(4000))
    counts = np.bincount(np.array(steps) // 10_000, minlength=400)[:400]
    assert counts.var() / counts.mean() == pytest.approx(1.0, abs=0.3)  # 0 for equal intervals


def test_poisson_process_goes_on_from_any_count_and_differs_by_seed_and_place():
    def times(index, seed=7, first_asked=0):
        events = [deposit(every=50, arrivals="poisson")] * 2
        table = clock_of(*events, seed=seed).timetables[index]
        table.step_of(first_asked)  # as a resumed run, which asks for the next one at once
        return [table.step_of(count) for count in range(40)]

    assert times(0) == times(0, first_asked=25)
    assert len({tuple(each) for each in (times(0), times(1), times(0, seed=8))}) == 3


def test_atoms_that_arrive_at_one_step_come_in_the_order_of_the_settings_to_places_of_their_own():
    """Twice the first event, then the second; the new atoms keep their distance to each other."""
    events = [
        Deposit(element="Cu", every=10, min_distance_angstrom=2.2),
        Strip(element="Cu", every=7),
    ]
    config = settings(steps=100, events=[event.model_dump() for event in events])
    crowd = PoissonProcess(5, 0.01, None, np.random.default_rng(0))
    assert EventClock((crowd,)).due(5)[:3] == [0, 0, 0]
    grown = apply_due([0, 0], 5, population(slab()), config)
    one, two = grown.positions[-2:]
    assert len(grown.structure) == 38 and np.linalg.norm(one - two) >= 2.2
    again = apply_event(events[0], 0, 5, population(slab()), config)
    assert np.array_equal(again.positions[-1], one)
    both = apply_due([0, 0, 1], 5, population(slab()), config)
    assert len(both.structure) == 37  # both are equally high, of which the first one goes
    assert np.array_equal(both.positions, np.delete(grown.positions, -2, axis=0))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, "exactly one of every, atoms_per_ns, current_density_ma_per_cm2; given: none"),
        ({"every": 5, "atoms_per_ns": 5.0}, "given: every, atoms_per_ns"),
        ({"every": 50, "last": 40}, "never happens: last is 40, but the first is at 50"),
        ({"atoms_per_ns": 5.0, "first": 50, "last": 40}, "never happens"),
        ({"every": 5, "arrivals": "often"}, "arrivals"),
    ],
)
def test_rate_that_says_too_little_or_too_much_is_refused(changes, words):
    with pytest.raises(ValidationError, match=words):
        MDConfig.model_validate({"steps": 10, "events": [deposit(**changes)]})


def test_rate_beyond_one_atom_per_step_is_refused_and_one_that_never_comes_is_said(caplog):
    def check(**changes):
        atoms = fcc100("Cu", (2, 2, 3), a=3.66, vacuum=10.0)
        config = settings(steps=1000, events=[deposit(**changes)])
        check_events(config, check_structure(atoms, config), atoms, COPPER)

    with pytest.raises(InputError, match=r"events\.0: 1e\+06 atoms/ns are one every 0\.5 steps"):
        check(atoms_per_ns=1e6)
    check(current_density_ma_per_cm2=1.0)  # one in 6e8 steps
    assert "events.0: the first is at step" in caplog.text
    caplog.clear()
    check(atoms_per_ns=1.0, last=900)
    assert "never happens, because the first one would be after 'last' at step 900" in caplog.text


@pytest.mark.parametrize("arrivals", ["fixed", "poisson"])
def test_checkpoint_that_counts_endless_events_is_refused_before_their_times_are_drawn(arrivals):
    config = settings(steps=100, events=[deposit(every=5, arrivals=arrivals)])
    whole = checkpoint(20)
    endless = replace(
        whole,
        state=replace(whole.state, forces_known=np.bool_(True)),
        config=config.model_dump_json(),
        event_counts=np.array([2**60]),
    )
    assert "counts 1152921504606846976 events at step 20" in str(find_fault(endless))


PLATING = {
    "ensemble": {"kind": "nvt_langevin", "friction_on": {"below_z_angstrom": 24.0}},
    "frozen": {"below_z_angstrom": 21.0},
    "lid": {"above_highest_angstrom": 0.3},
    "events": [
        {
            **DEPOSIT,
            "every": 8,
            "arrivals": "poisson",
            "temperature_k": 3000.0,
            "lateral": {"kind": "clustered", "width_angstrom": 2.0},
        },
        {
            "kind": "strip",
            "element": "Cu",
            "current_density_ma_per_cm2": 1.6e12,
            "choice": "least_bound",
            "first": 25,
        },
    ],
    "guards": {"max_energy_jump_ev_per_atom": 10.0},
    "output": {"velocities": True},
}
"""A run with everything at once; its lid is so low that atoms reach it."""


def test_plating_and_stripping_under_a_lid_resume_bit_for_bit(tmp_path):
    """Poisson arrivals, a rate by current density, friction on some atoms, reflections counted."""
    whole, died = tmp_path / "whole", tmp_path / "died"
    done = run(whole, atoms=slab(20.0), initial_temperature_k=3000.0, **PLATING)
    shutil.copytree(whole, died)
    (died / "checkpoints" / f"step_{60:012d}.h5").unlink()
    (died / "summary.json").unlink()
    again = resume_md(died, COPPER, progress=False)
    same_run(whole, died)
    for counter in ("event_counts", "lid_reflections", "atoms"):
        assert again.summary[counter] == done.summary[counter], counter
    arrived, stripped = done.summary["event_counts"]
    assert arrived >= 3 and stripped >= 2 and done.summary["lid_reflections"] >= 1
    assert done.summary["atoms"] == 36 + arrived - stripped
    assert json.loads((died / "summary.json").read_text())["event_counts"] == [arrived, stripped]


def test_many_arrivals_and_departures_cost_a_few_compilations(tmp_path):
    """The number of atoms goes up and down at nearly every step."""
    changes = {**PLATING, "output": {"thermo_every": 400, "trajectory_every": 400}}
    events = [{**PLATING["events"][0], "every": 2}, {**PLATING["events"][1], "first": 50}]
    result = run(tmp_path, atoms=slab(20.0), **{**changes, "events": events}, steps=120)
    assert sum(result.summary["event_counts"]) > 60
    assert result.summary["compilations"] <= 4
