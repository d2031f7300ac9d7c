"""Compiled programs that are kept between runs."""

from __future__ import annotations

from numba.core import config

from limlff.compile_cache import numba_cache


def test_a_change_in_any_package_that_a_function_takes_in_gives_another_folder(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("LIMLFF_CACHE_DIR", str(tmp_path / "cache"))
    packages = [tmp_path / "kernels", tmp_path / "models"]
    for package in packages:
        package.mkdir()
        (package / "constants.py").write_text("AMPLITUDE = 1.0\n")

    def folder() -> str:
        with numba_cache(*packages) as kept:
            assert kept
            return str(config.CACHE_DIR)

    before = folder()
    assert folder() == before
    (packages[1] / "constants.py").write_text("AMPLITUDE = 2.0\n")
    assert folder() != before


def test_without_a_folder_nothing_is_kept_and_numba_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMLFF_CACHE_DIR", "")
    before = config.CACHE_DIR
    with numba_cache(tmp_path) as kept:
        assert not kept and before == config.CACHE_DIR
