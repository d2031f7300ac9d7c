"""The folder of a run: links in it, other files, a folder that goes away, and what kills leave."""

from __future__ import annotations

import json
import shutil
from contextlib import contextmanager
from pathlib import Path

import pytest
import yaml
from md_models import COPPER, copper, settings
from md_runs import CHANGES, go_on, same_run, start

from limlff.atomic_file import replaced_when_whole
from limlff.errors import InputError, OutOfTime
from limlff.folder_lock import LOCK
from limlff.md.output.checkpoint import checkpoint_files
from limlff.md.output.thermo import read_thermo
from limlff.md.run.limits import RunLimits
from limlff.md.runner import run_within

NOBODY = 4_194_399  # a process that cannot be


def test_force_empties_a_linked_folder_of_checkpoints(tmp_path):
    """On another disk: those of a longer run before do not stay, and the new ones do."""
    out, scratch = tmp_path / "run", tmp_path / "scratch"
    start(out)
    shutil.move(out / "checkpoints", scratch)
    (out / "checkpoints").symlink_to(scratch)
    (scratch / "step_000000009999.h5").write_bytes(b"of a longer run")
    (scratch / "notes.txt").write_text("not ours")

    def stop(frame) -> bool:
        return frame.step == 20

    start(out, until=stop, force=True)
    names = sorted(path.name for path in scratch.iterdir())
    assert names == ["notes.txt", "step_000000000000.h5", "step_000000000020.h5"]


def test_force_fails_where_old_checkpoints_cannot_be_removed(tmp_path, monkeypatch):
    out = tmp_path / "run"
    start(out)

    remove = Path.unlink

    def refuse(path, missing_ok=False):
        if path.suffix == ".h5":
            raise PermissionError(13, "Permission denied", str(path))
        remove(path, missing_ok)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "unlink", refuse)
        with pytest.raises(InputError, match=r"cannot be removed: .*step_.*Permission denied"):
            start(out, force=True)
    shutil.rmtree(out / "checkpoints")
    (out / "checkpoints").symlink_to(tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"cannot be removed: .*checkpoints: No such file"):
        start(out, force=True)


def at_step(step: int, act):
    """Ask for nothing, but do something at a step."""

    def until(frame) -> bool:
        if frame.step == step:
            act()
        return False

    return until


def test_folder_moved_while_the_run_goes_on_is_left_with_a_checkpoint(whole, tmp_path):
    out, moved = tmp_path / "run", tmp_path / "moved"
    with pytest.raises(OutOfTime, match=rf"left at step \d+, .* was moved to {moved}; .*resume"):
        run_within(
            RunLimits(until=at_step(10, lambda: out.rename(moved))),
            settings(**CHANGES),
            out,
            copper(),
            COPPER,
            progress=False,
        )
    assert not out.exists()
    assert checkpoint_files(moved / "checkpoints")
    go_on(moved)
    same_run(whole, moved)


@pytest.mark.parametrize("again", [False, True], ids=["gone", "another one in its place"])
def test_folder_removed_while_the_run_goes_on_is_not_made_again(tmp_path, again):
    out = tmp_path / "run"

    def remove() -> None:
        shutil.rmtree(out)
        if again:
            out.mkdir()

    with pytest.raises(OutOfTime, match=r"was removed while the run was at step \d+"):
        start(out, until=at_step(10, remove))
    assert not out.exists() or not any(out.iterdir())


@pytest.mark.parametrize("name", ["trajectory.h5", "trajectory.extxyz", "thermo.csv"])
def test_file_moved_away_while_the_run_goes_on_is_noticed_and_may_come_back(tmp_path, name):
    """As when a disk is full and the largest file is moved to another one."""
    out, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    calm = start(tmp_path / "calm").folder
    with pytest.raises(OutOfTime, match=rf"left at step \d+, .*{name} was removed, moved"):
        start(out, until=at_step(10, lambda: (out / name).rename(elsewhere)))
    with pytest.raises(InputError, match="--new-files"):
        go_on(out)
    elsewhere.rename(out / name)
    go_on(out)
    same_run(calm, out)


def test_extended_xyz_that_is_lost_is_begun_anew(tmp_path):
    calm, out = start(tmp_path / "calm").folder, tmp_path / "run"
    shutil.copytree(calm, out)
    checkpoint_files(out / "checkpoints")[-1].unlink()
    (out / "trajectory.extxyz").unlink()
    result = go_on(out, new_files=True)
    same_run(calm, out)
    assert result.summary["begins_only_at_step"] == {"trajectory.extxyz": 50}
    last = (calm / "trajectory.extxyz").read_text().splitlines()[-2 * 34 :]
    assert (out / "trajectory.extxyz").read_text().splitlines() == last


def test_finished_run_is_left_alone_when_it_is_resumed(whole, tmp_path):
    """Its speed among all: no step is taken from which it could be told."""
    out = tmp_path / "run"
    shutil.copytree(whole, out)
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    result = go_on(out)
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before
    assert result.summary["microseconds_per_atom_step"] > 0
    (out / "summary.json").write_text('{"steps": 60')  # a disk that was full
    summary = go_on(out).summary
    assert (summary["steps"], summary["ns_per_day"]) == (60, None)
    assert (out / "final.extxyz").read_bytes() == (whole / "final.extxyz").read_bytes()
    assert json.loads((out / "summary.json").read_text()) == summary


def test_full_disk_at_the_summary_leaves_no_half_of_it(tmp_path, monkeypatch):
    """Exit code 4, and the run is finished by a resume."""
    out = tmp_path / "run"
    with monkeypatch.context() as patch:

        @contextmanager
        def half(path):
            with replaced_when_whole(path) as temporary:
                yield temporary
                temporary.write_text("half")
                raise OSError(28, "No space left on device")

        patch.setattr("limlff.md.run.results.replaced_when_whole", half)
        with pytest.raises(OutOfTime, match="cannot be written to"):
            start(out)
    assert not (out / "summary.json").exists()
    assert [path.name for path in out.iterdir() if path.name.startswith(".")] == []
    assert go_on(out).summary["steps"] == 60


class Killed(BaseException):
    """As a kill: nothing is tidied up on the way."""


def test_settings_accepted_by_a_resume_that_died_are_not_asked_for_again(whole, died):
    """Killed before its first checkpoint, after md.yaml was written."""

    def die(*arguments):
        raise Killed

    wish = ["temperature_k=350.0"]
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr("limlff.md.simulation.engine.Engine.advance", die)
        go_on(died, overrides=wish)
    assert yaml.safe_load((died / "md.yaml").read_text())["temperature_k"] == 350.0
    go_on(died)
    assert read_thermo(died / "thermo.csv")["step"][-1] == 60
    with pytest.raises(InputError, match=r"temperature_k was 350\.0 and is now 400\.0"):
        content = (died / "md.yaml").read_text().replace("350.0", "400.0")
        (died / "md.yaml").write_text(content)
        go_on(died)


def test_what_a_killed_process_left_half_written_is_removed(whole, died):
    left = [
        died / "trajectory.h5.part",
        died / "checkpoints" / "step_000000000060.part",
        died / f".{NOBODY}.md.yaml",
        died / f".{NOBODY}.summary.json",
        died / "checkpoints" / f".{NOBODY}.accepted.json",
    ]
    for path in left:
        path.write_text("half")
    mine = died / f".{NOBODY}.notes"
    mine.write_text("not ours")
    go_on(died)
    same_run(whole, died)
    assert not any(path.exists() for path in left)
    assert mine.exists()


@pytest.mark.parametrize("what", ["nothing", "file", "folder", "training"])
def test_what_is_no_run_is_refused_in_one_line(tmp_path, what):
    path = tmp_path / "it"
    if what == "file":
        path.write_text("")
    elif what != "nothing":
        path.mkdir()
    with pytest.raises(InputError, match="holds no run to go on with") as refused:
        go_on(path)
    assert "\n" not in str(refused.value)
    assert not (path / LOCK).exists()
