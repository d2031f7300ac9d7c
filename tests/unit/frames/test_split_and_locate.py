"""Held-out frames and places of data."""

from __future__ import annotations

from collections import Counter

import pytest

from limlff.errors import InputError
from limlff.frames.locate import locate_data
from limlff.frames.split import split_frames


@pytest.mark.parametrize("fraction", [0.05, 0.1, 0.25])
def test_every_group_gives_its_share(lithium, fraction):
    kept, held_out = split_frames(lithium, fraction, seed=1)
    assert len(held_out) == round(fraction * len(lithium))
    assert sorted(f.origin for f in kept + held_out) == sorted(f.origin for f in lithium)
    whole, part = (Counter(f.group for f in frames) for frames in (lithium, held_out))
    for group, count in whole.items():
        assert abs(part[group] - fraction * count) < 1, group


def test_split_is_decided_by_the_seed_and_keeps_the_order(lithium):
    first, second, other = (split_frames(lithium, 0.1, seed)[1] for seed in (1, 1, 2))
    assert [f.origin for f in first] == [f.origin for f in second] != [f.origin for f in other]
    order = {frame.origin: index for index, frame in enumerate(lithium)}
    places = [order[frame.origin] for frame in first]
    assert places == sorted(places)


def test_groups_of_single_frames_are_split_together(shared):
    """gpaw-Li-Cu has hardly more frames than groups: no group gives one, all together a tenth."""
    from limlff.frames.read import read_frames

    frames = read_frames(shared / "data" / "gpaw-Li-Cu" / "train.extxyz")
    held_out = split_frames(frames, 0.1, 0)[1]
    assert len(held_out) == round(0.1 * len(frames)) >= 3
    assert max(Counter(frame.group for frame in frames).values()) < 5  # half a frame of each


def test_nothing_or_everything_held_out(lithium):
    kept, held_out = split_frames(lithium, 0.0, 0)
    assert len(kept) == 241 and not held_out
    for fraction in (1.0, -0.1, float("nan")):
        with pytest.raises(InputError, match="held-out fraction"):
            split_frames(lithium, fraction, 0)


def test_data_is_found_beside_the_recipe_then_by_the_environment(tmp_path, monkeypatch):
    recipe, data, work = tmp_path / "recipe", tmp_path / "data", tmp_path / "a" / "work"
    shared_data = tmp_path / "a" / "shared" / "data"
    for folder in (recipe, data, work, shared_data):
        folder.mkdir(parents=True)
    monkeypatch.chdir(work)
    monkeypatch.setenv("LIMLFF_DATA", str(data))
    (shared_data / "set.extxyz").touch()
    with pytest.raises(InputError, match="set LIMLFF_DATA"):
        locate_data("set.extxyz", recipe)
    (data / "set.extxyz").touch()
    assert locate_data("set.extxyz", recipe) == data / "set.extxyz"
    (recipe / "set.extxyz").touch()
    assert locate_data("set.extxyz", recipe) == recipe / "set.extxyz"
    assert locate_data(data / "set.extxyz", recipe) == data / "set.extxyz"


def test_data_that_is_nowhere_names_the_places(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMLFF_DATA", str(tmp_path / "data"))
    with pytest.raises(InputError) as caught:
        locate_data("nowhere/train.extxyz", tmp_path / "recipe")
    for place in (tmp_path / "recipe", tmp_path / "data"):
        assert str(place / "nowhere/train.extxyz") in str(caught.value)
