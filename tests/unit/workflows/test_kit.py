"""What the kit refuses: runs without folders, results that JSON cannot hold, filled folders."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from limlff.errors import InputError
from limlff.folder_lock import locked
from limlff.workflows import study
from limlff.workflows.as_json import as_json
from limlff.workflows.contract import Study, StudySettings
from limlff.workflows.runs import simulate_all


class Named(Study):
    """A study whose runs have any names and give them back."""

    settings = StudySettings
    stages = ("part",)

    def __init__(self, *names: str) -> None:
        self.names = names

    def runs(self, settings):
        return {name: name for name in self.names}

    def simulate(self, run, workspace):
        return workspace.folder("part").name

    def summarize(self, settings, outcomes):
        return ""

    def report(self, settings, outcomes, out):
        raise NotImplementedError


def folders_of(named: Study, out: Path) -> list[str]:
    settings = StudySettings(study="named", processes=1)
    return simulate_all(named, settings, out, lambda news: None)


def test_folders_are_named_by_stage_and_run(tmp_path):
    assert folders_of(Named("-1.5-GPa", "a_b"), tmp_path) == ["part--1.5-GPa", "part-a_b"]


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ((), "the settings ask for no run; give at least one"),
        (("fine", "../other"), "a run has the name '../other', which is part"),
        (("two\nlines",), "take letters, digits"),
        (("",), "a run has the name ''"),
    ],
)
def test_runs_that_can_have_no_folder_are_refused(names, words, tmp_path):
    with pytest.raises(InputError, match=words):
        folders_of(Named(*names), tmp_path)


@dataclass(frozen=True)
class Result:
    mean: np.float64
    values: np.ndarray
    files: object = None


def test_results_become_what_json_holds():
    result = {"a": [Result(np.float64("nan"), np.array([1.0, np.inf]))], "b": (np.int64(3), True)}
    expected = {"a": [{"mean": None, "values": [1.0, None], "files": None}], "b": [3, True]}
    assert as_json(result) == expected


@pytest.mark.parametrize("value", [{1, 2}, Path("x"), 1j])
def test_what_json_cannot_hold_is_named(value):
    with pytest.raises(TypeError, match=rf"is a {type(value).__name__}, which JSON cannot hold"):
        as_json({"a": [Result(np.float64(1), np.zeros(2), value)]})


def test_results_of_a_study_that_ended_meanwhile_are_not_removed(tmp_path, monkeypatch):
    """Another process has filled the folder between the first look at it and the lock."""
    out = tmp_path / "out"

    @contextmanager
    def locked_late(folder):
        with locked(folder):
            (folder / "healing.json").write_text("its numbers")
            yield

    monkeypatch.setattr(study, "locked", locked_late)
    (tmp_path / "mine.yaml").write_text("study: healing\n")
    with pytest.raises(InputError, match=r"holds a study already \(healing.json\)"):
        study.run_study(tmp_path / "mine.yaml", out, [], progress=False)
    assert (out / "healing.json").read_text() == "its numbers"
