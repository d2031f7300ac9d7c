"""Few atoms and much output: short steps of the engine beside a thread that is never idle."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory

SCRIPT = """
import sys
from ase.build import bulk
from limlff.md.config import MDConfig
from limlff.md.runner import run_md

for out, every in (("all", 1), ("few", 500)):
    config = MDConfig.model_validate({
        "steps": 1500, "temperature_k": 700, "skin_angstrom": 0.3, "seed": 5,
        "output": {
            "trajectory_every": every, "thermo_every": every, "checkpoint_every": 10 * every,
            "extended_xyz": True, "velocities": True,
        },
    })
    atoms = bulk("Li", "bcc", a=3.45, cubic=True).repeat(2)
    run_md(config, f"{sys.argv[1]}/{out}", atoms, progress=False)
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory) -> Path:
    """In a process of its own, which a fault in compiled code would end by a signal."""
    folder = tmp_path_factory.mktemp("small")
    done = subprocess.run([sys.executable, "-c", SCRIPT, str(folder)], capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    return folder


def test_sixteen_hot_atoms_with_output_at_every_step_run_to_the_end(runs):
    """Lists are built every few steps, from arrays that must live as long as they are used."""
    table = read_thermo(runs / "all" / "thermo.csv")
    assert table["step"].tolist() == list(range(1501))
    assert all(np.isfinite(table[name]).all() for name in ("potential_ev", "temperature_k"))
    with Trajectory(runs / "all" / "trajectory.h5") as trajectory:
        assert [frame.step for frame in trajectory] == list(range(1501))
    lines = (runs / "all" / "trajectory.extxyz").read_text().count("\n")
    assert lines == 1501 * 18


def test_output_does_not_touch_the_dynamics(runs):
    """Every 500th row and frame, and the end, are those of a run that wrote no others."""
    few, every = (read_thermo(runs / name / "thermo.csv") for name in ("few", "all"))
    for column in few:
        np.testing.assert_array_equal(few[column], every[column][::500])
    with (
        Trajectory(runs / "few" / "trajectory.h5") as one,
        Trajectory(runs / "all" / "trajectory.h5") as two,
    ):
        for index, frame in enumerate(one):
            np.testing.assert_array_equal(frame.positions, two[500 * index].positions)
    last = [(runs / name / "final.extxyz").read_bytes() for name in ("few", "all")]
    assert last[0] == last[1]
