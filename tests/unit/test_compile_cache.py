"""Compiled programs that are kept between runs."""

from __future__ import annotations

from numba.core import config

from limlff.compile_cache import numba_cache


def test_other_sources_are_kept_in_another_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMLFF_CACHE_DIR", str(tmp_path / "cache"))

    def folder(digest: str) -> str:
        with numba_cache(digest) as kept:
            assert kept
            return str(config.CACHE_DIR)

    before = config.CACHE_DIR
    assert folder("a" * 64) == folder("a" * 64) != folder("b" * 64)
    assert before == config.CACHE_DIR


def test_without_a_folder_nothing_is_kept_and_numba_is_left_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("LIMLFF_CACHE_DIR", "")
    before = config.CACHE_DIR
    with numba_cache("a" * 64) as kept:
        assert not kept and before == config.CACHE_DIR
