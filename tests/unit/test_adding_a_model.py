"""The example of `docs/adding-a-model.md` runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import jax
import numpy as np
import pytest
from ase.build import bulk

from limlff.calculator import Calculator
from limlff.errors import InputError
from limlff.models import registry
from limlff.potential import Potential
from limlff.potential_file import load_potential, save_potential

PAGE = (Path(__file__).resolve().parents[2] / "docs/adding-a-model.md").read_text(encoding="utf-8")


@pytest.fixture
def example(tmp_path, monkeypatch):
    """The example as a module that is imported; it is forgotten afterwards."""
    model, use = re.findall(r"```python\n(.*?)```", PAGE, re.S)
    (tmp_path / "morse_of_the_page.py").write_text(model, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry, "_registered", {})
    import importlib

    module = importlib.import_module("morse_of_the_page")
    registry.register("morse")(module.Morse)  # also when it was imported before
    return module, use


def test_example_is_short_and_passes_all_checks(example):
    module, use = example
    assert len(Path(module.__file__).read_text().splitlines()) <= 45
    exec(use, {"Morse": module.Morse})


def test_example_goes_through_a_file_and_ase(example, tmp_path):
    module, _ = example
    model = registry.build_model({"architecture": "morse", "elements": ["Li", "Cu"], "cutoff": 5.0})
    potential = Potential(model, model.initialize(jax.random.key(0)), np.zeros(2))
    save_potential(potential, tmp_path / "morse.limlff")
    read = load_potential(tmp_path / "morse.limlff")
    assert isinstance(read.model, module.Morse)
    atoms = bulk("Li", cubic=True)
    atoms.calc = Calculator(read)
    r = np.linalg.norm(atoms.get_all_distances(mic=False)[0, 1])
    assert r > 0
    assert atoms.get_potential_energy() < 0  # attraction beyond the bond's length


def test_unknown_architecture_names_those_that_are_known():
    with pytest.raises(InputError, match="choose deepmd, deepmd-table, mace, moment, mtp"):
        registry.build_model({"architecture": "eam", "elements": ["Li"]})
