"""A frame that tests of labelling share."""

from __future__ import annotations

import pytest
from ase.build import bulk
from labelling_cases import frame_of

from limlff.frames.frame import Frame


@pytest.fixture
def frame() -> Frame:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.rattle(0.1, seed=1)
    return frame_of(atoms)
