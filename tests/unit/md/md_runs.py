"""Short runs of copper that tests interrupt and go on with, and whether two runs are the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from md_models import COPPER, copper, settings

from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.runner import run_md

ENSEMBLES = {
    "nve": {"kind": "nve"},
    "langevin": {"kind": "nvt_langevin"},
    "nose-hoover": {"kind": "nvt_nose_hoover"},
    "npt": {"kind": "npt", "coupling": "axes", "pressure_gpa": [0.0, 1.0]},
}

CHANGES = {
    "ensemble": {"kind": "nvt_langevin"},
    "steps": 60,
    "output": {
        "thermo_every": 5,
        "trajectory_every": 10,
        "checkpoint_every": 20,
        "velocities": True,
    },
}


def same_run(one, two) -> None:
    """Thermo table, trajectory and last state are the same bit for bit."""
    assert (one / "thermo.csv").read_bytes() == (two / "thermo.csv").read_bytes()
    assert (one / "final.extxyz").read_bytes() == (two / "final.extxyz").read_bytes()
    with Trajectory(one / "trajectory.h5") as first, Trajectory(two / "trajectory.h5") as second:
        assert len(first) == len(second) > 1
        for a, b in zip(first, second, strict=True):
            assert (a.step, a.time_fs) == (b.step, b.time_fs)
            for name in ("positions", "cell", "numbers", "velocities"):
                left, right = getattr(a, name), getattr(b, name)
                assert (left is None and right is None) or np.array_equal(left, right)


def stopped_at(out: Path, step: int) -> None:
    """Start the run and leave it with a signal at a step that has a frame."""

    def until(frame) -> bool:
        if frame.step == step:
            os.kill(os.getpid(), signal.SIGUSR1)
        return False

    run_md(settings(**CHANGES), out, copper(), COPPER, progress=False, until=until)


def go_on(out: Path, **arguments):
    return resume_md(out, COPPER, progress=False, **arguments)
