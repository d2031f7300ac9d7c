"""What is chosen of the structures that an exploration gave."""

from __future__ import annotations

from dataclasses import replace

from ase.build import bulk
from labelling_cases import frame_of

from limlff.learning.campaign import Campaign, Runs
from limlff.learning.choosing import Explored, choose
from limlff.learning.cut import Cut
from limlff.learning.labels import LabelTask
from limlff.learning.ledger import open_ledger
from limlff.learning.tasks import Cost
from limlff.learning.work import Work
from limlff.named_potential import load


def test_the_same_structure_is_chosen_once_and_not_again_once_it_is_known(tmp_path):
    """By random choices, which do not compare: the first frames of two runs are the same."""
    frames = []
    for seed in (0, 1, 2):
        atoms = bulk("Li", cubic=True)
        atoms.rattle(0.1, seed=seed)
        frames.append(frame_of(atoms))
    twice = [*frames, *(replace(frame, group="other run", origin="b") for frame in frames)]
    run = Runs(kind="bulk", structures=("/a.extxyz",), md={"steps": 10})
    campaign = Campaign(recipe="/train.yaml", runs=(run,), select={"method": "random", "frames": 6})
    with open_ledger(tmp_path / "ledger.sqlite") as ledger:
        calculated = LabelTask(frames[2], campaign.labeller.digest).task
        ledger.add([calculated])
        ledger.start(calculated)
        ledger.finish(calculated, {}, Cost())
        work = Work(campaign, tmp_path, ledger, None, print)
        explored = Explored(2, [Cut(frame, 1.0) for frame in twice], 6, 6, [])
        chosen = choose(work, load("li"), explored, [], 6, 1)
    places = {cut.frame.positions.tobytes() for cut, _ in chosen}
    assert len(chosen) == 2
    assert places == {frame.positions.tobytes() for frame in frames[:2]}
