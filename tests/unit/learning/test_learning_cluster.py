"""Campaigns on workers of Parsl: the same as on one machine, whatever dies."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import yaml
from small_campaign import content, digest, learn_and_kill, write_campaign

from limlff.cli.main import main
from limlff.errors import InputError, OutOfTime
from limlff.learning.cluster import session as sessions
from limlff.learning.cluster.blocks import WorkerBlock
from limlff.learning.cluster.session import Session
from limlff.learning.time_limit import TimeLimit

WORKERS = {"kind": "parsl", "provider": "local"}
SITE = {"training": WORKERS, "dynamics": {**WORKERS, "workers_per_node": 2}, "dft": WORKERS}


def add(folder: Path, number: int) -> int:
    assert folder.is_dir()
    return number + 1


def refuse(folder: Path, number: int) -> int:
    raise InputError(f"{number} is refused")


@pytest.fixture
def block(tmp_path):
    """Tasks run in threads of this process, which no signal may reach."""
    with ThreadPoolExecutor(2) as pool:
        yield WorkerBlock("dft", pool, Session.begin(tmp_path), TimeLimit.from_now(60.0))


def test_a_new_start_ends_the_session_of_the_last(tmp_path):
    first = Session.begin(tmp_path)
    assert first.goes_on()
    second = Session.begin(tmp_path)
    assert second.goes_on() and not first.goes_on()
    with second.shown():
        assert second.goes_on()
    assert not second.goes_on()


def test_a_task_waits_for_a_worker_of_an_earlier_start(tmp_path, monkeypatch):
    session, folder, order = Session.begin(tmp_path), tmp_path / "labels/a", []

    def late():
        with session.alone(folder):
            order.append("late")

    with session.alone(folder):
        thread = threading.Thread(target=late)
        thread.start()
        with session.alone(tmp_path / "labels/b"):
            time.sleep(0.7)
        order.append("early")
    thread.join()
    assert order == ["early", "late"]
    monkeypatch.setattr(sessions, "PATIENCE_SECONDS", 0.1)
    with (
        session.alone(folder),
        pytest.raises(OutOfTime, match="still at it"),
        session.alone(folder),
    ):
        pass


def test_what_tasks_tell_and_raise_comes_back(block, tmp_path):
    told = []

    (tmp_path / "runs").mkdir()
    block.run(lambda folder, n, tell: tell(add(folder, n)), [(tmp_path / "runs", 3)], told.append)
    assert told == [4]
    with pytest.raises(InputError, match="5 is refused"):
        block.result(block.submit(refuse, tmp_path / "runs", 5))


def test_tasks_are_not_waited_for_beyond_the_limit(tmp_path):
    class Never(ThreadPoolExecutor):
        def submit(self, *arguments):
            return Future()

    limit = TimeLimit.from_now(0.3)
    block = WorkerBlock("training", Never(1), Session.begin(tmp_path), limit)
    with pytest.raises(OutOfTime, match=r"time limit of 0\.3 s"):
        block.run(add, [(tmp_path, 1)], print)


def test_what_parsl_says_is_a_line_for_the_user(tmp_path):
    errors = pytest.importorskip("parsl.executors.high_throughput.errors")
    from parsl.jobs.errors import TooManyJobFailuresError

    block = WorkerBlock("dft", ThreadPoolExecutor(1), Session.begin(tmp_path))
    for error, kind, words in (
        (errors.WorkerLost(3, "node7"), OutOfTime, "loss of worker 3 on host node7"),
        (TooManyJobFailuresError("sbatch:\n no partition"), InputError, "sbatch: no partition"),
        (ModuleNotFoundError("No module named 'limlff'"), InputError, "block dft of the site"),
    ):
        future: Future[None] = Future()
        future.set_exception(error)
        with pytest.raises(kind, match=words):
            block.result(future)


@contextmanager
def guarded(session: Session, *command: str) -> Iterator[tuple[subprocess.Popen, int]]:
    """A guard that runs a command of the shell, and the process that this has started."""
    words = [sys.executable, "-m", "limlff.learning.cluster.guard"]
    words += [str(session.campaign), session.token, "bash", "-c", *command]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    guard = subprocess.Popen(words, stdout=subprocess.PIPE, env=environment)
    try:
        assert guard.stdout is not None
        yield guard, int(guard.stdout.readline())
    finally:
        guard.terminate()
        guard.wait()


def is_gone(process: int) -> bool:
    return not Path(f"/proc/{process}").exists()


SLEEP = "sleep 600 & echo $!; wait"


def test_what_a_guard_has_started_ends_with_the_session_or_when_it_is_asked_to(tmp_path):
    session = Session.begin(tmp_path)
    with guarded(session, SLEEP) as (guard, child):
        Session.begin(tmp_path)
        assert guard.wait(20.0) == 1 and is_gone(child)
    session = Session.begin(tmp_path)
    with guarded(session, SLEEP) as (guard, child):
        guard.terminate()
        assert guard.wait(20.0) == 1 and is_gone(child)
    with guarded(session, "sleep 600 & echo $!; exit 3") as (guard, child):
        assert guard.wait(20.0) == 3 and is_gone(child)


def test_a_guard_does_not_outlive_what_has_started_it(tmp_path):
    """As the interchange, whose parent is the campaign."""
    session = Session.begin(tmp_path)
    code = f"""
import subprocess, sys
words = [sys.executable, "-m", "limlff.learning.cluster.guard"]
words += [{str(tmp_path)!r}, {session.token!r}, "bash", "-c", {SLEEP!r}]
subprocess.run(words)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    parent = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, env=environment)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    assert parent.stdout.read() == b""  # which guard and child have kept open to their end
    assert is_gone(child)


def test_a_campaign_that_no_longer_shows_itself_is_given_up(tmp_path, monkeypatch):
    monkeypatch.setattr(sessions, "BEAT_SECONDS", 0.1)
    monkeypatch.setattr(sessions, "SILENCE_SECONDS", 1.0)
    session = Session.begin(tmp_path)
    goes_on = session.watch()
    with session.shown():
        for _ in range(8):
            time.sleep(0.2)
            assert goes_on()
    assert not goes_on()
    killed = Session.begin(tmp_path)
    goes_on = killed.watch()
    assert goes_on()
    time.sleep(1.2)
    assert not goes_on() and killed.goes_on()


@pytest.mark.slow
def test_a_site_is_tried_and_what_is_not_well_is_said(tmp_path, capsys):
    pytest.importorskip("parsl")
    path, campaign = tmp_path / "site.yaml", write_campaign(tmp_path / "in")
    broken = {**WORKERS, "worker_init": "exit 3"}
    path.write_text(yaml.safe_dump({**SITE, "training": broken, "dynamics": {"kind": "local"}}))
    words = ["learn", str(campaign), "--test-site", str(path), "--out", str(tmp_path / "try")]
    assert main([*words, "--max-runtime", "60"]) == 2
    rows = capsys.readouterr().out.splitlines()[-3:]
    assert [row.split()[0] for row in rows] == ["training", "dynamics", "dft"]
    assert "NOT WELL: block training" in rows[0] and "EXIT CODE: 3" in rows[0]
    assert " well: " in rows[1] and "this machine" in rows[1]
    assert " well: " in rows[2] and "for the labeller" in rows[2]
    path.write_text(yaml.safe_dump({"dft": {"kind": "local"}}))
    assert main(["learn", "--test-site", str(path), "--out", str(tmp_path / "other")]) == 0
    assert not list((tmp_path / "other").iterdir())


SLURM = {
    "sbatch": """setsid bash "$1" >"$1.stdout" 2>"$1.stderr" & echo $! >>"$JOBS"
grep -h '^#SBATCH' "$1" >>"$JOBS.asked"
echo Submitted batch job $!""",
    "scancel": 'for job in "$@"; do kill -TERM -- -$job; done; true',
    "squeue": "for job in $(cat $JOBS); do kill -0 $job 2>/dev/null && echo $job R; done; true",
    "srun": 'while [[ $1 == -* ]]; do [[ $1 == --ntasks ]] && shift; shift; done; exec "$@"',
}
"""Its commands on this machine, as far as Parsl needs them."""


def test_through_the_commands_of_slurm(tmp_path, monkeypatch, capsys):
    pytest.importorskip("parsl")
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, script in SLURM.items():
        (tools / name).write_text(f"#!/bin/bash\n{script}\n")
        (tools / name).chmod(0o755)
    monkeypatch.setenv("PATH", f"{tools}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("JOBS", str(tmp_path / "jobs"))
    block = {
        "kind": "parsl",
        "provider": "slurm",
        "address": "127.0.0.1",
        "walltime": "01:00:00",
        "launcher": "srun",
        "scheduler_options": "#SBATCH --account=anode",
        "provider_options": {"partition": "standard"},
    }
    (tmp_path / "site.yaml").write_text(yaml.safe_dump({"dft": block}))
    words = ["learn", "--test-site", str(tmp_path / "site.yaml"), "--out", str(tmp_path / "try")]
    assert main([*words, "--max-runtime", "120"]) == 0, capsys.readouterr().out
    asked = (tmp_path / "jobs.asked").read_text()
    for words in ("--account=anode", "--partition=standard", "--time=60", "--cpus-per-task=1"):
        assert words in asked
    (job,) = (tmp_path / "jobs").read_text().split()
    deadline = time.monotonic() + 20.0
    while not is_gone(int(job)) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert is_gone(int(job))  # nothing is left running


def processes_of(folder: Path) -> list[str]:
    """Commands of all processes that name a folder."""
    found = []
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found.append(entry.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
    return [command for command in found if str(folder) in command]


@pytest.mark.slow
def test_killed_at_ten_random_moments_on_workers_it_comes_to_the_same_end(tmp_path):
    """kill -9 of the command; its workers outlive it, and do no harm."""
    pytest.importorskip("parsl")
    for name in ("here", "killed"):
        write_campaign(tmp_path / name, **({} if name == "here" else {"site": "site.yaml"}))
    (tmp_path / "killed/site.yaml").write_text(yaml.safe_dump(SITE))
    here = learn_and_kill(tmp_path / "here", [])
    generator = random.Random(9)
    moments = [generator.uniform(8.0, 40.0) for _ in range(10)]
    killed = learn_and_kill(tmp_path / "killed", moments)
    assert content(killed) == content(here)
    assert digest(killed) == digest(here)
    curves = [json.loads((each / "learning-curve.json").read_text()) for each in (here, killed)]
    assert [row["errors"] for row in curves[0]] == [row["errors"] for row in curves[1]]
    deadline = time.monotonic() + 200.0  # what the kills have left behind ends by itself
    while processes_of(killed) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert processes_of(killed) == []
