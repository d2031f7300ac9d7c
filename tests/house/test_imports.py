"""Imports run downwards: the floors of docs/architecture/floors.toml, and no circles of files."""

from __future__ import annotations

import ast

import pytest
from import_graph import (
    Floors,
    circles,
    imported_modules,
    imports_between_files,
    imports_between_packages,
    read_floors,
)


@pytest.fixture(scope="module")
def floors() -> Floors:
    return read_floors()


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return imports_between_files()


def test_every_package_stands_on_one_floor(floors, graph):
    on_floors = [name for packages in floors.packages for name in packages]
    assert len(set(on_floors)) == len(on_floors)
    assert set(floors.says) == set(on_floors)
    assert {floors.package_of(file) for file in graph} <= set(on_floors)
    assert {file for file in floors.files_beside if file[:-3] not in on_floors} <= set(graph)


def test_packages_import_from_lower_floors_only(floors, graph):
    between = imports_between_packages(graph, floors)
    wrong = {pair: files for pair, files in between.items() if not floors.allow(*pair)}
    assert wrong == {}


def test_files_do_not_import_each_other_in_circles(graph):
    assert circles(graph) == []


SOURCE = '''
"""Names in prose, such as limlff.md.run, are no imports."""
from typing import TYPE_CHECKING
import limlff.units as units, numpy.linalg
if TYPE_CHECKING:
    from limlff.potential import Potential
def late():
    from limlff import frames
    import limlff.md.run
MODELS = {"mace": "limlff.models.mace:MaceModel"}
'''


def test_every_kind_of_import_is_seen():
    assert imported_modules(ast.parse(SOURCE)) == {
        "limlff.units",
        "limlff.potential.Potential",
        "limlff.frames",
        "limlff.md.run",
        "limlff.models.mace",
    }


def test_circles_are_found_also_by_way_of_others():
    graph = {
        "a": {"b"},
        "b": {"c"},
        "c": {"a"},
        "d": {"a", "e"},
        "e": {"f"},
        "f": {"e"},
        "g": set(),
    }
    assert circles(graph) == [["a", "b", "c"], ["e", "f"]]
