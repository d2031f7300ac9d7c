"""Compiled programs that are kept between runs."""

from __future__ import annotations

import os
import pwd
import subprocess
import sys
from pathlib import Path

import pytest
from numba.core import config

from limlff import compile_cache
from limlff.compile_cache import cache_folder, keep_jax_programs, numba_cache
from limlff.neighbors.cells import ORDER
from limlff.simd import machine_code


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


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A cache of one's own, with a program in it."""
    monkeypatch.setenv("LIMLFF_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(compile_cache, "_said", set())
    path = cache_folder()
    assert path == tmp_path / "cache"
    (path / "some-0123.code").write_bytes(b"code")
    return path


def test_the_folder_is_made_for_oneself_alone(folder):
    assert folder.stat().st_mode & 0o777 == 0o700


def _by_group(folder, monkeypatch):
    folder.chmod(0o770)


def _by_all(folder, monkeypatch):
    folder.chmod(0o777)


def _file_by_all(folder, monkeypatch):
    folder.chmod(0o755)
    (folder / "some-0123.code").chmod(0o666)


def _parent_by_all(folder, monkeypatch):
    folder.parent.chmod(0o777)


def _of_another(folder, monkeypatch):
    own = os.geteuid()
    monkeypatch.setattr(os, "geteuid", lambda: own + 1)


def _link_to_that_of_another(folder, monkeypatch):
    link = folder.with_name("link")
    link.symlink_to(folder)
    monkeypatch.setenv("LIMLFF_CACHE_DIR", str(link))
    folder.chmod(0o777)


@pytest.mark.parametrize(
    "change",
    [_by_group, _by_all, _file_by_all, _parent_by_all, _of_another, _link_to_that_of_another],
)
def test_what_others_may_have_written_is_not_used_which_is_said_once(
    folder, monkeypatch, caplog, change
):
    change(folder, monkeypatch)
    assert cache_folder() is None and cache_folder() is None
    (line,) = caplog.messages
    assert "no compiled programs are kept" in line and "\n" not in line
    monkeypatch.delenv("JAX_COMPILATION_CACHE_DIR", raising=False)
    keep_jax_programs()
    assert "JAX_COMPILATION_CACHE_DIR" not in os.environ
    with numba_cache("a" * 64) as kept:
        assert not kept


def test_code_that_another_has_planted_is_not_loaded(folder, monkeypatch):
    """Not even if its digest is right and the folder was put in order since."""
    if machine_code._from_package(ORDER) is None:
        pytest.skip("no code for this kind of machine")
    (kept,) = folder.glob("neighbor_order-*.code")
    planted, read = kept.read_bytes(), []
    kept.chmod(0o666)
    folder.chmod(0o700)
    original = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: read.append(path) or original(path))
    assert machine_code._from_package(ORDER)
    assert kept not in read
    assert original(kept) == planted


def test_files_of_the_cache_that_cannot_be_read_are_made_anew(folder):
    if machine_code._from_package(ORDER) is None:
        pytest.skip("no code for this kind of machine")
    (kept,) = folder.glob("neighbor_order-*.code")
    kept.unlink()
    kept.symlink_to(kept)  # a circle, which no one can open
    assert machine_code._from_package(ORDER)
    kept.unlink(missing_ok=True)
    kept.mkdir()
    assert machine_code._from_package(ORDER)


def test_without_a_home_nothing_is_kept(monkeypatch):
    def unknown(user):
        raise KeyError(user)

    monkeypatch.delenv("LIMLFF_CACHE_DIR", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.delenv("HOME")
    monkeypatch.setattr(pwd, "getpwuid", unknown)
    assert cache_folder() is None
    keep_jax_programs()
    monkeypatch.setenv("LIMLFF_CACHE_DIR", "~nosuchuser/cache")
    assert cache_folder() is None


def test_what_was_not_used_for_longest_makes_room(folder, monkeypatch):
    """Twelve programs of 1 kB where 10 kB are allowed: the oldest go; other files stay."""
    monkeypatch.setattr(compile_cache, "LARGEST_BYTES", 10_000)
    (folder / "jax").mkdir()
    (folder / "mine.txt").write_bytes(b"x" * 50_000)
    programs = [folder / "jax" / f"program{k}-cache" for k in range(12)]
    for age, program in enumerate(reversed(programs)):
        program.write_bytes(b"x" * 1000)
        os.utime(program, (1e9 - age, 1e9 - age))
    keep_jax_programs()
    left = [program for program in programs if program.exists()]
    assert left == programs[-len(left) :] and sum(map(_size, left)) <= 10_000
    assert len(left) >= 7 and (folder / "mine.txt").exists()


def _size(path: Path) -> int:
    return path.stat().st_size
