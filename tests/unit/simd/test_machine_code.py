"""Code that comes with the package is of the present sources and does what numba's does."""

from __future__ import annotations

import ctypes
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from limlff.neighbors.cells import call_search
from limlff.neighbors.host import build_neighbors
from limlff.simd import machine_code
from limlff.simd.machine_code import FOLDER, MANIFEST, address_of, source_digest

needs_its_kind = pytest.mark.skipif(
    json.loads(MANIFEST.read_text())["triple"] != machine_code.llvm.get_process_triple(),
    reason="the code that comes with the package is for another kind of machine",
)


def test_the_code_that_comes_with_the_package_is_of_the_present_sources() -> None:
    assert json.loads(MANIFEST.read_text())["sources"] == source_digest(), (
        "run `python -m limlff.kernels.prebuild`"
    )


@needs_its_kind
def test_every_function_is_loaded_from_the_package() -> None:
    for name in json.loads(MANIFEST.read_text())["sha256"]:
        assert machine_code._from_package(name)


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
    (own_folder / MANIFEST.name).write_text(json.dumps({**manifest, key: "other"}))
    assert machine_code._from_package("neighbor_search") is None


def test_damaged_or_missing_code_is_not_used(own_folder: Path) -> None:
    file = own_folder / "neighbor_search.bc.xz"
    file.write_bytes(file.read_bytes()[:-1] + b"x")
    assert machine_code._from_package("neighbor_search") is None
    file.unlink()
    assert machine_code._from_package("neighbor_search") is None


@needs_its_kind
@pytest.mark.parametrize("damage", [b"", b"cut", None], ids=["empty", "cut", "whole"])
def test_code_kept_for_this_cpu_is_used_only_if_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, damage: bytes | None
) -> None:
    monkeypatch.setenv("LIMLFF_CACHE_DIR", str(tmp_path))
    assert machine_code._from_package("neighbor_order")
    (kept,) = tmp_path.glob("neighbor_order-*.code")
    whole = kept.read_bytes()
    if damage is not None:
        kept.write_bytes(whole[:1000] if damage else b"")
    made = []
    parse = machine_code.llvm.parse_bitcode
    monkeypatch.setattr(
        machine_code.llvm, "parse_bitcode", lambda bitcode: made.append(1) or parse(bitcode)
    )
    assert machine_code._from_package("neighbor_order")
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
    address = address_of.__wrapped__("neighbor_search", call_search)
    kind = ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)
    from limlff.neighbors import search

    order = search.compiled()[1]
    monkeypatch.setattr(search, "compiled", lambda: (kind(address), order))
    found, _ = build_neighbors(*configuration)
    np.testing.assert_array_equal(found.lists, expected.lists)
    np.testing.assert_array_equal(found.ghost_owner, expected.ghost_owner)
