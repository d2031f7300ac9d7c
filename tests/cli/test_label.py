"""`limlff label`: frames that a potential has labelled can be trained on."""

from __future__ import annotations

import numpy as np
import pytest
from ase.build import bcc100, bulk
from ase.io import write

from limlff.calculator import Calculator
from limlff.cli.main import main
from limlff.frames.read import read_frames


@pytest.mark.parametrize("suffix", [".extxyz", ".h5"])
def test_labels_are_those_of_the_calculator(tmp_path, suffix):
    """A crystal without labels, and a slab, whose stress is left out."""
    crystal = bulk("Li", cubic=True)
    slab = bcc100("Li", (1, 1, 3), a=3.44, vacuum=6.0)
    for index, atoms in enumerate((crystal, slab)):
        atoms.rattle(0.1, seed=index)
        write(tmp_path / "frames.extxyz", atoms, append=index > 0)
    out = tmp_path / f"labelled{suffix}"
    assert main(["label", "li", str(tmp_path / "frames.extxyz"), "--out", str(out)]) == 0
    calculator = Calculator("li")
    frames = read_frames(out)
    assert len(frames) == 2
    for frame, atoms in zip(frames, (crystal, slab), strict=True):
        calculator.calculate(atoms)
        assert frame.energy == pytest.approx(calculator.results["energy"], abs=1e-7)
        assert np.abs(frame.forces - calculator.results["forces"]).max() < 1e-6
    assert frames[0].stress is not None
    assert frames[1].stress is None


def test_other_suffix_is_refused(tmp_path, capsys):
    assert main(["label", "li", "frames.extxyz", "--out", str(tmp_path / "out.xyz")]) == 2
    assert "write .h5 or .extxyz" in capsys.readouterr().err
