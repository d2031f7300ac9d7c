"""Runs whose output is written in the background: slow and full disks, and sudden death."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from full_disk import SOON, no_space
from made_up_run import checkpoint
from md_models import COPPER, copper, settings
from md_runs import same_run

from limlff.errors import GuardStop, OutOfTime
from limlff.md.output import run_output as output
from limlff.md.output.checkpoint import checkpoint_files, read_checkpoint
from limlff.md.output.run_output import RunFiles
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.run.limits import RunLimits
from limlff.md.runner import run_within
from limlff.md.system.state import initial_state
from limlff.md.system.structure import Structure
from limlff.units import FEMTOSECOND

CHANGES = {
    "ensemble": {"kind": "nvt_langevin"},
    "steps": 60,
    "chunk_steps": 5,
    "output": {
        "thermo_every": 5,
        "trajectory_every": 5,
        "checkpoint_every": 10,
        "velocities": True,
        "extended_xyz": True,
    },
}
LAST_WORDS = '''
"""Run with a disk so slow that the queue is full, and die by SIGKILL at a chosen moment."""
import os, signal, sys, time
from functools import partial
from pathlib import Path
sys.path[:0] = sys.argv[1:3]
from md_models import COPPER, copper
from test_md_slow_disk import CHANGES, settings
from limlff.md.output import checkpoint, run_output
from limlff.md.output.background import BackgroundWriter
from limlff.md.runner import run_md, run_within
from limlff.md.output.trajectory_writer import TrajectoryWriter

moment, out, blocked, frames = sys.argv[3], Path(sys.argv[4]), [], []

class Noting(BackgroundWriter):
    def hand_over(self, task, size_bytes):
        if self._bytes + size_bytes > self._most_bytes:
            blocked.append(size_bytes)
        super().hand_over(task, size_bytes)
        if blocked:
            blocked.pop()

def die():
    deadline = time.monotonic() + 20
    while not blocked and time.monotonic() < deadline:
        time.sleep(0.002)
    print("full" if blocked else "never full", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

flush, replace_file = TrajectoryWriter._append, os.replace
def append(self, frame):
    flush(self, frame)
    frames.append(frame.step)
    if moment == "frame" and len(frames) == 6:
        die()

def rename(source, target):
    if moment == "checkpoint" and f"step_{30:012d}" in str(target):
        die()
    replace_file(source, target)

TrajectoryWriter._append, checkpoint.os.replace = append, rename
run_output.BackgroundWriter = partial(Noting, most_bytes=12_000)
run_md(settings(**CHANGES), out, copper(), COPPER, progress=False)
'''


@pytest.fixture(scope="module")
def whole(tmp_path_factory) -> Path:
    """A run that nothing happened to."""
    out = tmp_path_factory.mktemp("whole") / "run"
    return run(out)


def run(out: Path, until=None, **changes) -> Path:
    config = settings(**{**CHANGES, **changes})
    return run_within(RunLimits(until=until), config, out, copper(), COPPER, progress=False).folder


def same_files(one: Path, two: Path) -> None:
    same_run(one, two)
    assert (one / "trajectory.extxyz").read_bytes() == (two / "trajectory.extxyz").read_bytes()


def test_run_on_a_slow_disk_writes_the_same_files_and_does_not_wait_for_each_frame(
    whole, tmp_path, monkeypatch
):
    write, asked, behind = RunFiles.write_frame, [], []

    def slowly(files, frame):
        time.sleep(0.1)
        behind.append(asked[-1] - frame.step if asked else 0)
        write(files, frame)

    def note(frame):
        asked.append(frame.step)
        frame.positions[:], frame.numbers[:], frame.cell[:] = 0.0, 1, 0.0  # its own copy
        return False

    monkeypatch.setattr(RunFiles, "write_frame", slowly)
    out = run(tmp_path / "run", until=note)
    same_files(whole, out)
    assert asked == list(range(0, 61, 5))
    assert max(behind) >= 20  # steps; without a thread it would be 0


def test_what_is_overwritten_after_it_was_handed_over_is_written_as_it_was(tmp_path):
    """An engine that uses its arrays again while the thread is held up."""
    state = initial_state(
        np.full((4, 3), 1.5), np.full((4, 3), 2.0), np.eye(3) * 9, np.array([1, 2], np.uint32), 3
    )
    state = replace(state, step=np.int64(5))
    atoms = Structure(np.full(4, 29), np.full(4, 63.5), np.ones(4), np.ones(4), np.ones(3, bool))
    results, gate = output.RunOutput(tmp_path, settings(**CHANGES), atoms.periodic), Event()
    results._writer.hand_over(lambda: gate.wait(SOON), 1)
    since, shown = np.array([-1, 4, -1, -1]), results.write_frame(state, atoms)
    results.write_checkpoint(
        replace(
            checkpoint(5),
            state=state,
            numbers=atoms.numbers,
            masses=atoms.masses,
            mobile=atoms.mobile,
            coupled=atoms.coupled,
            above_since=since,
        )
    )
    for array in (state.positions, state.momenta, state.cell, atoms.numbers, since):
        array[:] = 77
    for array in (shown.positions, shown.velocities, shown.cell, shown.numbers):
        array[:] = 88
    gate.set()
    results.wait()
    results.close()
    kept = read_checkpoint(checkpoint_files(tmp_path / "checkpoints")[-1])
    with Trajectory(tmp_path / "trajectory.h5") as trajectory:
        for positions, cell, numbers in (
            (trajectory[0].positions, trajectory[0].cell, trajectory[0].numbers),
            (kept.state.positions, kept.state.cell, kept.numbers),
        ):
            assert (positions == 1.5).all()
            assert (cell == np.eye(3) * 9).all()
            assert (numbers == 29).all()
        np.testing.assert_allclose(trajectory[0].velocities, 2.0 / 63.5 * FEMTOSECOND, rtol=1e-6)
    assert (kept.state.momenta == 2.0).all()
    assert kept.above_since.tolist() == [-1, 4, -1, -1]


@pytest.mark.parametrize("step", [20, 60], ids=["on the way", "at the last frame"])
def test_disk_that_is_full_in_the_background_ends_the_run_as_ever(whole, tmp_path, step):
    """Exit code 4, no frame after the gap, and the resumed run is whole."""
    write, out, attempts = RunFiles.write_frame, tmp_path / "run", []

    def fail(files, frame):
        attempts.append(frame.step)
        if frame.step == step:
            no_space()
        write(files, frame)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFiles, "write_frame", fail)
        with pytest.raises(OutOfTime, match=r"cannot be written to \(.*No space left.*resume"):
            run(out)
    assert attempts == list(range(0, step + 1, 5))
    with Trajectory(out / "trajectory.h5") as trajectory:
        assert len(trajectory) == step // 5
    newest = read_checkpoint(checkpoint_files(out / "checkpoints")[-1])
    assert newest.step == (step - 1) // 10 * 10
    resume_md(out, COPPER, progress=False)
    same_files(whole, out)


def test_checkpoint_that_cannot_be_written_ends_the_run_with_the_one_before(whole, tmp_path):
    out, write = tmp_path / "run", output.write_checkpoint
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            output,
            "write_checkpoint",
            lambda folder, each: no_space() if each.step == 30 else write(folder, each),
        )
        with pytest.raises(OutOfTime, match="No space left"):
            run(out)
    assert read_checkpoint(checkpoint_files(out / "checkpoints")[-1]).step == 20
    resume_md(out, COPPER, progress=False)
    same_files(whole, out)


@pytest.mark.parametrize("end", ["guard", "signal"])
def test_run_that_ends_without_its_last_checkpoint_does_not_say_it_has_one(tmp_path, end):
    """The disk is full when the run is stopped: that is what is said, with exit code 4."""
    out, write = tmp_path / "run", output.write_checkpoint

    def until(frame):
        if end == "signal" and frame.step == 25:
            os.kill(os.getpid(), signal.SIGUSR1)
        return False

    def first_only(folder, each):
        return write(folder, each) if each.step == 0 else no_space()

    hot = {"max_temperature_k": 400.0 if end == "guard" else 9000.0}
    heated = {"initial_temperature_k": 50.0, "temperature_k": 3000.0, "guards": hot}
    rarely = {**CHANGES["output"], "checkpoint_every": 1000}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(output, "write_checkpoint", first_only)
        with pytest.raises(OutOfTime, match=r"cannot be written to \(.*No space left"):
            run(out, until, **heated, output=rarely)
    assert not (out / "offending.extxyz").exists()
    assert [path.name for path in checkpoint_files(out / "checkpoints")] == ["step_000000000000.h5"]


@pytest.mark.parametrize("end", ["guard", "signal", "condition"])
def test_whatever_ends_a_run_all_of_it_is_on_disk_before_that_is_said(tmp_path, end):
    """With a disk that is slow: what the newest checkpoint counts on is all there is, and there."""
    out, write, asked = tmp_path / "run", RunFiles.write_frame, []

    def slowly(files, frame):
        time.sleep(0.1)
        write(files, frame)

    def until(frame):
        asked.append(frame.step)
        if end == "signal" and frame.step == 20:
            os.kill(os.getpid(), signal.SIGUSR1)
        return end == "condition" and frame.step == 20

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(RunFiles, "write_frame", slowly)
        if end == "condition":
            run(out, until)
        elif end == "signal":
            with pytest.raises(OutOfTime, match=r"left at step 20 .*with a checkpoint"):
                run(out, until)
        else:
            heated = {"initial_temperature_k": 50.0, "temperature_k": 3000.0}
            with pytest.raises(GuardStop, match="checkpoint of step"):
                run(out, until, **heated, guards={"max_temperature_k": 400.0})
    newest = read_checkpoint(checkpoint_files(out / "checkpoints")[-1])
    assert len(asked) > 1
    with Trajectory(out / "trajectory.h5") as trajectory:
        assert [frame.step for frame in trajectory] == asked
        checksum = 0
        for frame in trajectory:
            checksum = frame.checksum(checksum)
    assert newest.written == {
        "frames": len(asked),
        "frames_sum": checksum,
        "thermo_bytes": (out / "thermo.csv").stat().st_size,
        "xyz_bytes": (out / "trajectory.extxyz").stat().st_size,
    }


@pytest.mark.parametrize("moment", ["frame", "checkpoint"])
def test_run_killed_while_the_queue_is_full_goes_on_to_the_same_end(whole, tmp_path, moment):
    """SIGKILL after a frame, or when a checkpoint is written but has not got its name."""
    out, here = tmp_path / "run", Path(__file__).parent
    dead = subprocess.run(
        [sys.executable, "-c", LAST_WORDS, str(here.parents[1]), str(here), moment, str(out)],
        capture_output=True,
        text=True,
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr
    assert dead.stdout.split() == ["full"]
    newest = read_checkpoint(checkpoint_files(out / "checkpoints")[-1])
    assert newest.step == 20
    with Trajectory(out / "trajectory.h5") as trajectory:
        assert len(trajectory) >= newest.written["frames"] == 5
    resume_md(out, COPPER, progress=False)
    same_files(whole, out)
