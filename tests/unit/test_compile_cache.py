"""Compiled programs that are kept between runs."""

from __future__ import annotations

import os
import subprocess
import sys

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


def test_a_second_start_loads_programs_and_says_nothing(tmp_path):
    """Two processes with one folder: the second compiles nothing, and its terminal stays clean."""
    program = (
        "import limlff.cli.main as cli; cli.main(['info', 'li']); import jax;"
        "print(jax.jit(lambda x: (x * 1.5).sum())(jax.numpy.arange(5.0)))"
    )
    environment = {name: v for name, v in os.environ.items() if not name.startswith(("JAX", "TF_"))}
    environment |= {"LIMLFF_CACHE_DIR": str(tmp_path), "JAX_PLATFORMS": "cpu"}
    environment["JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS"] = "0"
    kept = []
    for _ in range(2):
        ended = subprocess.run(
            [sys.executable, "-c", program], env=environment, capture_output=True, text=True
        )
        assert ended.returncode == 0 and ended.stdout.endswith("15.0\n")
        assert ended.stderr == ""
        kept.append({path.name for path in (tmp_path / "jax").glob("*-cache")})
    assert kept[0] and kept[0] == kept[1]
