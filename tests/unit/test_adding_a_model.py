"""The examples of `docs/adding-a-model.md` run as they stand."""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path

import jax
import numpy as np
import pytest
from ase.build import bulk
from predictions import changes_of_the_first_of_a_chain

from limlff.calculator import Calculator
from limlff.errors import InputError
from limlff.models import registry
from limlff.potential import Potential
from limlff.potential_file import load_potential, save_potential

PAGE = (Path(__file__).resolve().parents[2] / "docs/adding-a-model.md").read_text(encoding="utf-8")


LOCAL, USE, MESSAGES = re.findall(r"```python\n(.*?)```", PAGE, re.S)


@pytest.fixture
def imported(tmp_path, monkeypatch):
    """Imports an example as a module; its name is forgotten afterwards."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(registry.ARCHITECTURES, "_registered", {})

    def of(name, text):
        (tmp_path / f"{name}.py").write_text(text, encoding="utf-8")
        monkeypatch.delitem(sys.modules, name, raising=False)
        importlib.invalidate_caches()
        return importlib.import_module(name)

    return of


@pytest.fixture
def example(imported):
    return imported("morse_of_the_page", LOCAL)


@pytest.mark.parametrize("text", [LOCAL, MESSAGES], ids=["local", "messages"])
def test_examples_are_short_and_pass_all_checks(imported, text):
    assert len(text.splitlines()) <= 45
    module = imported("model_of_the_page", text)
    model = module.Morse if text == LOCAL else module.CrowdedBonds
    exec(USE, {"Morse": model})


def test_messages_reach_neighbors_of_neighbors(imported):
    """In a chain whose bonds are shorter than the cutoff, and two bonds longer."""
    model = imported("messages_of_the_page", MESSAGES).CrowdedBonds(("Li",), cutoff=4.0)
    potential = Potential(model, model.initialize(jax.random.key(0)), np.zeros(1))
    changes = changes_of_the_first_of_a_chain(potential, axis=0)
    assert changes[1] > 1e-6
    assert changes[2] > 1e-9
    assert changes[3] < 1e-13


def test_example_goes_through_a_file_and_ase(example, tmp_path):
    model = registry.build_model({"architecture": "morse", "elements": ["Li", "Cu"], "cutoff": 5.0})
    potential = Potential(model, model.initialize(jax.random.key(0)), np.zeros(2))
    save_potential(potential, tmp_path / "morse.limlff")
    read = load_potential(tmp_path / "morse.limlff")
    assert isinstance(read.model, example.Morse)
    atoms = bulk("Li", cubic=True)
    atoms.calc = Calculator(read)
    r = np.linalg.norm(atoms.get_all_distances(mic=False)[0, 1])
    assert r > 0
    assert atoms.get_potential_energy() < 0  # attraction beyond the bond's length


def test_unknown_architecture_names_those_that_are_known():
    with pytest.raises(InputError, match="choose deepmd, deepmd-table, mace, moment, mtp"):
        registry.build_model({"architecture": "eam", "elements": ["Li"]})
