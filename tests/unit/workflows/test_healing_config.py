import itertools

import numpy as np
import pytest

from limlff.catalog import find_workflow
from limlff.config import load_config, parse_config
from limlff.errors import InputError
from limlff.structures.host import build_host
from limlff.structures.lattice import bcc_supercell
from limlff.workflows.healing.config import HealingConfig as Config
from limlff.workflows.healing.plan import plan_runs
from limlff.workflows.healing.simulate import hole_of
from limlff.workflows.healing.study import HealingStudy
from limlff.workflows.presets import load_with_preset


@pytest.mark.parametrize("name", ["healing/quick", "healing/standard"])
def test_shipped_studies_are_valid(name):
    config = load_config(find_workflow(name), Config)
    assert config.pressures_gpa[0] == 0.0
    assert max(config.pressures_gpa) > 0


def test_an_unknown_key_is_refused_with_the_one_meant():
    with pytest.raises(InputError, match="did you mean 'missing_atoms'"):
        parse_config({"hole": {"missing_atom": 3}}, Config, "x.yaml")


@pytest.mark.parametrize(
    "wrong",
    [
        {"mobility_lag_ps": 0.1},
        {"mobility_lag_ps": 50.0},
        {"pressures_gpa": []},
        {"pressures_gpa": [1.0, 1.0]},
        {"pressures_gpa": [1.0, 1.0000001]},  # one folder for both
        {"temperature_k": -1},
        {"repeats": [0, 2, 2]},
        {"sweep": {"missing_atoms": [30, 30]}},
        {"sweep": {"missing_atoms": [30, 4000]}},
    ],
)
def test_impossible_settings_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        parse_config(wrong, Config, "x.yaml")


def test_steps_of_a_time_are_whole():
    config = parse_config({"dynamics": {"timestep_fs": 1.5}}, Config, "x.yaml")
    assert config.steps(0.5) == 333
    assert config.steps(1e-6) == 1


SWEEP = {
    "sweep": {
        "missing_atoms": [30, 250],
        "shapes": ["sphere", "cuboid"],
        "seeds": 3,
        "sites_per_missing_atom": 10,
    },
    "pressures_gpa": [0.0, 0.5],
    "repeats": [6, 6, 6],
}


def test_a_sweep_has_something_of_everything_before_its_second_seed():
    runs = dict(plan_runs(parse_config(SWEEP, Config, "x.yaml")))
    assert len(runs) == 24
    first = list(runs.values())[:8]
    kinds = {(run.hole.missing_atoms, run.hole.shape, run.pressure_gpa) for run in first}
    assert len(kinds) == 8 and {run.seed for run in first} == {1}
    assert list(runs)[:2] == ["30-sphere-0-GPa-seed1", "30-sphere-0.5-GPa-seed1"]
    # neighbors in the order do not wait for the crystal of each other
    names = [run.crystal for run in runs.values()]
    assert all(one != other for one, other in itertools.pairwise(names))


def test_runs_of_a_sweep_differ_and_share_their_crystals():
    """Four crystals, of 10 sites for each missing atom or of `repeats`; 24 seeds; 24 places."""
    runs = list(dict(plan_runs(parse_config(SWEEP, Config, "x.yaml"))).values())
    crystals = {run.crystal: run for run in runs if run.is_first}
    assert sorted(crystals) == ["250-0-GPa", "250-0.5-GPa", "30-0-GPa", "30-0.5-GPa"]
    assert {run.sites for run in runs} == {2 * 6**3, 2 * 11**3}
    for run in runs:
        assert run.crystal_md == crystals[run.crystal].crystal_md
        assert run.crystal_md.ensemble.pressure_gpa == run.pressure_gpa
        assert run.hole_md.start_temperature_k == 300.0
    seeds = [run.hole_md.seed for run in runs] + [run.crystal_md.seed for run in crystals.values()]
    assert len(set(seeds)) == 28
    perfect = bcc_supercell("Li", 3.44, (6, 6, 6))
    small = [run for run in runs if run.hole.missing_atoms == 30]
    holes = [hole_of(run, perfect) for run in small]
    centres = np.array([hole.centre for _, hole in holes])
    assert len(np.unique(centres.round(6), axis=0)) == 12
    assert (np.abs(centres - 0.5) <= 0.5 / 6).all()
    assert all(len(atoms) == len(perfect) - 30 for atoms, _ in holes)


def test_one_hole_without_seeds_is_run_as_ever():
    """At the centre that was set, from the last velocities of the crystal."""
    runs = dict(plan_runs(parse_config({}, Config, "x.yaml")))
    assert list(runs) == ["0-GPa", "1-GPa"]
    for run in runs.values():
        assert run.hole_md.initial_velocities == "file" and not run.is_moved and run.has_volume


def test_time_is_counted_once_for_each_crystal():
    settings = parse_config(SWEEP, Config, "x.yaml")
    runs = list(dict(plan_runs(settings)).values())
    study = HealingStudy()
    assert sum(map(study.length_ps, runs)) == pytest.approx(24 * 60 + 4 * 8)
    large, small = (max(runs, key=study.cost), min(runs, key=study.cost))
    assert study.cost(large) == 2 * 11**3 * 34_000 and study.cost(small) == 2 * 6**3 * 30_000


@pytest.mark.parametrize("preset", ["quick", "paper", "cluster"])
def test_sweeps_that_come_with_limlff_are_valid(preset):
    settings = load_with_preset(find_workflow("healing/sweep"), Config, preset, [])
    assert settings.is_sweep and settings.pressures_gpa[0] == 0.0
    for run in {run.hole.missing_atoms: run for _, run in plan_runs(settings)}.values():
        if run.sites < 20_000:
            perfect = bcc_supercell("Li", 3.44, run.lattice.repeats)
            hole_of(run, perfect)  # refused if it does not fit


@pytest.mark.parametrize("preset", ["grain-boundary", "copper", "between-copper", "stack",
                                    "stack-free-sides"])  # fmt: skip
def test_hosts_that_come_with_limlff_have_room_for_their_holes(preset):
    settings = load_with_preset(find_workflow("healing/hosts"), Config, preset, [])
    for run in {run.hole.missing_atoms: run for _, run in plan_runs(settings)}.values():
        perfect = build_host(run.host, run.lattice)
        assert run.sites == len(perfect)
        _, hole = hole_of(run, perfect)
        assert hole.missing_atoms == run.hole.missing_atoms


def test_loads_are_what_the_barostat_is_told():
    """Between plates: z alone, the sides as they are without pressure; or free sides."""
    stuck = {"dynamics": {"coupling": "uniaxial"}, "pressures_gpa": [0.2]}
    run = next(run for _, run in plan_runs(parse_config(stuck, Config, "x.yaml")))
    for md in (run.crystal_md, run.hole_md):
        assert (md.ensemble.coupling, md.ensemble.axis) == ("uniaxial", "z")
        assert md.ensemble.pressure_gpa == 0.2
    assert (run.sides_md.ensemble.coupling, run.sides_md.ensemble.pressure_gpa) == ("axes", 0.0)
    free = {"dynamics": {"coupling": "axes", "sides_gpa": 0.0}, "pressures_gpa": [0.2]}
    run = next(run for _, run in plan_runs(parse_config(free, Config, "x.yaml")))
    pressure = run.hole_md.ensemble.pressure_gpa
    assert (pressure.x, pressure.y, pressure.z) == (0.0, 0.0, 0.2) and run.sides_md is None
    with pytest.raises(InputError, match="needs coupling 'axes'"):
        parse_config({"dynamics": {"coupling": "isotropic", "sides_gpa": 0}}, Config, "x.yaml")


def test_lithium_between_copper_needs_a_potential_of_both():
    content = {"host": {"kind": "copper_interface"}, "potential": "li-cu"}
    assert parse_config(content, Config, "x.yaml").elements == ("Li", "Cu")
