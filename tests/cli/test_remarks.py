"""What readers remark is said by every command that reads frames, on standard error, once."""

from __future__ import annotations

import pytest

from limlff.cli.main import main
from limlff.frames.read import read_frames
from limlff.frames.remarks import MOST_REMARKS, tell_remarks

FRAME = """2
Lattice="3.44 0 0 0 3.44 0 0 0 3.44" Properties=species:S:1:pos:R:3:forces:R:3 {keys}
Li 0 0 0 0.1 0 0
Li 1.72 1.72 1.9 -0.1 0 0
"""


@pytest.fixture
def files(tmp_path):
    """A file with two energies per frame, and one of which a frame did not converge."""
    (tmp_path / "two.extxyz").write_text(FRAME.format(keys="energy=-1.0 REF_energy=-3.8") * 3)
    (tmp_path / "scf.extxyz").write_text(
        FRAME.format(keys="energy=-3.8") + FRAME.format(keys="energy=-9.9 scf_converged=F")
    )
    return [str(tmp_path / "two.extxyz"), str(tmp_path / "scf.extxyz")]


@pytest.mark.parametrize("command", ["convert", "evaluate", "label"])
def test_commands_say_what_readers_remark(files, tmp_path, capsys, command):
    out = str(tmp_path / "out.extxyz")
    words = {
        "convert": ["data", "convert", *files, out],
        "evaluate": ["evaluate", "li", *files],
        "label": ["label", "li", *files, "--out", out],
    }[command]
    assert main(words) == 0
    said = capsys.readouterr().err
    replaces = command == "label"  # which of the labels it found is of no interest
    assert said.count("energy is there too, and REF_energy was taken (3 frames") == 1 - replaces
    assert said.count("did not converge") == 1 and "scf.extxyz, frame 1" in said
    if command == "convert":
        assert [frame.energy for frame in read_frames(out)] == [-3.8] * 4


def test_training_says_what_readers_remark_before_it_begins(files, tmp_path, capsys):
    """The cutoff holds no pair, so it ends where it would begin."""
    (tmp_path / "recipe.yaml").write_text(
        "elements: [Li]\nmodel: {architecture: moment, cutoff: 1.5}\n"
        "data: [{name: own, files: [two.extxyz, scf.extxyz]}]\nvalidation: {fraction: 0.0}\n"
    )
    words = ["train", str(tmp_path / "recipe.yaml"), "--out", str(tmp_path / "out"), "--quiet"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("REF_energy was taken (3 frames") == 1
    assert "scf.extxyz: left out: its electronic steps did not converge" in said
    assert "3 frames repeat a structure and weigh double" in said
    assert "no two atoms" in said.splitlines()[-1]


@pytest.mark.parametrize("command", ["check", "convert", "evaluate", "label"])
@pytest.mark.parametrize("content", ["", "\n \n"])
def test_a_file_without_frames_is_named_by_every_command(files, tmp_path, capsys, command, content):
    (tmp_path / "nothing.extxyz").write_text(content)
    nothing, out = str(tmp_path / "nothing.extxyz"), str(tmp_path / "out.extxyz")
    words = {
        "check": ["data", "check", nothing],
        "convert": ["data", "convert", files[0], nothing, out],
        "evaluate": ["evaluate", "li", files[0], nothing],
        "label": ["label", "li", files[0], nothing, "--out", out],
    }[command]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1 and "nothing.extxyz" in said
    assert not (tmp_path / "out.extxyz").exists()


def test_remarks_are_said_once_and_not_without_end(capsys):
    tell_remarks(["same"] * 5 + [f"other {number}" for number in range(100)])
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == MOST_REMARKS + 1 and lines.count("warning: same") == 1
    assert "81 more" in lines[-1]
