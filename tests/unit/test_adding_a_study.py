"""The example of `docs/adding-a-study.md` runs as it stands, from a YAML file to its page."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest

from limlff.cli.main import main
from limlff.workflows.registry import STUDIES

PAGE = (Path(__file__).resolve().parents[2] / "docs/adding-a-study.md").read_text(encoding="utf-8")
SHORT = """
temperatures_k: [100, 300]
cells: 3
duration_ps: 1
max_runtime_minutes: 30
"""


def block(language: str) -> str:
    (found,) = re.findall(rf"```{language}\n(.*?)```", PAGE, re.S)
    return found


@pytest.fixture
def installed(tmp_path, monkeypatch) -> Path:
    """The example as an installed package that offers its entry point; a folder to work in."""
    packages, work = tmp_path / "packages", tmp_path / "work"
    (packages / "my_package").mkdir(parents=True)
    (packages / "my_package/__init__.py").touch()
    (packages / "my_package/expansion.py").write_text(block("python"), encoding="utf-8")
    (packages / "my_package-1.dist-info").mkdir()
    (packages / "my_package-1.dist-info/METADATA").write_text("Name: my_package\nVersion: 1\n")
    group, line = block("toml").splitlines()
    (name,) = re.findall(r'entry-points."(.*)"', group)
    entry = line.replace('"', "")
    (packages / "my_package-1.dist-info/entry_points.txt").write_text(f"[{name}]\n{entry}\n")
    monkeypatch.syspath_prepend(packages)
    work.mkdir()
    monkeypatch.chdir(work)
    monkeypatch.setattr(STUDIES, "_registered", {})  # forgotten afterwards
    yield work
    for module in ("my_package", "my_package.expansion"):
        sys.modules.pop(module, None)


def numbers(out: Path) -> dict:
    """All but what depends on the clock, and how many minutes were allowed."""
    content = json.loads((out / "expansion.json").read_text(), parse_constant=pytest.fail)
    content.pop("wall_minutes")
    content["settings"].pop("max_runtime_minutes")
    return content


def test_example_is_short_and_in_the_style_of_the_page(installed):
    assert len(block("python").splitlines()) <= 75
    assert max(map(len, block("python").splitlines())) <= 100


def test_example_runs_is_cut_short_and_resumed_to_the_same_numbers(installed, capsys):
    Path("mine.yaml").write_text("study: expansion\nprocesses: 2\n" + SHORT)
    assert main(["run", "mine.yaml", "--out", "whole", "--quiet"]) == 0
    whole = numbers(Path("whole"))
    assert whole["summary"] in capsys.readouterr().out
    assert "ppm/K" in whole["summary"]
    assert [run["name"] for run in whole["runs"]] == ["100-K", "300-K"]
    for run in whole["runs"]:
        assert len(run["time_ps"]) == len(run["a"]) == 21
        assert all(3.3 < value < 3.6 for value in run["a"])
    page = Path("whole/index.html").read_text(encoding="utf-8")
    assert whole["summary"] in page and page.count("data:image/png;base64,") == 1
    assert Path("whole/lattice.png").stat().st_size > 5000

    cut = ["--set", "max_runtime_minutes=1e-4"]
    assert main(["run", "mine.yaml", "--out", "cut", "--quiet", *cut]) == 0
    assert len(numbers(Path("cut"))["runs"][0]["time_ps"]) < 21
    settings = Path("cut/settings.yaml")
    settings.write_text(
        re.sub("max_runtime_minutes: .*", "max_runtime_minutes: 30", settings.read_text())
    )
    assert main(["resume", "cut", "--quiet"]) == 0
    assert numbers(Path("cut")) == whole


def test_template_of_the_example_is_offered(installed, capsys):
    assert main(["template", "expansion"]) == 0
    printed = capsys.readouterr().out
    assert "temperatures_k: [100.0, 300.0]" in printed
    assert "limlff run expansion.yaml --out DIR" in printed


def test_a_study_that_is_not_installed_is_refused(tmp_path, capsys):
    (tmp_path / "mine.yaml").write_text("study: vapor\n")
    assert main(["run", str(tmp_path / "mine.yaml"), "--out", str(tmp_path / "out")]) == 2
    assert "it must be one of deposition, fusion, healing" in capsys.readouterr().err


def test_a_package_that_cannot_be_imported_is_named_and_keeps_no_other_study_back(
    installed, capsys
):
    broken = installed.parent / "packages/my_package/expansion.py"
    broken.write_text("raise RuntimeError('its licence has expired')\n")
    Path("mine.yaml").write_text("study: expansion\n")
    for words in (["template", "expansion"], ["run", "mine.yaml", "--out", "out"]):
        assert main(words) == 2
        line = capsys.readouterr().err
        assert "expansion: is offered by my_package (my_package.expansion:Expansion)" in line
        assert "RuntimeError: its licence has expired; repair or uninstall" in line
    assert not Path("out").exists()
    assert main(["template"]) == 0 and "expansion" in capsys.readouterr().out
    assert main(["template", "healing"]) == 0
