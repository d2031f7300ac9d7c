"""Pages are listed and their links lead somewhere; the tutorial runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from ase.io import read

from limlff.cli.main import main
from limlff.frames.read import read_frames

ROOT = Path(__file__).resolve().parents[2]
PAGES = [*sorted((ROOT / "docs").glob("*.md")), ROOT / "README.md", *ROOT.glob("workflows/*/*.md")]
TUTORIAL = (ROOT / "docs/tutorial.md").read_text(encoding="utf-8")


def test_index_names_every_page():
    index = (ROOT / "docs/index.md").read_text(encoding="utf-8")
    listed = re.findall(r"^\| \[([\w-]+\.md)\]", index, re.M)
    pages = {page.name for page in (ROOT / "docs").glob("*.md")} - {"index.md"}
    assert sorted(listed) == sorted(pages)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_to_files(page):
    links = re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))
    here = [link for link in links if "://" not in link]
    assert [link for link in here if not (page.parent / link).exists()] == []


def blocks(language: str) -> list[str]:
    """Code blocks of the tutorial in a language; commands have none."""
    found = re.findall(r"^```(\w*)\n(.*?)^```", TUTORIAL, re.S | re.M)
    return [text for kind, text in found if kind == language]


def block(language: str, containing: str) -> str:
    """The one code block that holds a text."""
    (found,) = [text for text in blocks(language) if containing in text]
    return found


def commands() -> list[list[str]]:
    """The words of every limlff command that the tutorial shows in a block, in order."""
    lines = [line.split("#")[0].split() for text in blocks("") for line in text.splitlines()]
    return [words[1:] for words in lines if words[:1] == ["limlff"]]


def follow(folder: Path, monkeypatch, quick: dict[str, str]) -> None:
    """Write the tutorial's files into a folder and run its commands there.

    Args:
        quick: What is replaced in its files, to be done sooner.
    """
    monkeypatch.chdir(folder)
    files = {name: block("yaml", f"# {name}") for name in ("recipe.yaml", "npt.yaml")}
    script = block("python", "# sample.py")
    for old, new in quick.items():
        assert old in script + "".join(files.values()), f"the tutorial has no {old!r} any more"
        script = script.replace(old, new)
        files = {name: text.replace(old, new) for name, text in files.items()}
    for name, text in files.items():
        Path(name).write_text(text, encoding="utf-8")
    exec(script, {})
    for words in commands():
        if words[0] == "run" and quick:
            words = [*words, *SHORT_STUDY]
        assert main(words) == 0, f"limlff {' '.join(words)}"


SHORT_STUDY = [
    word
    for setting in (
        "repeats=[5,5,5]",
        "hole.missing_atoms=10",
        "reference.equilibration_ps=0.02",
        "reference.duration_ps=0.02",
        "dynamics.duration_ps=0.04",
        "dynamics.frame_every_ps=0.01",
        "mobility_lag_ps=0.02",
        "pressures_gpa=[0.0]",
        "processes=1",
    )
    for word in ("--set", setting)
]


def test_tutorial_runs(tmp_path, monkeypatch, capsys):
    """Every file and command of it, with fewer steps and epochs and a smaller hole."""
    quick = {
        "STEPS = 100": "STEPS = 1",
        "for missing in (4, 12, 25)": "for missing in (4,)",
        "for kelvin in (100, 300, 500)": "for kelvin in (300,)",
        "epochs: 60": "epochs: 1",
        "radial: 8, max_degree: 2, channels: 12": "radial: 4, max_degree: 1, channels: 4",
        "steps: 5000": "steps: 10",
        "guards: {max_grade: 3}": "guards: {max_grade: 3, uncertain_for_steps: 100}",
    }
    follow(tmp_path, monkeypatch, quick)
    frames = read_frames(tmp_path / "frames.extxyz")
    assert all(frame.energy is not None and frame.forces is not None for frame in frames)
    assert len(read(tmp_path / "run/final.extxyz")) == 432
    assert (tmp_path / "healed/index.html").is_file()


@pytest.mark.slow
def test_tutorial_as_it_stands_heals_a_hole(tmp_path, monkeypatch):
    follow(tmp_path, monkeypatch, {})
    study = yaml.safe_load((tmp_path / "healed/healing.json").read_text(encoding="utf-8"))
    closing = [run["closed_at_ps"] for run in study["runs"]]
    assert all(time is not None and 0 < time < 12 for time in closing)
