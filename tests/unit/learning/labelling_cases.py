"""Frames and labellers for tests of labelling."""

from __future__ import annotations

import os
from pathlib import Path

from ase.build import bulk

from limlff.config import parse_config
from limlff.frames.frame import Frame
from limlff.learning.labeller import Labeller

HERE = Path(__file__).parent


def frame_of(atoms) -> Frame:
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, group="bulk")


def crystal(seed: int, close: bool = False) -> Frame:
    atoms = bulk("Cu", "fcc", a=1.9 if close else 3.7, cubic=True)
    atoms.rattle(0.1, seed=seed)
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, group=f"c{seed}")


def labeller(calculator_class: str, settings: dict | None = None, **others) -> Labeller:
    code = {"kind": "ase", "calculator_class": calculator_class, "settings": settings or {}}
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    given = {"code": code, "environment": {"PYTHONPATH": paths}, **others}
    return parse_config(given, Labeller, "labeller")
