"""`limlff bench`: what it says of a short measurement."""

from __future__ import annotations

import json

import pytest
from ase.neighborlist import neighbor_list

from limlff.cli.main import main
from limlff.named_potential import load
from limlff.structures.lattice import block_of_about


def test_figures_are_there_and_agree_with_each_other(tmp_path, capsys):
    out = tmp_path / "speed.json"
    assert main(["bench", "li", "--atoms", "250", "--seconds", "0.3", "--json", str(out)]) == 0
    speed = json.loads(out.read_text())
    crystal = block_of_about("Li", 250)
    assert speed["atoms"] == len(crystal)
    step_seconds = 1e-6 * speed["microseconds_per_atom_step"] * speed["atoms"]
    assert speed["ns_per_day"] == pytest.approx(1e-6 * 86400 / step_seconds)
    assert speed["steps"] >= 40
    # shells are smeared out at 300 K, so that the crystal gives their number only about
    pairs = len(neighbor_list("i", crystal, load("li").cutoff)) / len(crystal)
    assert speed["pairs_per_atom"] == pytest.approx(pairs, rel=0.25)
    assert speed["microseconds_per_atom_force"] > 0
    assert 0 < speed["compile_seconds"] < 600
    assert 50 < speed["peak_memory_mb"] < 24_000
    assert f"{speed['atoms']} atoms of Li at 300 K" in capsys.readouterr().out


@pytest.mark.parametrize(
    "option, value",
    [
        ("--atoms", "4"),
        ("--atoms", "1000000000000"),
        ("--seconds", "0"),
        ("--seconds", "inf"),
        ("--seconds", "nan"),
    ],
)
def test_what_cannot_be_measured_is_refused(option, value, capsys):
    assert main(["bench", "li", option, value]) == 2
    assert f"{option} {value}" in capsys.readouterr().err


@pytest.mark.parametrize("command", ["bench li", "evaluate li frames.extxyz"])
def test_the_old_name_of_dtype_is_answered_with_the_new_one(command, capsys):
    with pytest.raises(SystemExit, match="2"):
        main([*command.split(), "--precision", "float32"])
    assert "write --dtype float32" in capsys.readouterr().err
