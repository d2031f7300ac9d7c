"""Packing of frames into few shapes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from training_frames import crystals, many_kinds

from limlff.errors import InputError
from limlff.training.labelled_frame import LabelledFrame
from limlff.training.packing import choose_limits, make_packing
from limlff.training.samples import make_samples


@pytest.fixture(scope="module")
def samples():
    frames = crystals(15, seed=1) + many_kinds()[:4] + crystals(15, seed=2)
    labelled = [LabelledFrame(frame) for frame in frames]
    return make_samples(labelled, ("Cu", "Ni"), 4.0, np.zeros((1, 2)), "float32")


def padded_work(needed, sizes, limits):
    uppers = np.array(limits)[np.searchsorted(limits, needed)]
    return int((uppers * sizes).sum())


@pytest.mark.parametrize("shapes", [1, 2, 3, 5])
def test_limits_waste_the_least_of_all_choices(shapes):
    """Compared with every choice of as many limits."""
    generator = np.random.default_rng(shapes)
    for _ in range(10):
        needed, sizes = generator.integers(1, 12, 30), generator.integers(1, 60, 30)
        limits = choose_limits(needed, sizes, shapes)
        levels = np.unique(needed)
        assert len(limits) <= shapes and limits[-1] == levels[-1]
        assert limits == sorted(set(limits))
        least = min(
            padded_work(needed, sizes, [*choice, levels[-1]])
            for count in range(min(shapes, len(levels)))
            for choice in combinations(levels[:-1], count)
        )
        assert padded_work(needed, sizes, limits) == least


def test_every_frame_is_in_one_batch_of_an_epoch(samples):
    packing = make_packing(samples, batch_atoms=20, shapes=2)
    orders = []
    for epoch in range(3):
        plan = packing.plan(np.random.default_rng([0, epoch]))
        members = [index for _, batch in plan for index in batch]
        assert sorted(members) == list(range(len(samples)))
        for shape, batch in plan:
            assert sum(len(samples[i]) for i in batch) <= shape.atoms <= 20
            assert len(batch) <= shape.frames
            assert max(samples[i].neighbors for i in batch) <= shape.neighbors
        assert len({shape for shape, _ in plan}) <= 2
        orders.append(members)
    assert orders[0] != orders[1] and orders[1] != orders[2]
    again = packing.plan(np.random.default_rng([0, 1]))
    assert [index for _, batch in again for index in batch] == orders[1]


def test_batches_are_nearly_full(samples):
    packing = make_packing(samples, batch_atoms=24, shapes=1)
    plan = packing.plan(np.random.default_rng(0))
    assert packing.atoms / sum(shape.atoms for shape, _ in plan) > 0.85


def test_frame_larger_than_a_batch_is_refused(samples):
    with pytest.raises(InputError, match="batch_atoms is 8, but a frame has 18 atoms"):
        make_packing([*samples, many_atoms()], batch_atoms=8, shapes=1)


def many_atoms():
    frame = many_kinds()[3]
    positions = np.concatenate([frame.positions, frame.positions + 20, frame.positions + 40])
    large = type(frame)(np.full(len(positions), 29), positions, frame.cell, frame.periodic)
    return make_samples([LabelledFrame(large)], ("Cu", "Ni"), 4.0, np.zeros((1, 2)), "float32")[0]
