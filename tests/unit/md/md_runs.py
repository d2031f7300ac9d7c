"""Short runs of copper that tests interrupt and go on with, and whether two runs are the same."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import numpy as np
from md_models import COPPER, copper, settings

from limlff.md.config import MDConfig
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.run.limits import RunLimits
from limlff.md.run.results import MDResult
from limlff.md.run.run import Run
from limlff.md.runner import run_within
from limlff.md.simulation.start import first_checkpoint, start_simulation
from limlff.neighbors.host import Capacity
from limlff.potential import Potential

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
HEATED = {
    "steps": 200,
    "temperature_k": 900.0,
    "guards": {"max_displacement_angstrom": 0.024},
    "output": {"thermo_every": 100, "trajectory_every": 100},
    "initial_temperature_k": 100.0,
    "ensemble": {"kind": "nvt_langevin", "friction_per_ps": 20.0},
}
"""A run in which, while it is heated, an atom moves too far in one step."""


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


def run_with_sizes(
    config: MDConfig, out: Path, potential: Potential, size: int, capacity: Capacity | None
) -> MDResult:
    """A run of which the numbers of padded atoms and neighbors are given."""
    checkpoint = first_checkpoint(config, copper(), potential, size, capacity)
    out.mkdir()
    return Run(start_simulation(checkpoint, config, potential), out).to_the_end(None, False)


def stopped_at(out: Path, step: int) -> None:
    """Start the run and leave it with a signal at a step that has a frame."""

    def until(frame) -> bool:
        if frame.step == step:
            os.kill(os.getpid(), signal.SIGUSR1)
        return False

    run_within(RunLimits(until=until), settings(**CHANGES), out, copper(), COPPER, progress=False)


def go_on(out: Path, **arguments):
    """Resume it without a word."""
    return resume_md(out, COPPER, progress=False, **arguments)


def start(out: Path, until=None, **arguments):
    """Begin the run, with its trajectory also as extended XYZ."""
    changes = {**CHANGES, "output": {**CHANGES["output"], "extended_xyz": True}}
    return run_within(
        RunLimits(until=until),
        settings(**changes),
        out,
        copper(),
        COPPER,
        progress=False,
        **arguments,
    )
