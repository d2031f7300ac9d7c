"""Frames shared by the tests of readers, checks and store."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from limlff.frames.frame import Frame
from limlff.frames.read import read_frames


@pytest.fixture
def random_frames() -> list[Frame]:
    """Frames that differ in everything a frame can: atoms, periodicity, labels, groups."""
    generator = np.random.default_rng(3)
    frames = []
    for index, (atoms, labels) in enumerate([(5, "efs"), (1, "ef"), (4, "f"), (7, "e")]):
        stress = generator.normal(size=(3, 3))
        frames.append(
            Frame(
                numbers=generator.choice([3, 29], atoms),
                positions=generator.uniform(0, 9, (atoms, 3)),
                cell=np.diag([9.0, 10.0, 11.0]) + generator.normal(0, 0.3, (3, 3)),
                periodic=np.array([True, True, "s" in labels]),
                energy=float(generator.normal()) if "e" in labels else None,
                forces=generator.normal(size=(atoms, 3)) if "f" in labels else None,
                stress=(stress + stress.T) / 2 if "s" in labels else None,
                group=["bulk", "", 'a "quoted" name', "slab"][index],
                origin=f"made.extxyz, frame {index}",
            )
        )
    return frames


@pytest.fixture
def pair() -> list[Frame]:
    """Two frames of two atoms."""
    frame = Frame(
        numbers=np.array([3, 3]),
        positions=np.array([[0, 0, 0], [1.7, 1.7, 1.7]]),
        cell=np.eye(3) * 3.4,
        periodic=np.ones(3, bool),
        energy=-3.8,
        forces=np.zeros((2, 3)),
        origin="a.extxyz, frame 0",
    )
    return [frame, frame]


@pytest.fixture(scope="session")
def lithium(shared: Path) -> list[Frame]:
    """The 241 training frames of mlearn-Li."""
    return read_frames(shared / "data" / "mlearn-Li" / "train.extxyz")


@pytest.fixture
def assert_same_frame() -> Callable[[Frame, Frame, float], None]:
    """Compares atoms, cell, labels and group, and which labels are missing."""

    def compare(first: Frame, second: Frame, tolerance: float = 0.0) -> None:
        np.testing.assert_array_equal(first.numbers, second.numbers)
        np.testing.assert_array_equal(first.periodic, second.periodic)
        assert first.group == second.group
        for name in ("positions", "cell", "energy", "forces", "stress"):
            one, other = getattr(first, name), getattr(second, name)
            assert (one is None) == (other is None), name
            if one is not None:
                np.testing.assert_allclose(one, other, rtol=0, atol=tolerance, err_msg=name)

    return compare
