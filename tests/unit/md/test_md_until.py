"""A run that ends at a frame which fulfils a condition, and goes on from there as if it had not."""

import numpy as np
import pytest
from md_models import COPPER, copper, settings

from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.run.limits import RunLimits
from limlff.md.runner import run_within

OUTPUT = {"thermo_every": 5, "trajectory_every": 10, "checkpoint_every": 1000}


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run that is ended at step 20 and resumed, and one that was left alone, both of 40 steps."""
    folder = tmp_path_factory.mktemp("until")
    config = settings(steps=40, output=OUTPUT)
    asked = []

    def enough(frame):
        asked.append(frame.step)
        return frame.step >= 20

    ended = run_within(RunLimits(until=enough), config, folder / "ended", copper(), COPPER, False)
    steps = ended.summary["steps"]
    resumed = resume_md(folder / "ended", COPPER, progress=False)
    alone = run_within(
        RunLimits(until=lambda frame: False),
        config,
        folder / "alone",
        copper(),
        COPPER,
        False,
    )
    return asked, steps, resumed, alone


def test_it_ends_at_the_first_frame_that_fulfils_the_condition(runs):
    asked, steps, _, _ = runs
    assert asked == [0, 10, 20]
    assert steps == 20


def test_it_can_be_resumed_to_the_same_end(runs):
    _, _, resumed, alone = runs
    assert resumed.summary["steps"] == alone.summary["steps"] == 40
    np.testing.assert_array_equal(resumed.atoms.positions, alone.atoms.positions)
    with Trajectory(resumed.trajectory) as a, Trajectory(alone.trajectory) as b:
        assert [frame.step for frame in a] == [frame.step for frame in b] == [0, 10, 20, 30, 40]
