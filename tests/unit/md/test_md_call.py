"""Molecular dynamics from a script: one import, nothing of the script's is replaced."""

from __future__ import annotations

import numpy as np
import pytest
import yaml
from ase.io import write
from md_models import COPPER, copper, settings
from md_runs import CHANGES, same_run

import limlff


def test_a_run_out_of_time_goes_on_to_the_same_bits(tmp_path):
    config = settings(**CHANGES)
    with pytest.raises(limlff.OutOfTime, match="time limit of 0 s"):
        limlff.run_md(config, tmp_path / "a", copper(), COPPER, False, max_runtime_seconds=0)
    with pytest.raises(limlff.OutOfTime, match="time limit of 0 s"):
        limlff.resume_md(tmp_path / "a", COPPER, progress=False, max_runtime_seconds=0.0)
    limlff.resume_md(tmp_path / "a", COPPER, progress=False)
    limlff.run_md(config, tmp_path / "b", copper(), COPPER, False)
    same_run(tmp_path / "a", tmp_path / "b")


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("name", ["md.yaml", "final.extxyz"])
def test_what_a_run_reads_is_never_replaced(tmp_path, name, force):
    """Its own file of settings, or the last frame of the run before, in the folder of the run."""
    out = tmp_path / "run"
    out.mkdir()
    structure = out / "final.extxyz" if name == "final.extxyz" else tmp_path / "start.extxyz"
    write(structure, copper())
    content = {**settings(steps=1).model_dump(mode="json"), "structure": str(structure)}
    file = out / "md.yaml" if name == "md.yaml" else tmp_path / "mine.yaml"
    file.write_text("# mine\n" + yaml.safe_dump(content))
    before = {path: path.read_bytes() for path in out.iterdir()}
    with pytest.raises(limlff.InputError, match=f"{name}: is read as input and would be replaced"):
        limlff.run_md(file, out, potential=COPPER, progress=False, force=force)
    assert {path: path.read_bytes() for path in out.iterdir()} == before


def test_files_of_others_stay_alone_without_force(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    config = settings(steps=1)
    with pytest.raises(limlff.InputError, match=r"holds other files \(notes.txt\)"):
        limlff.run_md(config, tmp_path, copper(), COPPER, False)
    limlff.run_md(config, tmp_path, copper(), COPPER, False, force=True)
    assert (tmp_path / "notes.txt").read_text() == "mine"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"potential": 5}, "the potential is 5; give a name"),
        ({"potential": "nowhere.limlff"}, "nowhere.limlff"),
        ({"potential": COPPER, "atoms": "start.xyz"}, "structure is start.xyz; give an ase.Atoms"),
        ({"potential": COPPER, "max_runtime_seconds": "8h"}, "max_runtime_seconds is '8h'; give"),
        ({"potential": COPPER, "max_runtime_seconds": np.nan}, "max_runtime_seconds is nan"),
        ({"potential": COPPER, "max_runtime_seconds": -1}, "max_runtime_seconds is -1; give"),
    ],
)
def test_arguments_of_other_kinds_are_refused_before_anything_is_written(
    tmp_path, arguments, words
):
    given = {"atoms": copper(), **arguments}
    with pytest.raises(limlff.InputError, match=words):
        limlff.run_md(settings(steps=1), tmp_path / "run", progress=False, **given)
    assert not (tmp_path / "run").exists()
