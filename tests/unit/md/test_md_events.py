"""Atoms that come and go during a run."""

from __future__ import annotations

import shutil

import numpy as np
import pytest
from ase import Atoms
from event_runs import DEPOSIT, config_with, population, run, slab
from md_models import COPPER, settings
from md_runs import ENSEMBLES, same_run
from scipy import stats

from limlff.errors import GuardStop, InputError
from limlff.md.config import Deposit, Remove
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.simulation.arrivals import EventClock, timetables
from limlff.md.simulation.deposition import draw_velocity
from limlff.md.simulation.events import apply_event, padded_size
from limlff.units import BOLTZMANN


def test_number_of_atoms_follows_the_schedule_exactly(tmp_path):
    """From step 15 every ten steps; two leave at step 40; rows are written before events act."""
    events = [
        {**DEPOSIT, "first": 15},
        {"kind": "remove", "element": "Cu", "count": 2, "every": 40},
    ]
    result = run(tmp_path, events=events)
    table = read_thermo(result.thermo)
    expected = 36 + np.maximum(0, -(-(table["step"] - 15) // 10)) - 2 * (table["step"] > 40)
    assert table["atoms"].tolist() == expected.tolist()
    with Trajectory(result.trajectory) as trajectory:
        assert [len(frame.numbers) for frame in trajectory] == expected.tolist()
    freedom = 3 * table["atoms"] - 3
    boltzmann = 8.617333e-5  # eV/K, CODATA 2018
    np.testing.assert_allclose(
        table["temperature_k"], 2 * table["kinetic_ev"] / (freedom * boltzmann), rtol=1e-6
    )


@pytest.mark.parametrize(
    ("count", "compilations"), [(60, 4), pytest.param(200, 6, marks=pytest.mark.slow)]
)
def test_deposited_atoms_cost_a_few_compilations(tmp_path, count, compilations):
    result = run(
        tmp_path,
        steps=2 * count + 2,
        events=[{**DEPOSIT, "every": 2, "height_angstrom": 2.5, "temperature_k": 5000.0}],
        output={"thermo_every": 400, "trajectory_every": 400, "checkpoint_every": 400},
        guards={"max_temperature_k": 1e5, "max_energy_jump_ev_per_atom": 10.0},
    )
    assert result.summary["atoms"] == 36 + count
    assert result.summary["compilations"] <= compilations


@pytest.mark.parametrize("name", ENSEMBLES)
def test_resumed_deposition_is_the_same_bit_for_bit(tmp_path, name):
    """In every ensemble, with atoms that come and go before and after the checkpoint."""
    atoms = slab(20.0)
    atoms.pbc = True  # for the barostat
    events = [DEPOSIT, {"kind": "remove", "element": "Cu", "every": 25}]
    changes = {
        "ensemble": {**ENSEMBLES[name]},
        "events": events,
        "temperature_k": [300.0, 500.0],
        "output": {"velocities": True},
    }
    whole, died = tmp_path / "whole", tmp_path / "died"
    run(whole, atoms=atoms, **changes)
    shutil.copytree(whole, died)
    (died / "checkpoints" / f"step_{60:012d}.h5").unlink()
    resume_md(died, COPPER, progress=False)
    same_run(whole, died)


@pytest.mark.parametrize("name", ["nve", "nose-hoover"])
def test_conserved_quantity_goes_on_without_a_jump(tmp_path, name):
    """What an event brings in is booked; the energy of the atoms itself changes by eV."""
    result = run(
        tmp_path,
        ensemble=ENSEMBLES[name],
        timestep_fs=1.0,
        events=[DEPOSIT, {"kind": "remove", "element": "Cu", "every": 25}],
    )
    table = read_thermo(result.thermo)
    assert np.ptp(table["conserved_ev"]) < 0.02
    assert np.ptp(table["potential_ev"] + table["kinetic_ev"]) > 2.0


def test_total_momentum_stays_zero_without_frozen_atoms_and_does_not_with_them(tmp_path):
    free = run(tmp_path / "free", ensemble=ENSEMBLES["nve"], events=[DEPOSIT], steps=20)
    assert np.abs(free.atoms.get_momenta().sum(axis=0)).max() < 1e-10
    held = run(
        tmp_path / "held",
        ensemble=ENSEMBLES["nve"],
        events=[DEPOSIT],
        frozen={"below_z_angstrom": 41.0},
        steps=11,
    )
    velocity = held.atoms.get_velocities()[-1]
    assert velocity[2] < 0 and not held.atoms.get_momenta()[:9].any()


def test_new_atoms_are_at_the_height_uniform_over_the_plane_and_keep_their_distance():
    event = Deposit(element="Cu", every=1, height_angstrom=2.0, min_distance_angstrom=2.3)
    atoms = slab()
    top = atoms.positions[:, 2].max()
    places = []
    for step in range(400):
        grown = apply_event(event, 0, step, population(atoms), config_with(event))
        assert len(grown.structure) == 37 and grown.kept.tolist() == list(range(36))
        places.append(grown.positions[-1])
        with_new = Atoms("Cu37", grown.positions, cell=atoms.cell, pbc=atoms.pbc)
        assert with_new.get_distances(36, range(36), mic=True).min() >= 2.3
    places = np.array(places)
    np.testing.assert_allclose(places[:, 2], top + 2.0, atol=1e-12)
    high = Deposit(element="Cu", every=1)  # 6 Å up nothing is in the way
    places = [
        apply_event(high, 0, step, population(atoms), config_with(high)).positions[-1]
        for step in range(400)
    ]
    scaled = np.linalg.solve(atoms.cell.array.T, np.array(places).T).T
    for axis in range(2):
        assert stats.kstest(scaled[:, axis], "uniform").pvalue > 0.01


def test_velocity_is_that_of_a_gas_that_flows_out():
    """Lateral Maxwell; along -z weighted with the flux: mean sqrt(pi kT / 2m), m <v^2> = 2 kT."""
    mass, kelvin = 63.5, 700.0
    rng = np.random.default_rng(0)
    velocities = np.array([draw_velocity(mass, kelvin, rng) for _ in range(20_000)])
    unit = np.sqrt(BOLTZMANN * kelvin / mass)
    assert (velocities[:, 2] < 0).all()
    for axis in range(2):
        assert stats.kstest(velocities[:, axis] / unit, "norm").pvalue > 0.01
    assert stats.kstest(-velocities[:, 2] / unit, "rayleigh").pvalue > 0.01
    assert -velocities[:, 2].mean() == pytest.approx(np.sqrt(np.pi / 2) * unit, rel=0.01)
    assert stats.kstest(-velocities[:, 2] / unit, "halfnorm").pvalue < 1e-10


def test_removal_takes_what_it_says_and_never_frozen_atoms():
    atoms = slab()
    mobile = np.ones(36)
    mobile[30:] = 0.0  # of the top layer, 27 to 35
    height = float(atoms.positions[26, 2]) + 0.5
    event = Remove(every=1, above_z_angstrom=height)
    left = apply_event(event, 0, 5, population(atoms, mobile), config_with(event))
    assert left.kept.tolist() == [*range(27), *range(30, 36)]
    np.testing.assert_array_equal(left.positions, atoms.positions[left.kept])
    event = Remove(every=1, element="Cu", count=4)
    kept = [
        tuple(apply_event(event, 0, step, population(atoms, mobile), config_with(event)).kept)
        for step in range(50)
    ]
    assert all(len(each) == 32 and set(range(30, 36)) <= set(each) for each in kept)
    assert len(set(kept)) > 45


def test_random_numbers_depend_on_seed_event_and_step_alone():
    event = Deposit(element="Cu", every=1)
    config = config_with(event)

    def place(index, step, seed=7):
        seeded = config.model_copy(update={"seed": seed})
        return tuple(apply_event(event, index, step, population(slab()), seeded).positions[-1])

    assert place(0, 3) == place(0, 3)
    assert len({place(0, 3), place(1, 3), place(0, 4), place(0, 3, seed=8)}) == 4


def test_clock_counts_and_ends():
    events = [Deposit(element="Cu", every=10, first=5, last=25), Remove(every=7, element="Cu")]
    config = settings(events=[event.model_dump() for event in events])
    clock = EventClock(timetables(config, area=100.0))
    seen = []
    for step in range(40):
        assert clock.next_step() >= step
        for index in clock.due(step):
            clock.counts[index] += 1
            seen.append((index, step))
    assert [step for index, step in seen if index == 0] == [5, 15, 25]
    assert [step for index, step in seen if index == 1] == [7, 14, 21, 28, 35]


def test_slots_grow_by_half():
    sizes, slots = set(), 54
    for count in range(54, 400):
        slots = padded_size(count, slots)
        assert slots >= count
        sizes.add(slots)
    assert len(sizes) <= 6


def test_no_place_left_stops_the_run_with_its_checkpoint(tmp_path):
    event = {**DEPOSIT, "height_angstrom": 1.0, "min_distance_angstrom": 4.0}
    with pytest.raises(GuardStop, match=r"stopped at step 10: no place for Cu was found 1 Å above"):
        run(tmp_path, events=[event])
    with pytest.raises(GuardStop, match="would leave fewer than two"):
        run(
            tmp_path,
            events=[{"kind": "remove", "element": "Cu", "count": 36, "every": 10}],
            force=True,
        )


@pytest.mark.parametrize(
    ("event", "pbc", "message"),
    [
        ({**DEPOSIT, "element": "Li"}, (1, 1, 0), "holds Li, but this potential knows only Cu"),
        ({**DEPOSIT, "element": "Xx"}, (1, 1, 0), "'Xx', which is no element"),
        (DEPOSIT, (1, 0, 0), "periodic along its first two vectors"),
    ],
)
def test_event_that_cannot_happen_is_refused(tmp_path, event, pbc, message):
    atoms = slab()
    atoms.pbc = pbc
    with pytest.raises(InputError, match=message):
        run(tmp_path / "run", atoms=atoms, events=[event])
    assert not (tmp_path / "run").exists()
