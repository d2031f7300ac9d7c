"""What a run writes, with random numbers in it: frames and checkpoints."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from limlff.md.output.checkpoint import Checkpoint
from limlff.md.output.trajectory import TrajectoryFrame
from limlff.md.system.state import initial_state
from limlff.neighbors.host import Capacity


def frame(step, atoms):
    rng = np.random.default_rng(step)
    return TrajectoryFrame(
        step=step,
        time_fs=2.0 * step,
        numbers=rng.choice([3, 29], atoms),
        positions=rng.normal(size=(atoms, 3)) * 50,
        cell=np.diag(rng.uniform(10, 20, 3)),
    )


def checkpoint(step):
    rng = np.random.default_rng(step)
    state = initial_state(
        rng.normal(size=(4, 3)),
        rng.normal(size=(4, 3)),
        np.eye(3) * 5,
        np.array([1, 2], np.uint32),
        3,
    )
    return Checkpoint(
        state=replace(state, step=np.int64(step), energy=np.float64(rng.normal())),
        numbers=np.array([3, 3, 29]),
        masses=rng.uniform(1, 60, 3),
        mobile=np.array([1.0, 0.0, 1.0]),
        coupled=np.array([1.0, 1.0, 0.0]),
        periodic=np.array([True, False, True]),
        list_positions=rng.normal(size=(4, 3)),
        list_cell=rng.normal(size=(3, 3)),
        capacity=Capacity(40, 128),
        written={"thermo_bytes": 1234, "frames": 5},
        event_counts=np.array([3, 0]),
        above_since=np.array([-1, 20, -1]),
        assessed_since=np.array(20),
        highest_values=np.array([1.5, np.inf]),
        highest_places=np.array([[20, 0, 3], [30, 2, 29]]),
        conserved=rng.normal(),
        config="{}",
        potential="abc",
    )
