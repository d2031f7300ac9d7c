"""The Python of the README runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from ase.build import bulk
from ase.calculators.emt import EMT
from ase.io import write

from limlff.potential_file import load_potential, potential_digest

README = Path(__file__).resolve().parents[2] / "README.md"


def block(language: str, containing: str) -> str:
    """The code block of the README that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README.read_text(encoding="utf-8"), re.S)
    (found,) = [text for text in blocks if containing in text]
    return found


def test_calculator_example_relaxes_lithium_to_its_lattice_constant(capsys):
    exec(block("python", "limlff.Calculator"), {})
    lattice_constant, energy = (
        float(line.split()[0]) for line in capsys.readouterr().out.split("\n")[:2]
    )
    assert lattice_constant == pytest.approx(3.438, rel=0.005)  # PBE of the training data
    assert energy == pytest.approx(-1.90, abs=0.01)


def test_training_example_trains(tmp_path, monkeypatch):
    """With the README's recipe, but for one epoch of a small model."""
    frames = []
    for seed in range(12):
        atoms = bulk("Cu", cubic=True)
        atoms.rattle(0.1, seed=seed)
        atoms.calc = EMT()
        atoms.get_forces()
        frames.append(atoms)
    write(tmp_path / "frames.extxyz", frames)
    write(tmp_path / "test.extxyz", frames[:2])
    recipe = block("yaml", "# cu.yaml").replace("epochs: 100", "epochs: 1")
    recipe = recipe.replace("cutoff: 5.5}", "cutoff: 3.5, radial: 3, max_degree: 1, channels: 2}")
    (tmp_path / "cu.yaml").write_text(recipe)
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(block("python", "limlff.train("), names)
    assert names["potential"].elements == ("Cu",)
    assert np.isfinite(names["potential"].baseline).all()
    assert "uncertainty" in names["potential"].parameters
    assert names["errors"]["frames"] == 2
    written = load_potential(tmp_path / "cu/potential.limlff")
    assert potential_digest(written) == potential_digest(names["potential"])


def test_dynamics_example_runs(tmp_path, monkeypatch, capsys):
    """With the README's settings, but for ten steps of a small crystal."""
    crystal = bulk("Li", "bcc", a=3.44, cubic=True) * (4, 4, 4)
    write(tmp_path / "start.extxyz", crystal)
    (tmp_path / "npt.yaml").write_text(block("yaml", "# npt.yaml").replace("50000", "10"))
    monkeypatch.chdir(tmp_path)
    names: dict = {}
    exec(block("python", "limlff.run_md("), names)
    assert len(names["result"].atoms) == 128 and names["result"].trajectory.exists()
    speed, kelvin, trajectory = capsys.readouterr().out.splitlines()[-1].split()
    assert float(speed) > 0 and 0 < float(kelvin) < 600 and trajectory.endswith(".h5")
