"""Code that comes with the package is of the present sources and does what numba's does."""

from __future__ import annotations

import inspect
import json
import shutil
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from limlff.kernels.prebuild import PROGRAMS
from limlff.neighbors import search
from limlff.neighbors.cells import ORDER, SEARCH
from limlff.neighbors.host import build_neighbors
from limlff.simd import machine_code
from limlff.simd.machine_code import FOLDER, MANIFEST, Program, source_digest

needs_its_kind = pytest.mark.skipif(
    json.loads(MANIFEST.read_text())["triple"] != machine_code.llvm.get_process_triple(),
    reason="the code that comes with the package is for another kind of machine",
)


def test_the_code_that_comes_with_the_package_is_of_the_present_sources() -> None:
    present = {program.name: source_digest(program) for program in PROGRAMS}
    assert json.loads(MANIFEST.read_text())["sources"] == present, (
        "run `python -m limlff.kernels.prebuild`"
    )


def _functions_of(function: Callable[..., Any]) -> list[tuple[Callable[..., Any], bool]]:
    """Functions of the package behind a compiled one, and whether they get code of their own."""
    functions, seen, left = [], set(), [function]
    while left:
        wrapped = left.pop()
        is_compiled = hasattr(wrapped, "py_func")  # others write code into their callers'
        found = getattr(wrapped, "py_func", getattr(wrapped, "_defn", wrapped))
        found = inspect.unwrap(found) if callable(found) else found
        file = Path(getattr(getattr(found, "__code__", None), "co_filename", "")).resolve()
        if machine_code.PACKAGE not in file.parents or id(found) in seen:
            continue
        seen.add(id(found))
        functions.append((found, is_compiled))
        variables = inspect.getclosurevars(found)
        left += [*variables.globals.values(), *variables.nonlocals.values()]
    return functions


def _files_of(function: Callable[..., Any]) -> set[Path]:
    return {Path(found.__code__.co_filename).resolve() for found, _ in _functions_of(function)}


def test_no_two_functions_that_are_compiled_have_the_same_name() -> None:
    """numba names code by them; two in one process, from caches, would be taken for each other."""
    functions = {
        id(found): (found.__module__, found.__qualname__)
        for program in PROGRAMS
        for found, is_compiled in _functions_of(program.function)
        if is_compiled
    }
    assert len(functions) > 40
    names = Counter(functions.values())
    assert [name for name, times in names.items() if times > 1] == []


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda program: program.name)
def test_every_file_whose_functions_are_compiled_is_among_the_sources(program: Program) -> None:
    """Files in which the compiled function, and all that it calls, are written."""
    named = {
        file.resolve()
        for pattern in ("simd/*.py", *program.sources)
        for file in machine_code.PACKAGE.glob(pattern)
    }
    assert all(any(machine_code.PACKAGE.glob(pattern)) for pattern in program.sources)
    files = _files_of(program.function)
    assert len(files) > len(program.sources) and files <= named


@needs_its_kind
def test_every_function_is_loaded_from_the_package() -> None:
    assert set(json.loads(MANIFEST.read_text())["sha256"]) == {one.name for one in PROGRAMS}
    for program in PROGRAMS:
        assert machine_code._from_package(program)


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the folder that may be spoilt."""
    folder = tmp_path / "prebuilt"
    shutil.copytree(FOLDER, folder)
    monkeypatch.setattr(machine_code, "FOLDER", folder)
    monkeypatch.setattr(machine_code, "MANIFEST", folder / MANIFEST.name)
    return folder


@needs_its_kind
@pytest.mark.parametrize("key", ["triple", "sources"])
def test_code_of_other_sources_or_machines_is_not_used(own_folder: Path, key: str) -> None:
    manifest = json.loads((own_folder / MANIFEST.name).read_text())
    other = {"triple": "other", "sources": dict.fromkeys(manifest["sources"], "other")}
    (own_folder / MANIFEST.name).write_text(json.dumps({**manifest, key: other[key]}))
    assert machine_code._from_package(SEARCH) is None


def test_damaged_or_missing_code_is_not_used(own_folder: Path) -> None:
    file = own_folder / "neighbor_search.bc.xz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert machine_code._from_package(SEARCH) is None
    file.unlink()
    assert machine_code._from_package(SEARCH) is None


@needs_its_kind
@pytest.mark.parametrize("damage", [b"", b"cut", None], ids=["empty", "cut", "whole"])
def test_code_kept_for_this_cpu_is_used_only_if_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("LIMLFF_CACHE_DIR", str(tmp_path))
    assert machine_code._from_package(ORDER)
    (kept,) = tmp_path.glob("neighbor_order-*.code")
    whole = kept.read_bytes()
    if damage is not None:
        kept.write_bytes(whole[:1000] if damage else b"")
    made = []
    parse = machine_code.llvm.parse_bitcode
    monkeypatch.setattr(
        machine_code.llvm, "parse_bitcode", lambda bitcode: made.append(1) or parse(bitcode)
    )
    assert machine_code._from_package(ORDER)
    assert bool(made) == (damage is not None)
    assert kept.read_bytes() == whole


@needs_its_kind
def test_numba_compiles_what_is_missing_to_the_same(
    own_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The search, by numba: the same lists as with the code of the package."""
    random = np.random.default_rng(0)
    configuration = (random.random((60, 3)) * 9.0, 9.0 * np.eye(3), np.ones(3, bool), 4.0)
    expected, _ = build_neighbors(*configuration)
    (own_folder / "neighbor_search.bc.xz").unlink()
    monkeypatch.setattr(machine_code, "address_of", machine_code.address_of.__wrapped__)
    monkeypatch.setattr(search, "callable_of", machine_code.callable_of.__wrapped__)
    by_numba = []
    compile_anew = machine_code._by_numba
    monkeypatch.setattr(
        machine_code, "_by_numba", lambda one: by_numba.append(one.name) or compile_anew(one)
    )
    found, _ = build_neighbors(*configuration)
    np.testing.assert_array_equal(found.lists, expected.lists)
    np.testing.assert_array_equal(found.ghost_owner, expected.ghost_owner)
    assert by_numba == ["neighbor_search"]
