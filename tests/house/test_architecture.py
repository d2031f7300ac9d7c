"""docs/architecture.md: its picture is that of the imports, its walks lead over real functions."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from draw_floors import PICTURE, picture

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs/architecture.md"
STATION = re.compile(r"^(\d+)\. `([\w.]+)` in \[[\w.]+\]\(([\w./-]+)\): ", re.M)
MOST_STATIONS = 10
MOST_FILES, MOST_LINES = 6, 900  # on the way from a structure to forces


def walks() -> dict[str, list[tuple[str, Path]]]:
    """Functions and their files, by the title of the walk."""
    sections = re.split(r"^## (.+)\n", PAGE.read_text(encoding="utf-8"), flags=re.M)[1:]
    found = {}
    for title, text in zip(sections[::2], sections[1::2], strict=True):
        stations = STATION.findall(text)
        assert len(stations) == len(re.findall(r"^\d+\. ", text, re.M)), title
        assert [int(number) for number, _, _ in stations] == list(range(1, len(stations) + 1))
        if stations:
            found[title] = [(name, (PAGE.parent / file).resolve()) for _, name, file in stations]
    return found


def test_picture_is_that_of_the_imports():
    drawn = PICTURE.read_text(encoding="utf-8")
    assert drawn == picture(), "draw it again: python docs/architecture/draw_floors.py"


def test_three_walks_have_few_stations():
    assert [1 < len(stations) <= MOST_STATIONS for stations in walks().values()] == [True] * 3


@pytest.mark.parametrize(
    ("name", "file"), [station for stations in walks().values() for station in stations]
)
def test_station_is_a_function_of_its_file(name, file):
    found: ast.AST = ast.parse(file.read_text(encoding="utf-8"))
    for part in name.split("."):
        (found,) = [
            node
            for node in ast.iter_child_nodes(found)
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name == part
        ]
    assert isinstance(found, ast.FunctionDef)


def test_the_way_from_a_structure_to_forces_is_short():
    (way,) = [stations for title, stations in walks().items() if "forces" in title]
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for _, file in way}
    assert len(lines) <= MOST_FILES
    assert sum(lines.values()) <= MOST_LINES, lines
