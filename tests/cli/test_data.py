"""`limlff data` as a user meets it: reports, conversions, refusals in one line."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

from limlff.cli.main import main
from limlff.frames.digest import frames_digest
from limlff.frames.extxyz import write_extxyz
from limlff.frames.read import read_frames


@pytest.fixture
def example(shared):
    return shared / "data" / "mlearn-Li" / "test.extxyz"


def test_check_prints_a_report_and_writes_json(example, tmp_path, capsys):
    out = tmp_path / "report.json"
    assert main(["data", "check", str(example), str(example), "--json", str(out)]) == 0
    text = capsys.readouterr().out
    for fact in ("29 with 1320 atoms, 2 to 54 each", "-0.76 to 3.07 GPa", "2.130 Å", "key forces"):
        assert fact in text
    reports = json.loads(out.read_text())
    assert len(reports) == 2 and reports[0]["with_stress"] == 29
    assert reports[0]["stress_sign"]["verdict"] == "fits"


def test_check_and_convert_know_cores(example, tmp_path, capsys):
    """As of cells cut out at a stop: how many there are is said, and none is lost."""
    frames = read_frames(example)[:3]
    core = np.arange(len(frames[1])) < 2
    frames[1] = replace(frames[1], core=core)
    write_extxyz(frames, tmp_path / "cut.extxyz")
    assert main(["data", "convert", str(tmp_path / "cut.extxyz"), str(tmp_path / "cut.h5")]) == 0
    assert main(["data", "check", str(tmp_path / "cut.h5")]) == 0
    assert "1 frames, 2 atoms" in capsys.readouterr().out
    assert main(["data", "check", str(example)]) == 0
    assert "cores" not in capsys.readouterr().out
    assert np.array_equal(read_frames(tmp_path / "cut.h5")[1].core, core)


def test_a_bad_file_does_not_hide_the_good_ones(example, tmp_path, capsys):
    bad = tmp_path / "bad.extxyz"
    lines = example.read_text().splitlines()
    atoms = int(lines[0])
    words = lines[atoms + 1].split()
    lines[atoms + 1] = " ".join([*words[:4], "nan", *words[5:]])
    bad.write_text("\n".join(lines))
    unlabelled = tmp_path / "unlabelled.extxyz"
    unlabelled.write_text('1\nLattice="3 0 0 0 3 0 0 0 3"\nLi 0 0 0\n')
    files = [str(bad), str(tmp_path / "missing.extxyz"), str(unlabelled), str(example)]
    assert main(["data", "check", *files]) == 2
    printed = capsys.readouterr()
    errors = printed.err.splitlines()
    assert len(errors) == 3
    assert f"bad.extxyz, frame 0: forces of atom {atoms - 1} is nan" in errors[0]
    assert "missing.extxyz" in errors[1]
    assert "unlabelled.extxyz, frame 0: has neither energy nor forces" in errors[2]
    assert "29 with 1320 atoms" in printed.out


def test_convert_joins_files_and_keeps_every_digit(example, shared, tmp_path, capsys):
    other = shared / "data" / "gpaw-Li-Cu" / "test.extxyz"
    frames = read_frames(example) + read_frames(other)
    expected, atoms = frames_digest(frames), sum(map(len, frames))
    store, text = tmp_path / "all.h5", tmp_path / "all.extxyz.xz"
    assert main(["data", "convert", str(example), str(other), str(store)]) == 0
    assert f"{len(frames)} frames, {atoms} atoms" in capsys.readouterr().out
    assert main(["data", "convert", str(store), str(text)]) == 0
    assert frames_digest(read_frames(store)) == frames_digest(read_frames(text)) == expected


def test_convert_never_overwrites_unasked(example, tmp_path, capsys):
    out = tmp_path / "all.h5"
    out.write_text("precious")
    assert main(["data", "convert", str(example), str(out)]) == 2
    assert "add --force" in capsys.readouterr().err and out.read_text() == "precious"
    assert main(["data", "convert", str(example), str(out), "--force"]) == 0
    assert len(read_frames(out)) == 29


def test_convert_refuses_an_unknown_format_and_bad_frames(example, tmp_path, capsys):
    assert main(["data", "convert", str(example), str(tmp_path / "all.csv")]) == 2
    assert ".h5 or .extxyz" in capsys.readouterr().err
    bad = tmp_path / "bad.extxyz"
    bad.write_text('1\nLattice="3 0 0 0 3 0 0 0 3" energy=nan\nLi 0 0 0\n')
    assert main(["data", "convert", str(bad), str(tmp_path / "all.h5")]) == 2
    nowhere = tmp_path / "nowhere" / "all.h5"
    assert main(["data", "convert", str(example), str(nowhere)]) == 2
    assert "there is no folder" in capsys.readouterr().err
    assert not (tmp_path / "all.h5").exists()


def test_help_needs_no_heavy_import():
    """`limlff data --help` answers without jax, ASE or h5py."""
    script = (
        "import sys\nfrom limlff.cli.main import main\n"
        "try:\n    main(['data', '--help'])\nexcept SystemExit:\n    pass\n"
        "print([name for name in ('jax', 'h5py', 'scipy', 'ase') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert "check" in done.stdout and done.stdout.splitlines()[-1] == "[]"
