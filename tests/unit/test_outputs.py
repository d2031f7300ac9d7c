"""What is written replaces nothing unasked, what is read never, and leaves no halves behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from limlff.atomic_file import remove_leftovers, replaced_when_whole, write_text_whole
from limlff.errors import InputError
from limlff.outputs import FolderKind, check_output_file, check_output_folder

KIND = FolderKind("a run", ("thermo.csv",), ("md.yaml",), "run.lock", "resume it or --force")


@pytest.fixture
def labels(tmp_path) -> Path:
    path = tmp_path / "labels.extxyz"
    path.write_text("years of DFT")
    return path


def alias(path: Path, how: str) -> Path:
    """Another name of the same file."""
    other = path.with_name(f"{how}.extxyz")
    if how == "dots":
        return path.parent / ".." / path.parent.name / path.name
    if how == "symlink":
        other.symlink_to(path)
    elif how == "hard link":
        other.hardlink_to(path)
    else:
        return path
    return other


@pytest.mark.parametrize("force", [False, True])
@pytest.mark.parametrize("how", ["itself", "dots", "symlink", "hard link"])
def test_an_input_is_never_an_output(labels, how, force):
    name = alias(labels, how)
    with pytest.raises(InputError, match="is read as input"):
        check_output_file(name, [labels], force)
    with pytest.raises(InputError, match="is read as input"):
        check_output_file(name, [labels.parent], force)  # all files of a folder


def test_a_file_that_is_there_needs_force(labels):
    other = labels.with_name("other.extxyz")
    with pytest.raises(InputError, match=r"is there already; .*--force"):
        check_output_file(labels, [other], False)
    check_output_file(labels, [other], True)
    check_output_file(other, [labels], False)
    other.symlink_to(labels.with_name("nothing"))  # leads nowhere yet
    with pytest.raises(InputError, match="is there already"):
        check_output_file(other, [labels], False)


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ("", "is a folder"),
        ("missing/new.json", "there is no folder"),
        ("labels.extxyz/new.json", "is a file, not a folder"),
    ],
)
def test_what_cannot_be_written_is_refused_before_the_work(tmp_path, labels, place, message):
    with pytest.raises(InputError, match=message):
        check_output_file(tmp_path / place, [], False)
    with pytest.raises(InputError, match="/proc: "):
        check_output_file(Path("/proc/new.json"), [], False)


@pytest.mark.parametrize(
    ("names", "message"),
    [
        ([], None),
        (["run.lock"], None),
        (["run.lock", "md.yaml"], None),  # a start that failed
        (["md.yaml"], r"holds other files \(md.yaml\)"),  # somebody's own
        (["run.lock", "thesis.tex"], r"holds other files \(thesis.tex\)"),
        (["run.lock", "thermo.csv", "md.yaml"], r"holds a run already \(thermo.csv\)"),
    ],
)
def test_a_folder_is_filled_if_nothing_of_value_is_in_it(tmp_path, names, message):
    for name in names:
        (tmp_path / name).touch()
    if message:
        with pytest.raises(InputError, match=message):
            check_output_folder(tmp_path, KIND, [], force=False)
    else:
        check_output_folder(tmp_path, KIND, [], force=False)
    check_output_folder(tmp_path, KIND, [], force=True)


def test_a_way_through_a_folder_that_is_missing_leads_around_no_check(tmp_path, labels):
    """The folder would be made, and the way then lead to one that is full."""
    way = tmp_path / "new" / "deep" / ".." / ".."
    with pytest.raises(InputError, match=r"there is no folder .*deep; write the path without"):
        check_output_folder(way, KIND, [], False)
    with pytest.raises(InputError, match="there is no folder"):
        check_output_file(tmp_path / "new" / ".." / labels.name, [labels], True, make_folders=True)
    check_output_folder(tmp_path / ".." / tmp_path.name / "new", KIND, [], False)


def test_settings_that_are_read_are_not_replaced_by_the_settings_as_run(tmp_path):
    (tmp_path / "md.yaml").write_text("# mine\n")
    (tmp_path / "start.xyz").touch()
    inputs = [tmp_path / "md.yaml", tmp_path / "start.xyz"]
    with pytest.raises(InputError, match=r"md\.yaml: is read as input"):
        check_output_folder(tmp_path, KIND, inputs, force=True)
    check_output_folder(tmp_path, KIND, inputs[1:], force=True)  # another name stays as it is


def test_a_log_of_this_process_may_lie_in_its_folder(tmp_path):
    """`limlff md ... --out run > run/log`"""
    code = (
        "import sys; from pathlib import Path; sys.path.insert(0, sys.argv[2])\n"
        "from limlff.outputs import *\n"
        "kind = FolderKind('a run', (), (), 'run.lock', '')\n"
        "check_output_folder(Path(sys.argv[1]), kind, [], False)"
    )
    with open(tmp_path / "log", "w") as log:
        command = [sys.executable, "-c", code, str(tmp_path), os.getcwd()]
        subprocess.run(command, stdout=log, check=True)


def test_devices_and_pipes_are_written_to_and_stay(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    check_output_file(pipe, [], False)
    reader = subprocess.Popen(["cat", str(pipe)], stdout=subprocess.PIPE, text=True)
    write_text_whole(pipe, "numbers")
    assert reader.communicate()[0] == "numbers" and pipe.is_fifo()
    with pytest.raises(OSError, match="No space left"):
        write_text_whole(Path("/dev/full"), "numbers")
    assert Path("/dev/full").is_char_device()
    assert [path.name for path in tmp_path.iterdir()] == ["pipe"]


def test_a_write_that_fails_leaves_what_was_there(labels):
    with pytest.raises(OSError, match="broken"), replaced_when_whole(labels) as temporary:
        temporary.write_text("half")
        raise OSError("broken")
    assert labels.read_text() == "years of DFT"
    assert list(labels.parent.iterdir()) == [labels]


def test_leftovers_of_dead_processes_are_removed_and_nothing_else(tmp_path):
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    names = [
        f".{dead.pid}.potential.limlff",  # only this one
        f".{os.getpid()}.potential.limlff",
        f".{dead.pid}.notes.txt",
        ".potential.limlff",
        "potential.limlff",
    ]
    for name in names:
        (tmp_path / name).touch()
    remove_leftovers(tmp_path, ["potential.*"])
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names[1:])
