"""`limlff info`: all that is known of a potential, as a table and as JSON."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import jax
import numpy as np
import pytest

from limlff.cli.main import main
from limlff.models.arrays import flatten_parameters
from limlff.models.moment import MomentModel
from limlff.potential import Potential
from limlff.potential_file import potential_digest, save_potential


@pytest.fixture
def potential() -> Potential:
    model = MomentModel(("Li",), cutoff=4.75, radial=3, channels=2, max_degree=2, hidden=(4,))
    card = {
        "licence": "Apache-2.0",
        "data": {"sets": ["first", "second"], "digest": "abc"},
        "errors": {"force_mae_ev_per_angstrom": 0.0101},
    }
    return Potential(model, model.initialize(jax.random.PRNGKey(0)), np.array([-1.9]), card)


@pytest.fixture
def file(potential, tmp_path):
    path = tmp_path / "small.limlff"
    save_potential(potential, path)
    return path


def test_json_holds_what_the_potential_is(file, potential, capsys):
    assert main(["info", str(file), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["elements"] == ["Li"]
    assert found["cutoff_angstrom"] == 4.75
    assert found["architecture"] == "moment"
    assert found["settings"]["channels"] == 2
    sizes = [array.size for array in flatten_parameters(potential.parameters).values()]
    assert found["parameters"] == sum(sizes)
    assert found["baseline_ev"] == {"Li": -1.9}
    assert found["units"]["stress"] == "eV/Å^3"
    assert found["digest"] == potential_digest(potential)
    assert found["card"]["licence"] == "Apache-2.0"


def test_table_names_elements_cutoff_data_errors_and_licence(file, potential, capsys):
    assert main(["info", str(file)]) == 0
    lines = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["cutoff", "angstrom", "4.75"] in lines
    assert ["elements", "Li"] in lines
    assert ["licence", "Apache-2.0"] in lines
    assert ["sets", "first,", "second"] in lines
    assert ["force", "mae", "ev", "per", "angstrom", "0.0101"] in lines
    assert ["digest", potential_digest(potential)] in lines


def test_control_characters_of_a_card_do_not_reach_the_terminal(potential, tmp_path, capsys):
    """They could clear the screen, set its title or write a line that limlff did not."""
    path, notes = tmp_path / "sly.limlff", "\x1b[2Jnotes\x9b31m\x7f\u202e\ndigest     0"
    card = {"notes": notes, "\x1b]0;title\x07": ["\x1b[A", {"\r": "\x08"}]}
    save_potential(replace(potential, card=card), path)
    for option in ([], ["--json"]):
        assert main(["info", str(path), *option]) == 0
        printed = capsys.readouterr().out
        assert printed.replace("\n", "").isprintable()
        assert printed.count("digest") == 2 and "[2Jnotes" in printed
        assert not printed.splitlines()[-1].startswith("digest     0")
    assert json.loads(printed)["card"] == card


@pytest.mark.parametrize("command", ["info", "evaluate", "label", "bench", "export"])
def test_help_names_all_shipped_potentials(command, capsys):
    root = Path(__file__).resolve().parents[2]
    shipped = sorted(path.stem for path in (root / "potentials").glob("*/*.limlff"))
    with pytest.raises(SystemExit):
        main([command, "--help"])
    assert f"({', '.join(shipped)})" in " ".join(capsys.readouterr().out.split())
    assert {"li", "li-cu"} <= set(shipped)


def test_import_and_help_do_not_wait_for_jax():
    """Importing jax takes a second or more, jax-md several; neither may be loaded."""
    code = (
        "import sys, limlff, limlff.cli.main as m\n"
        "try: m.main(['--help'])\n"
        "except SystemExit: pass\n"
        "slow = {'jax', 'jax_md', 'ase', 'matplotlib', 'h5py', 'scipy'} & set(sys.modules)\n"
        "sys.exit(str(slow) if slow else 0)\n"
    )
    begin = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert time.perf_counter() - begin < 5  # 0.2 s on a free machine


def test_lazy_names_of_the_package_are_there():
    import limlff
    from limlff.calculator import Calculator
    from limlff.named_potential import load

    assert limlff.Calculator is Calculator
    assert limlff.load is load
    assert limlff.Potential is Potential
    with pytest.raises(AttributeError, match="no attribute 'Calculater'"):
        _ = limlff.Calculater
