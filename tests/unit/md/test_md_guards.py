"""Guards: each finds what it is for, names it, and lets a sane state pass."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import NamedTuple

import ase.io
import numpy as np
import pytest
from ase.build import bulk
from md_models import COPPER, copper, settings
from md_runs import HEATED, same_run

from limlff.errors import GuardStop, InputError
from limlff.md.config import Guards
from limlff.md.guards.checks import find_violation, too_many_neighbors
from limlff.md.guards.violation import Snapshot
from limlff.md.guards.watch import UncertaintyWatch
from limlff.md.output.checkpoint import checkpoint_files, read_checkpoint
from limlff.md.output.checkpoint_faults import find_fault
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.runner import run_md
from limlff.md.simulation.start import checkpoint_of, first_checkpoint, start_simulation
from limlff.md.system.state import initial_state
from limlff.md.system.structure import Structure
from limlff.units import BOLTZMANN


def snapshot_of_lithium(**changes) -> Snapshot:
    """Sixteen Li atoms at rest in two empty slots more."""
    atoms = bulk("Li", "bcc", a=3.44, cubic=True).repeat(2)
    structure = Structure(atoms.numbers, atoms.get_masses(), np.ones(16), np.ones(16), atoms.pbc)
    padded = np.zeros((18, 3))
    padded[:16] = atoms.positions
    key = np.array([0, 1], np.uint32)
    state = initial_state(padded, np.zeros((18, 3)), atoms.cell.array, key, 0)
    return replace(Snapshot(state, structure, settings(timestep_fs=2.0), -30.0, -30.0), **changes)


def with_row(sane: Snapshot, name: str, row: int, value) -> Snapshot:
    values = np.array(getattr(sane.state, name))
    values[row] = value
    return replace(sane, state=replace(sane.state, **{name: values}))


def moved(sane: Snapshot, row: int, place) -> Snapshot:
    return with_row(sane, "positions", row, place)


def test_sane_state_passes():
    assert find_violation(snapshot_of_lithium()) is None


@pytest.mark.parametrize(
    ("spoil", "words", "atoms"),
    [
        (lambda s: with_row(s, "forces", 3, np.nan), "forces of Li 3 is not finite", (3,)),
        (lambda s: with_row(s, "momenta", 5, np.inf), "momenta of Li 5 is not finite", (5,)),
        (
            lambda s: replace(s, state=replace(s.state, energy=np.float64("nan"))),
            "energy is not finite",
            (),
        ),
        (
            lambda s: with_row(s, "forces", 9, [0, 0, 101.0]),
            "force on Li 9 is 101 eV/Å, above guards.max_force_ev_per_angstrom = 100",
            (9,),
        ),
        (lambda s: replace(s, conserved=-24.0), "jumped by 0.375 eV/atom", (0,)),
    ],
)
def test_each_guard_names_value_limit_and_atoms(spoil, words, atoms):
    violation = find_violation(spoil(snapshot_of_lithium()))
    assert words in violation.sentence
    assert violation.atoms[: len(atoms)] == atoms


@pytest.mark.parametrize(("distance", "stopped"), [(1.27, True), (1.29, False)])
def test_pairs_may_not_be_closer_than_half_the_sum_of_their_radii(distance, stopped):
    """Covalent radius of Li: 1.28 Å (Cordero 2008); also across the boundary and far outside."""
    sane = snapshot_of_lithium()
    cell = np.asarray(sane.state.cell)
    first = np.asarray(sane.state.positions)[0]
    for shift in (0, 1, -7):
        violation = find_violation(moved(sane, 1, first + [0, 0, distance] + shift * cell[0]))
        assert (violation is not None) is stopped
        if violation:
            assert "Li 0 and Li 1 are 1.27 Å apart" in violation.sentence
            assert violation.atoms == (0, 1)


def test_distance_guard_can_be_set_and_switched_off():
    sane = snapshot_of_lithium()
    near = moved(sane, 1, np.asarray(sane.state.positions)[0] + [0, 0, 1.5])
    for limit, stopped in ((1.6, True), (1.4, False), (0.0, False)):
        guards = Guards(min_distance_angstrom=limit)
        config = sane.config.model_copy(update={"guards": guards})
        assert (find_violation(replace(near, config=config)) is not None) is stopped


def test_fast_atom_is_stopped_by_its_way_and_a_hot_crystal_by_its_temperature():
    sane = snapshot_of_lithium()
    mass = sane.structure.masses[0]
    way = 0.51 / (2.0 * 0.09822694743391454)  # per step of 2 fs in units of sqrt(amu Å²/eV)
    violation = find_violation(with_row(sane, "momenta", 4, [mass * way, 0, 0]))
    assert "Li 4 moves by 0.51 Å in one step" in violation.sentence
    momenta = np.zeros((18, 3))
    momenta[:16] = np.sqrt(mass * BOLTZMANN * 11_000.0 * 45 / 48)
    violation = find_violation(replace(sane, state=replace(sane.state, momenta=momenta)))
    assert "temperature is 11000 K, above guards.max_temperature_k = 10000" in violation.sentence


def test_collapse_is_seen_from_the_number_of_neighbors():
    counts = np.full(16, 60)
    assert too_many_neighbors(counts, snapshot_of_lithium()) is None
    counts[6] = 501
    violation = too_many_neighbors(counts, snapshot_of_lithium())
    assert "Li 6 has 501 neighbors" in violation.sentence


@dataclass
class Told:
    """An assessment with the given grades."""

    grade: np.ndarray
    force_spread: np.ndarray
    energy_spread: np.ndarray


def watch_of(history: dict[int, dict[int, float]], **limits) -> UncertaintyWatch:
    """A watch that is told, step by step, the grades of some of four atoms."""
    steps = iter(sorted(history))

    def assess(species, positions, cell, neighbors):
        grade = np.full(6, 0.5)
        for atom, value in history[next(steps)].items():
            grade[atom] = value
        return Told(grade, 0.1 * grade, np.zeros(6))

    guards = Guards(uncertainty_every=10, **limits)
    return UncertaintyWatch(assess, guards, np.full(4, -1, np.int64))


def examine(watch: UncertaintyWatch, step: int):
    unused = np.zeros((6, 3))
    return watch.examine(step, np.zeros(6), unused, np.eye(3), None, np.array([3, 3, 29, 3]))


def test_only_an_atom_that_stays_uncertain_stops_the_run():
    """Atom 1 comes back in time, atom 2 stays above for 20 steps; empty slots do not count."""
    history = {0: {1: 3, 5: 99}, 10: {1: 3, 2: 2.5}, 20: {2: 4}, 30: {2: 2.1, 1: 9}}
    watch = watch_of(history, max_grade=2.0, uncertain_for_steps=20)
    assert [examine(watch, step) for step in (0, 10, 20)] == [None] * 3
    assert watch.above_since.tolist() == [-1, -1, 10, -1]
    violation = examine(watch, 30)
    assert violation.atoms == (2,)
    assert (
        "Cu 2 left what the potential was trained on (extrapolation grade 2.1" in violation.sentence
    )
    assert "guards.max_grade = 2) since step 10" in violation.sentence


def test_spread_and_values_that_are_no_number_count_too():
    watch = watch_of({0: {0: 5.0}}, max_force_spread_ev_per_angstrom=0.4, uncertain_for_steps=0)
    assert "force spread 0.5 eV/Å" in examine(watch, 0).sentence
    watch = watch_of({0: {3: np.nan}}, max_grade=2.0, uncertain_for_steps=0)
    assert examine(watch, 0).atoms == (3,)


def test_highest_uncertainty_is_told_with_step_and_atom_and_of_equal_ones_the_first():
    history = {10: {2: 0.7}, 20: {1: 3.0}, 30: {2: 3.0, 5: 99}, 40: {3: np.nan}}
    watch = watch_of(history, max_grade=9.0, uncertain_for_steps=0)
    assert watch.seen.as_json() == {}
    for step in (10, 20, 30):
        assert examine(watch, step) is None
    found = watch.seen.as_json()["highest_uncertainty"]
    assert found["assessed_since_step"] == 10
    assert found["grade"] == {"value": 3.0, "step": 20, "atom": 1, "element": "Li"}
    assert found["force_spread_ev_per_angstrom"]["value"] == pytest.approx(0.3)
    before = watch.above_since, watch.highest
    assert examine(watch, 40).atoms == (3,)
    strangest = watch.seen.as_json()["highest_uncertainty"]["grade"]
    assert strangest == {"value": None, "step": 40, "atom": 3, "element": "Li"}
    assert (watch.above_since, watch.highest) == before  # the checkpoint is of the state before


def test_highest_uncertainty_goes_on_from_a_checkpoint_but_not_with_another_potential():
    config, places = settings(), np.array([[3, 7, 29], [5, 1, 29]])
    first = first_checkpoint(config, copper(), COPPER)
    values = np.array([1.5, np.inf])
    held = {"assessed_since": np.array(2), "highest_values": values, "highest_places": places}
    kept = checkpoint_of(start_simulation(replace(first, **held), config, COPPER))
    assert all(np.array_equal(getattr(kept, name), value) for name, value in held.items())
    other = replace(COPPER, baseline=COPPER.baseline + 1.0)
    assert start_simulation(replace(first, **held), config, other).watch.seen.as_json() == {}


def test_memory_follows_atoms_that_come_and_go():
    watch = watch_of({}, max_grade=1.0)
    watch.above_since = np.array([5, -1, 7, -1])
    watch.resized(np.array([0, 2, 3]), 5)
    assert watch.above_since.tolist() == [5, 7, -1, -1, -1]


class TracedTold(NamedTuple):
    """The same in a form that compiled functions return."""

    grade: np.ndarray
    force_spread: np.ndarray
    energy_spread: np.ndarray


@pytest.fixture
def told_grades(monkeypatch):
    """A potential that calls atom 7 strange from step 30 on, by its displacement in time."""

    def assess(predictor, species, positions, cell, neighbors):
        import jax.numpy as jnp

        start = jnp.asarray(copper().positions)
        ways = jnp.linalg.norm(positions[: len(start)] - start, axis=1)
        return TracedTold(100 * ways[7] * jnp.arange(32) / 7, 0 * ways, 0 * ways)

    known = SimpleNamespace(assess=assess, available=lambda potential: True)
    monkeypatch.setitem(sys.modules, "limlff.uncertainty", known)
    monkeypatch.setattr("limlff.uncertainty", known, raising=False)


def test_run_stops_where_atoms_stay_strange_and_goes_on_if_told(tmp_path, told_grades):
    """The stop is at a multiple of the interval, and the same after a resume."""
    output = {"trajectory_every": 10, "checkpoint_every": 20}
    changes = {"steps": 60, "ensemble": {"kind": "nvt_langevin"}, "output": output}
    guards = {"max_grade": 2.0, "uncertain_for_steps": 20, "uncertainty_every": 10}
    out = tmp_path / "run"
    with pytest.raises(GuardStop) as first:
        run_md(settings(guards=guards, **changes), out, copper(), COPPER, progress=False)
    stop = first.value.stop
    assert (stop.guard, stop.atoms[0], stop.limit) == ("max_grade", 31, 2.0) and stop.value > 2
    assert "Cu 31" in str(first.value) and "resume with the new potential" in str(first.value)
    frame, cells = (
        ase.io.read(out / "offending.extxyz"),
        ase.io.read(out / "extrapolation.extxyz", ":"),
    )
    assert frame.info["step"] % 10 == 0 and len(frame) == 32
    assert cells[0].info["atom"] == 31
    newest = read_checkpoint(checkpoint_files(out / "checkpoints")[-1])
    assert newest.step < stop.step and find_fault(newest) is None
    told = json.loads((out / "summary.json").read_text())["highest_uncertainty"]["grade"]
    assert told == {"value": stop.value, "step": stop.step, "atom": 31, "element": "Cu"}
    with pytest.raises(GuardStop) as again:
        resume_md(out, COPPER, progress=False)
    assert str(again.value) == str(first.value)
    result = resume_md(out, COPPER, progress=False, overrides=["guards.max_grade=1e9"])
    with Trajectory(out / "trajectory.h5") as trajectory:
        frames = [trajectory[i] for i in range(1, len(trajectory))]
    start = copper().positions[7]
    grades = [100 * np.linalg.norm(frame.positions[7] - start) * 31 / 7 for frame in frames]
    highest = result.summary["highest_uncertainty"]
    assert highest["assessed_since_step"] == 10 and len(frames) == 6
    assert highest["grade"]["value"] == pytest.approx(max(grades), rel=1e-4)
    assert highest["grade"]["step"] == frames[int(np.argmax(grades))].step
    # a chunk ends at every assessment, which must not change a bit
    plain = run_md(settings(**changes), tmp_path / "plain", copper(), COPPER, progress=False)
    same_run(plain.folder, out)


def test_limit_on_a_potential_that_cannot_tell_is_refused(tmp_path):
    with pytest.raises(InputError, match="cannot tell its uncertainty"):
        run_md(settings(guards={"max_grade": 2.0}), tmp_path, copper(), COPPER, progress=False)


def test_state_that_a_guard_refuses_leaves_the_last_good_one(tmp_path):
    """The first bad step is found: a limit on the way of an atom, crossed once within a chunk."""
    config = settings(**HEATED)
    with pytest.raises(GuardStop, match=r"moves by 0\.02\d+ Å in one step") as stopped:
        run_md(config, tmp_path, copper(), COPPER, progress=False)
    frame = ase.io.read(tmp_path / "offending.extxyz")
    last_good = max(int(p.stem[5:]) for p in (tmp_path / "checkpoints").glob("step_*.h5"))
    assert frame.info["step"] == last_good + 1
    assert f"stopped at step {last_good + 1}:" in str(stopped.value)
