"""Fifty `kill -9` of a running simulation, each resumed: the end is that of an undisturbed run."""

from __future__ import annotations

import pytest
from soak import SYSTEMS, soak


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("name", SYSTEMS)
def test_fifty_kills_change_nothing(tmp_path, name):
    result = soak(name, tmp_path / name, kills=50, seed=1, log=tmp_path / "soak.jsonl")
    assert result["kills_survived"] == 50
    assert result["differences"] == result["frames_lost"] == result["frames_doubled"] == 0
