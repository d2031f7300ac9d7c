"""Settings of the fusion study, and the runs that follow from them."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.catalog import find_workflow
from limlff.config import parse_config
from limlff.errors import InputError
from limlff.structures.dendrite import shortest_distance
from limlff.structures.dendrite_settings import build_dendrites
from limlff.workflows.fusion.config import Approach, FusionConfig, Growth
from limlff.workflows.fusion.plan import plan_runs
from limlff.workflows.presets import load_with_preset

BESIDE = {"arrangement": "side_by_side", "slab": {"size": [32, 17], "fixed_layers": 1},
          "vacuum_angstrom": 50}  # fmt: skip


def config(**changes) -> FusionConfig:
    return parse_config(changes, FusionConfig, "x.yaml")


@pytest.mark.parametrize("name", ["quick", "paper", "cluster"])
@pytest.mark.parametrize("preset", ["approach", "growth"])
def test_shipped_studies_are_valid(name, preset):
    settings = load_with_preset(find_workflow(f"fusion/{name}"), FusionConfig, preset, [])
    assert settings.drive.kind == preset
    assert isinstance(settings.drive, Approach | Growth)
    angles = {each.angle_degrees for each in settings.misorientations}
    assert angles == {0.0, 30.0}
    runs = dict(plan_runs(settings))
    assert len(runs) == 2 * settings.repeats
    assert settings.repeats >= (1 if name == "quick" else 3)
    if name == "paper":
        assert {run.radius for run in runs.values()} == {25.0}


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"dendrites": {"arrangement": "single"}}, "has one dendrite"),
        ({"drive": {"kind": "growth"}}, "facing tips approach"),
        ({"dendrites": BESIDE}, "facing tips approach"),
        ({"dendrites": {"behind_angstrom": 10}}, "give 0"),
        ({"dendrites": {"grains": [{"angle_degrees": 3}]}}, "follow from misorientations"),
        ({"misorientations": [{}, {}]}, "holds one of 0-deg, 0-deg twice"),
        ({"dynamics": {"lag_ps": 0.5}}, "lag_ps is 0.5, less than dynamics.frame_every_ps"),
        (
            {"dendrites": {**BESIDE, "slab": {"size": [32, 17]}}, "drive": {"kind": "growth"}},
            "of which 0 are fixed",
        ),
        ({"dendrites": BESIDE, "drive": {"kind": "growth", "atoms": 20000}}, "need 77 Å"),
        ({"drive": {"kind": "approach", "pressure_gpa": 1}}, "did you mean 'pressure_mpa'"),
    ],
)
def test_impossible_settings_are_refused(wrong, words):
    with pytest.raises(InputError, match=words):
        config(**wrong)


def test_every_run_has_its_own_orientation_and_random_numbers():
    settings = config(
        misorientations=[{}, {"angle_degrees": 30}], repeats=2, dendrites={"gap_angstrom": 3}
    )
    runs = dict(plan_runs(settings))
    assert list(runs) == ["0-deg-seed1", "30-deg-1_1_0-seed1", "0-deg-seed2", "30-deg-1_1_0-seed2"]
    seeds = [md.seed for run in runs.values() for md in (run.crystal, run.relax, run.fusion)]
    assert len(set(seeds)) == len(seeds)
    atoms = build_dendrites(runs["30-deg-1_1_0-seed1"].dendrites)
    assert shortest_distance(atoms, 1, 2) == pytest.approx(10)  # apart while they relax
    assert runs["0-deg-seed1"].gap_angstrom == 3
    assert settings.dendrites.lattice_constant == 3.494


def test_atoms_come_at_the_rate_and_then_no_more():
    settings = config(
        dendrites=BESIDE,
        drive={"kind": "growth", "atoms": 300, "rate": {"atoms_per_ns": 1000}, "rest_ps": 30},
    )
    run = next(iter(plan_runs(settings)))[1]
    event = run.fusion.events[0]
    assert event.last * run.fusion.timestep_fs == pytest.approx(300e3, rel=1e-3)  # fs
    assert run.fusion.steps * run.fusion.timestep_fs == pytest.approx(330e3, rel=1e-3)
    planes = np.unique(build_dendrites(run.dendrites).positions[:, 2].round(2))
    friction = run.fusion.ensemble.friction_on.below_z_angstrom
    assert np.sum(planes < friction) == 3  # one of them held
