"""Choosing from frames that are there already."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from limlff import load
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning import select_from_pool


def crystal(strain: float, seed: int, kind: str = "bulk") -> Frame:
    atoms = bulk("Li", "bcc", a=3.44 * (1 + strain), cubic=True).repeat(2)
    atoms.rattle(0.05, seed=seed)
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, group=kind)


@pytest.fixture(scope="module")
def potential():
    return load("li")


KNOWN = [crystal(0.0, 1), crystal(0.01, 2)]
POOL = [crystal(0.0, 3), KNOWN[0], crystal(0.25, 4), crystal(0.0, 5), crystal(-0.12, 6)]


@pytest.mark.parametrize("method", ["farthest_point", "d_optimal"])
def test_what_is_least_like_the_known_frames_comes_first(potential, method):
    order = select_from_pool(potential, KNOWN, POOL, 5, method)
    assert order[:2] in ([2, 4], [4, 2])
    # in the information of what is known, a known frame counts no less than another like it
    assert sorted(order) == ([0, 2, 3, 4] if method == "farthest_point" else [0, 1, 2, 3, 4])
    assert order[:2] == select_from_pool(potential, KNOWN, POOL, 2, method)


@pytest.mark.parametrize("method", ["farthest_point", "d_optimal"])
def test_what_was_trained_on_meanwhile_is_not_new(potential, method):
    first = select_from_pool(potential, KNOWN, POOL, 1, method)[0]
    again = [*POOL, replace(POOL[first], energy=-1.0)]
    assert select_from_pool(potential, [*KNOWN, POOL[first]], again, 1, method)[0] not in (first, 5)


def test_random_choices_follow_the_seed(potential):
    orders = [select_from_pool(potential, KNOWN, POOL, 4, "random", seed) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]
    assert len(set(orders[0])) == 4


def test_kinds_take_turns(potential):
    pool = [replace(frame, group="strained" if i in (2, 4) else "") for i, frame in enumerate(POOL)]
    order = select_from_pool(potential, KNOWN, pool, 4)
    assert [pool[index].group for index in order] == ["strained", "", "strained", ""]


@pytest.mark.parametrize("count", [0, 6])
def test_no_more_can_be_chosen_than_there_are(potential, count):
    with pytest.raises(InputError, match=f"{count} frames cannot be chosen of 5"):
        select_from_pool(potential, KNOWN, POOL, count)
    assert np.all([frame.energy is None for frame in POOL])
