"""Test modules are imported by nobody: what tests share stands in modules without tests."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
MODULES = {file: ast.parse(file.read_text(encoding="utf-8")) for file in TESTS.rglob("*.py")}


def names_imported(tree: ast.AST) -> set[str]:
    """First parts of the names of all modules that a file imports."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[0] for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add((node.module or "").split(".")[0])
    return found


def test_no_test_module_is_imported():
    wrong = {
        str(file.relative_to(TESTS)): sorted(names)
        for file, tree in MODULES.items()
        if (names := {name for name in names_imported(tree) if name.startswith("test_")})
    }
    assert wrong == {}


def test_modules_that_tests_share_hold_no_tests():
    shared = [file for file in MODULES if not file.name.startswith("test_")]
    tests = {
        f"{file.relative_to(TESTS)}: {node.name}"
        for file in shared
        for node in MODULES[file].body
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")
    }
    assert tests == set()


def test_no_two_files_have_the_same_name():
    """They are imported by their names alone."""
    counts = Counter(file.name for file in MODULES if file.name != "conftest.py")
    assert [name for name, count in counts.items() if count > 1] == []
