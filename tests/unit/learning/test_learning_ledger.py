"""The ledger: every task once, whatever kills the process that works on it."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

from limlff.errors import InputError, OutOfTime
from limlff.learning.ledger import open_ledger
from limlff.learning.tasks import Cost, Task
from limlff.resumable import resumable

LABEL = Task("label", {"structure": "a1", "settings": {"cutoff_ev": 400.0, "spin": False}})
OTHER = Task("label", {"structure": "b2", "settings": {"cutoff_ev": 400.0, "spin": False}})


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite"


def test_key_depends_on_content_and_not_on_the_order_of_settings():
    turned = Task("label", {"settings": {"spin": False, "cutoff_ev": 400.0}, "structure": "a1"})
    assert turned.key == LABEL.key
    assert len({LABEL.key, OTHER.key, Task("train", LABEL.inputs).key}) == 3


def test_a_task_asked_for_again_keeps_its_result(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL, OTHER])
        assert ledger.start(LABEL)
        assert not ledger.start(LABEL)  # it is under way
        ledger.finish(LABEL, {"energy": -1.25}, Cost(8.0, 4.0), "labels/a1.json")
    with open_ledger(path) as ledger:
        ledger.add([OTHER, LABEL])
        record = ledger.get(LABEL)
        assert record is not None
        assert (record.state, record.attempts, record.place) == ("done", 1, "labels/a1.json")
        assert record.result == {"energy": -1.25}
        assert not ledger.start(LABEL)
        assert ledger.counts() == {"label": {"done": 1, "queued": 1}}
        assert [r.task for r in ledger.records("label")] == [LABEL, OTHER]


def test_costs_of_all_attempts_add_up_and_a_failure_keeps_its_reason(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
        ledger.start(LABEL)
        ledger.fail(LABEL, "not converged after 120 steps", Cost(100.0, 50.0))
        assert not ledger.start(LABEL)
        assert ledger.retry(LABEL)
        assert not ledger.retry(LABEL)
        ledger.start(LABEL)
        ledger.finish(LABEL, {}, Cost(11.0, 6.0))
        record = ledger.get(LABEL)
        assert record is not None
        assert record.attempts == 2
        assert ledger.cost("label") == Cost(111.0, 56.0) == record.cost == ledger.cost()
        assert ledger.cost("train") == Cost()


def test_what_had_been_spent_once_so_many_tasks_were_queued(path):
    tasks = [Task(kind, {"n": n}) for n, kind in enumerate(("train", "label", "train", "label"))]
    with open_ledger(path) as ledger:
        for seconds, task in zip((1.0, 10.0, 100.0, 1000.0), tasks, strict=True):
            ledger.add([task])
            ledger.start(task)
            ledger.finish(task, {}, Cost(seconds, seconds))
        spent = [ledger.cost(None, ("train", count)).core_seconds for count in range(4)]
        assert spent == [0.0, 1.0, 111.0, 1111.0]  # there is no third: all that was done
        assert ledger.cost("label", ("train", 2)).core_seconds == 10.0


def test_the_end_of_a_task_that_nobody_began_is_refused(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
        with pytest.raises(InputError, match="is queued, not running"):
            ledger.finish(LABEL, {}, Cost())


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_a_result_that_is_not_finite_never_gets_into_the_ledger(path, number):
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
        ledger.start(LABEL)
        with pytest.raises(ValueError, match="JSON"):
            ledger.finish(LABEL, {"energy": number}, Cost())
        record = ledger.get(LABEL)
        assert record is not None and record.state == "running"


def test_what_another_process_left_running_is_taken_up_again(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL, OTHER])
        ledger.start(LABEL)
    with open_ledger(path) as ledger:
        assert [record.task for record in ledger.take_up_again()] == [LABEL]
        record = ledger.get(LABEL)
        assert record is not None
        assert (record.state, record.attempts) == ("queued", 1)
        assert "process ended" in record.reason
        assert ledger.take_up_again() == []


def test_a_reader_sees_the_ledger_while_it_is_written(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
        with open_ledger(path, read_only=True) as reader:
            ledger.start(LABEL)
            assert reader.counts() == {"label": {"running": 1}}
            with pytest.raises(InputError, match="readonly"):
                reader.add([OTHER])


def test_the_journal_is_one_that_network_file_systems_can_hold(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
    mode = sqlite3.connect(path).execute("PRAGMA journal_mode").fetchone()[0]
    assert mode == "delete"
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_other_files_are_refused(path, tmp_path):
    path.write_text("not a database at all, but long enough to be looked at as one" * 20)
    with pytest.raises(InputError, match="not a database"):
        open_ledger(path)
    foreign = tmp_path / "foreign.sqlite"
    with sqlite3.connect(foreign) as connection:
        connection.execute("CREATE TABLE other (x)")
    with pytest.raises(InputError, match="no ledger"):
        open_ledger(foreign)
    with pytest.raises(InputError, match="no such ledger"):
        open_ledger(tmp_path / "missing.sqlite", read_only=True)


WORKER = """
import sys, time
from pathlib import Path
from limlff.learning.ledger import open_ledger
from limlff.learning.tasks import Cost, Task

folder = Path(sys.argv[1])
tasks = [Task("label", {"number": number}) for number in range(40)]
with open_ledger(folder / "ledger.sqlite") as ledger:
    ledger.take_up_again()
    ledger.add(tasks)
    print("ready", flush=True)
    for task in tasks:
        if ledger.start(task):
            time.sleep(0.002)
            ledger.finish(task, {"square": task.inputs["number"] ** 2}, Cost(1.0, 1.0))
            with open(folder / "finished", "a") as log:
                log.write(f"{task.inputs['number']}\\n")
"""


def test_killed_at_any_moment_nothing_is_lost_and_nothing_is_done_twice(tmp_path):
    """kill -9 again and again: in the end each task is done, and was finished once."""
    generator = random.Random(3)
    kills = 0
    for _ in range(60):
        process = subprocess.Popen(
            [sys.executable, "-c", WORKER, str(tmp_path)],
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        assert process.stdout is not None
        process.stdout.readline()
        try:  # the last is left alone, however slow the machine is
            process.wait(generator.uniform(0.005, 0.08) if kills < 12 else None)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            kills += 1
        process.stdout.close()
        if process.wait() == 0:
            break
    assert process.returncode == 0 and kills >= 3
    with open_ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        records = ledger.records()
        assert [r.result for r in records] == [{"square": n**2} for n in range(40)]
        assert {r.state for r in records} == {"done"}
        assert ledger.cost() == Cost(40.0, 40.0)
        assert max(r.attempts for r in records) <= 1 + kills
    finished = [int(line) for line in (tmp_path / "finished").read_text().split()]
    assert len(finished) == len(set(finished))  # a kill may come between, so some are missing


def test_a_full_disk_leaves_the_campaign_to_be_resumed(path, tmp_path):
    """SQLite's own error of it is none of the system's."""
    words = r"disk is full; free space.* go on with: limlff resume it"
    with (
        pytest.raises(OutOfTime, match=words),
        resumable(tmp_path, "limlff resume it", "*.sqlite"),
        open_ledger(path) as ledger,
    ):
        ledger.add([LABEL])
        ledger._connection.execute("PRAGMA max_page_count = 1")
        ledger.add([Task("label", {"n": n, "text": "x" * 2000}) for n in range(50)])
    with open_ledger(path, read_only=True) as ledger:
        assert ledger.counts() == {"label": {"queued": 1}}


def test_who_waits_for_a_ledger_in_vain_can_go_on_later(path, tmp_path, monkeypatch):
    monkeypatch.setattr("limlff.learning.ledger._BUSY_SECONDS", 0.05)
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
        other = sqlite3.connect(path, isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        words = r"another process has held it for 0.05 s; .* go on with: limlff resume it"
        with (
            pytest.raises(OutOfTime, match=words),
            resumable(tmp_path, "limlff resume it", "*.sqlite"),
        ):
            ledger.add([OTHER])
        other.close()


def test_a_ledger_with_other_columns_is_called_damaged(path):
    with open_ledger(path) as ledger:
        ledger.add([LABEL])
        ledger._connection.execute("ALTER TABLE tasks RENAME COLUMN place TO somewhere")
        with pytest.raises(InputError, match=r"no such column: place; it is damaged .* restore it"):
            ledger.get(LABEL)
