"""What a wheel holds."""

from __future__ import annotations

import tomllib
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_a_wheel_holds_all_packages():
    """Also the checks of `limlff.testing`, which authors of models use."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    found = {
        ".".join(file.parent.relative_to(ROOT).parts)
        for file in (ROOT / "limlff").rglob("__init__.py")
    }
    listed = project["tool"]["setuptools"]["packages"]
    assert {name for name in listed if not name.startswith("limlff._data")} == found


def test_a_wheel_holds_all_files_that_are_no_python():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    patterns = project["tool"]["setuptools"]["package-data"]
    listed = {
        path
        for package, globs in patterns.items()
        for pattern in globs
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    there = {path for path in (ROOT / "limlff").rglob("*") if path.is_file()}
    others = {path for path in there if path.suffix not in (".py", ".pyc")}
    assert {str(path) for path in others - listed} == set()
