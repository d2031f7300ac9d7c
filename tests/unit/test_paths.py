"""Paths as users write them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from limlff.calculator import Calculator
from limlff.catalog import find_potential, find_workflow
from limlff.cli.main import main
from limlff.compile_cache import cache_folder
from limlff.errors import InputError, shown
from limlff.frames.locate import locate_data
from limlff.frames.read import read_frames
from limlff.frames.store import FrameStore
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.paths import check_is_file, user_path
from limlff.potential_file import load_potential


@pytest.fixture
def home(tmp_path, monkeypatch) -> Path:
    """A home folder that is not the working folder."""
    folder = tmp_path / "home"
    folder.mkdir()
    (tmp_path / "work").mkdir()
    monkeypatch.setenv("HOME", str(folder))
    monkeypatch.chdir(tmp_path / "work")
    return folder


def test_tilde_is_the_home_folder_wherever_a_path_is_taken(home, monkeypatch):
    (home / "own.limlff").write_bytes(b"")
    (home / "study.yaml").write_bytes(b"")
    (home / "a.extxyz").write_bytes(b"")
    assert user_path("~/x") == home / "x"
    assert find_potential("~/own.limlff") == home / "own.limlff"
    assert find_workflow("~/study.yaml") == home / "study.yaml"
    assert locate_data("~/a.extxyz", Path("elsewhere")) == home / "a.extxyz"
    monkeypatch.setenv("LIMLFF_DATA", "~")
    assert locate_data("a.extxyz", Path("elsewhere")) == home / "a.extxyz"
    monkeypatch.setenv("LIMLFF_CACHE_DIR", "~/cache")
    assert cache_folder() == home / "cache"
    assert not list(Path().iterdir())


def test_tilde_is_the_home_folder_in_python(home):
    """A missing file is named with the folder in which it was looked for."""
    for read in (load_potential, read_frames, read_thermo, Trajectory, FrameStore, Calculator):
        with pytest.raises(InputError, match=str(home)):
            read("~/none.h5")


@pytest.mark.parametrize(
    "words",
    [
        ["data", "convert", "~/a.extxyz", "~/out.h5"],
        ["data", "check", "~/a.extxyz", "--json=~/report.json"],
    ],
)
def test_tilde_in_arguments_of_commands_is_the_home_folder(home, words, capsys):
    """As a shell leaves `--json=~/report.json` as it is."""
    (home / "a.extxyz").write_text(
        '1\nLattice="9 0 0 0 9 0 0 0 9" energy=-1.9 '
        "Properties=species:S:1:pos:R:3:forces:R:3\nLi 0 0 0 0 0 0\n"
    )
    assert main(words) == 0, capsys.readouterr().err
    assert (home / words[-1].rpartition("/")[2]).is_file()
    assert not list(Path().iterdir())


@pytest.mark.parametrize(
    "path", ["", "a\0b", "x" * 256, "é" * 200, "/".join(["x" * 200] * 30), "~no_such_user/x"]
)
def test_path_that_cannot_be_is_refused_by_every_way_in(path):
    for way in (user_path, find_potential, find_workflow, lambda p: locate_data(p, Path())):
        with pytest.raises(InputError) as refusal:
            way(path)
        assert len(str(refusal.value)) < 400
        assert str(refusal.value).isprintable()


def test_potential_that_is_no_file_is_refused_without_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe.limlff")
    (tmp_path / "loop.limlff").symlink_to(tmp_path / "loop.limlff")
    for name in ("pipe", "loop", "none"):
        with pytest.raises(InputError, match="no such potential file"):
            find_potential(str(tmp_path / f"{name}.limlff"))
    with pytest.raises(InputError, match="named pipe"):
        check_is_file(tmp_path / "pipe.limlff")


def test_shown_values_are_short_and_harmless_to_a_terminal():
    assert shown("a\nb\x1b[31m") == "a\\nb\\x1b[31m"
    assert len(shown("x" * 10**7)) == 80
    assert shown(Path("/a" * 200 + "/name.yaml")).endswith("/name.yaml")
