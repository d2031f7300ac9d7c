"""Numbers of made-up runs whose answer is known: a hole that closes while the crystal drifts."""

import json

import numpy as np
import pytest

from limlff.md.output.trajectory import TrajectoryFrame
from limlff.structures.lattice import bcc_supercell
from limlff.structures.void import cut_hole
from limlff.workflows.healing.analysis import Neighborhood, Reference, RunAnalysis, closing_time
from limlff.workflows.healing.config import Closed

INTERVAL = 0.5  # ps
LAG = 2.0  # ps


@pytest.fixture(scope="module")
def crystal():
    return bcc_supercell("Li", 3.47, (8, 8, 8))


def made_up_run(crystal, frames, missing, walk=0.0):
    """Frames of a crystal with a hole; near atoms walk by `walk` Å per frame, all drift along x."""
    rng = np.random.default_rng(0)
    holed, hole = cut_hole(crystal, missing)
    centre = hole.centre @ crystal.cell.array
    near = np.linalg.norm(holed.positions - centre, axis=1) <= hole.radius + 4
    wander = np.zeros(holed.positions.shape)
    for index in range(frames):
        wander[near] += rng.normal(0, walk, (near.sum(), 3))
        scale = 1 + 0.004 * np.sin(index)
        noise = rng.normal(0, 0.2, holed.positions.shape)
        positions = (holed.positions + wander + [0.4 * index, 0, 0]) * scale + noise
        yield TrajectoryFrame(
            index, 1e3 * INTERVAL * index, holed.numbers, positions, crystal.cell.array * scale
        )


def analysed(crystal, frames, missing, **options):
    _, hole = cut_hole(crystal, missing)
    density = Reference(len(crystal) / crystal.get_volume())
    surroundings = Neighborhood(hole.centre, hole.radius + 4, hole.radius + 8)
    analysis = RunAnalysis(density, surroundings, LAG, Closed())
    for frame in made_up_run(crystal, frames, missing, **options):
        analysis.add(frame)
    return analysis


def test_missing_atoms_and_order_of_a_crystal_with_a_hole(crystal):
    series = analysed(crystal, 6, 30).series()
    assert series.time_ps.tolist() == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5]
    np.testing.assert_allclose(series.columns["missing_atoms"], 30, rtol=0.15)
    assert series.columns["missing_atoms"].mean() == pytest.approx(30, rel=0.05)
    assert (series.columns["bcc_far"] > 0.999).all()
    assert (series.columns["disordered_near"] < 0.05).all()
    assert (series.columns["holes"] == 1).all()


def test_groups_follow_the_drift_of_the_crystal(crystal):
    """After a drift of 10 Å the walkers are still those counted as near."""
    series = analysed(crystal, 26, 30, walk=0.3).series()
    # 4 frames of lag, three components each, twice the variance of the noise of 0.2 Å.
    vibrations = 3 * 2 * 0.2**2
    far, near = series.msd["far"], series.msd["near"]
    assert far.mean() == pytest.approx(vibrations, rel=0.05)
    assert near[:4].mean() == pytest.approx(vibrations + 4 * 3 * 0.3**2, rel=0.2)
    assert abs(series.diffusion["far"]) < 0.002
    assert series.diffusion["near"] == pytest.approx(0.3**2 / (2 * INTERVAL), rel=0.3)


def test_series_hold_only_what_json_can_hold(crystal):
    content = json.loads(json.dumps(analysed(crystal, 2, 30).series().to_json(), allow_nan=False))
    assert content["diffusion_near_angstrom2_per_ps"] is None  # two frames are too few
    assert len(content["missing_atoms"]) == len(content["time_ps"]) == 2


@pytest.mark.parametrize(
    ("missing", "closed"),
    [
        ([30, 20, 2, 1, 0, 0, 0], 2.0),
        ([30, 2, 9, 2, 1, 1, 1], 3.0),  # the first time it opens again
        ([30, 20, 10, 9, 9, 2, 1], None),  # too short
        ([0, 0, 0, 5, 9, 9, 9], 0.0),
        ([30, 20, 10, 5, 4, 4, 3], None),
    ],
)
def test_a_hole_is_closed_only_if_it_stays_so(missing, closed):
    times = np.arange(7.0)
    assert closing_time(times, np.array(missing), below=3, for_ps=2) == closed
