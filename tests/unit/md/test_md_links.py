"""Links and other files in the folder of a run: what they point to belongs to somebody else."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest
from md_runs import go_on, same_run, start

from limlff.errors import InputError
from limlff.folder_lock import LOCK, locked
from limlff.md.output.checkpoint import checkpoint_files

PRECIOUS = "worth more than the run\n" * 500
LINKED = [
    "run.lock",
    "trajectory.h5.part",
    "checkpoints/step_000000000000.part",
    "checkpoints/step_000000000020.part",
    f".{os.getpid()}.md.yaml",
    f".{os.getpid()}.summary.json",
    f".{os.getpid()}.final.extxyz",
    "summary.json",
    "final.extxyz",
    "md.yaml",
    "offending.extxyz",
    "trajectory.extxyz",
]


@pytest.fixture
def precious(tmp_path) -> Path:
    path = tmp_path / "precious"
    path.write_text(PRECIOUS)
    return path


@pytest.mark.parametrize("kind", ["symbolic", "hard"])
def test_links_in_the_folder_do_not_lead_to_other_files(tmp_path, precious, kind):
    """A new run and a resumed one in a folder full of links: what they point to stays."""
    out = tmp_path / "run"
    (out / "checkpoints").mkdir(parents=True)

    def link(name: str) -> None:
        (out / name).unlink(missing_ok=True)
        if kind == "symbolic":
            (out / name).symlink_to(precious)
        else:
            (out / name).hardlink_to(precious)

    for name in LINKED:
        link(name)
    with pytest.raises(InputError, match=r"run.lock: is a link or another file"):
        start(out, force=True)
    (out / LOCK).unlink()
    start(out, force=True)
    assert precious.read_text() == PRECIOUS
    checkpoint_files(out / "checkpoints")[-1].unlink()
    for name in [*LINKED[1:4], *LINKED[5:7], "summary.json"]:
        link(name)
    go_on(out)
    assert precious.read_text() == PRECIOUS
    assert json.loads((out / "summary.json").read_text())["steps"] == 60
    leftovers = [path for path in out.iterdir() if path.name.startswith(".")]
    assert leftovers == []


def test_links_to_the_files_of_a_run_become_files_of_its_own(whole, died, tmp_path):
    """A copy by links shares no file with a run that is gone on with."""
    copied = tmp_path / "copy"
    shutil.copytree(died, copied, copy_function=os.link)
    (copied / LOCK).unlink()
    shutil.move(copied / "thermo.csv", tmp_path / "elsewhere.csv")
    (copied / "thermo.csv").symlink_to(tmp_path / "elsewhere.csv")
    before = {path.name: path.read_bytes() for path in died.iterdir() if path.is_file()}
    go_on(copied)
    same_run(whole, copied)
    assert {path.name: path.read_bytes() for path in died.iterdir() if path.is_file()} == before
    assert (tmp_path / "elsewhere.csv").read_bytes() == before["thermo.csv"]


@pytest.mark.parametrize("what", ["text", "pipe", "folder", "long"])
def test_lock_that_is_none_is_refused_and_kept(tmp_path, what):
    path = tmp_path / LOCK
    if what == "pipe":
        os.mkfifo(path)
    elif what == "folder":
        path.mkdir()
    else:
        path.write_text("my notes" if what == "text" else PRECIOUS)
    with pytest.raises(InputError), locked(tmp_path):
        pass
    assert path.exists()
