"""A command does not depend on who reads its messages, nor on the alphabet of the terminal."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import yaml
from ase.build import bulk
from ase.io import write
from reference_models import small_moment

from limlff.cli.main import main
from limlff.cli.streams import SteadyStream, steady_streams
from limlff.potential_file import save_potential


def nobody_reads() -> int:
    """The writing end of a pipe whose reader has gone away."""
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def full_disk() -> int:
    return os.open("/dev/full", os.O_WRONLY)


@pytest.mark.parametrize("where", [nobody_reads, full_disk])
def test_a_stream_that_fails_is_given_up_and_its_descriptor_leads_nowhere(where):
    with open(where(), "w", buffering=1) as inner:
        stream = SteadyStream(inner)
        for _ in range(3):
            assert stream.write("message\n") == 8
            stream.flush()
        assert isinstance(stream.failure, OSError)
        os.write(stream.fileno(), b"what a library or a child process says")


def test_a_pipe_that_does_not_block_gets_all(monkeypatch):
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    counter = subprocess.Popen(["wc", "-c"], stdin=reader, stdout=subprocess.PIPE, text=True)
    os.close(reader)
    with open(writer, "w") as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        with steady_streams():
            for _ in range(40_000):
                print("a line of text")
    assert counter.communicate()[0].strip() == str(15 * 40_000)


def test_what_the_terminal_does_not_know_is_written_as_near_as_possible(monkeypatch):
    written = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(written, "ascii", errors="strict"))
    with steady_streams():
        print("3.2 µs, 5 Å, 0.1 ± 0.2, 漢 \udcff")
    assert written.getvalue() == b"3.2 us, 5 A, 0.1 +- 0.2, ? ?\n"
    assert sys.stdout.errors == "strict"


def limlff(*words: object, **options) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "limlff", *map(str, words)]
    return subprocess.run(command, check=False, text=True, **options)


def test_python_m_is_the_command():
    done = limlff("--help", capture_output=True)
    assert done.returncode == 0 and done.stdout.startswith("usage: limlff ")


@pytest.mark.parametrize("words", [["--help"], ["--version"], ["info", "no-such"], ["nothing"]])
def test_without_any_stream_the_exit_code_is_the_same(words):
    expected = limlff(*words, capture_output=True).returncode
    closed = ["sh", "-c", 'exec "$0" -m limlff "$@" <&- >&- 2>&-', sys.executable, *words]
    assert subprocess.run(closed, check=False).returncode == expected
    broken = nobody_reads()
    assert limlff(*words, stdout=broken, stderr=broken).returncode == expected
    os.close(broken)


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    """A small potential, a crystal and settings of a short run."""
    path = tmp_path_factory.mktemp("run")
    potential = replace(small_moment(), card={"notes": "for Å and µs\x1b[31m"})
    save_potential(potential, path / "small.limlff")
    write(path / "start.extxyz", bulk("Li", cubic=True, a=3.44).repeat(2))
    settings = {"potential": "small.limlff", "structure": "start.extxyz", "steps": 40}
    (path / "md.yaml").write_text(yaml.safe_dump(settings))
    return path


@pytest.mark.parametrize("where", [nobody_reads, full_disk])
def test_a_run_goes_on_when_nobody_listens(folder, tmp_path, where):
    stream = where()
    done = limlff("md", folder / "md.yaml", "--out", tmp_path / "run", stdout=stream, stderr=stream)
    os.close(stream)
    assert done.returncode == 0
    assert json.loads((tmp_path / "run" / "summary.json").read_text())["steps"] == 40


def test_text_that_is_all_a_command_gives_must_not_be_lost_in_silence(folder):
    """A file on a full disk wants it; a reader that went away does not."""
    info = ["info", folder / "small.limlff"]
    lost = limlff(*info, stdout=full_disk(), stderr=subprocess.PIPE)
    assert lost.returncode == 2
    assert lost.stderr.startswith("limlff info: standard output: No space left on device")
    assert lost.stderr.count("\n") == 1
    unread = limlff(*info, stdout=nobody_reads(), stderr=subprocess.PIPE)
    assert (unread.returncode, unread.stderr) == (0, "")


def test_a_card_cannot_steer_the_terminal(folder, capsys):
    assert main(["info", str(folder / "small.limlff")]) == 0
    assert "\x1b" not in capsys.readouterr().out
