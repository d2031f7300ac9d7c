"""What `limlff learn --status` says, whatever state a campaign is in."""

from __future__ import annotations

import json
import sqlite3

import pytest

from limlff.errors import InputError
from limlff.folder_lock import LOCK, holder_of, locked
from limlff.learning.campaign import Campaign, Runs
from limlff.learning.campaign_folder import CURVE, LEDGER, POTENTIAL, write_settings
from limlff.learning.ledger import open_ledger
from limlff.learning.status import campaign_status
from limlff.learning.tasks import Cost, Task

RUNS = [Task("explore", {"run": number}) for number in range(3)]


@pytest.fixture
def campaign(tmp_path):
    """One run is done, one under way, one waits; in the second iteration."""
    for number in (0, 1, 2):
        (tmp_path / f"iteration-{number:03d}").mkdir()
    with open_ledger(tmp_path / LEDGER) as ledger:
        ledger.add(RUNS)
        for task in RUNS[:2]:
            ledger.start(task)
        ledger.finish(RUNS[0], {}, Cost(3600.0))
    return tmp_path


def test_a_killed_campaign_is_not_said_to_run(campaign):
    (campaign / LOCK).write_text(json.dumps({"pid": 12, "host": "here"}))  # as kill -9 leaves it
    first, where, *_, row = campaign_status(campaign).splitlines()
    assert first.startswith(f"no process is at it; go on with: limlff resume {campaign}")
    assert "what was running begins again" in first
    assert where.startswith("iteration 2; the last task began or ended 0 s ago, 20")
    assert row.split() == ["explore", "1", "1", "1", "0", "1"]


def test_a_campaign_at_work_is_said_to_be(campaign):
    with locked(campaign):
        assert campaign_status(campaign).splitlines()[0] == f"{holder_of(campaign)} is at it"
    assert holder_of(campaign) is None


def test_what_waits_for_another_run_is_queued(campaign):
    """Begun are two, of which `explore.at_once` lets one run."""
    with open_ledger(campaign / LEDGER) as ledger:
        ledger.start(RUNS[2])
    assert campaign_status(campaign).splitlines()[-1].split()[:4] == ["explore", "1", "2", "0"]
    run = Runs(kind="bulk", structures=("/a.extxyz",), md={"steps": 10})
    write_settings(Campaign(recipe="/train.yaml", runs=(run,)), campaign)
    assert campaign_status(campaign).splitlines()[-1].split()[:4] == ["explore", "1", "1", "1"]


def test_a_campaign_that_has_ended_is_not_to_be_resumed(campaign):
    with open_ledger(campaign / LEDGER) as ledger:
        ledger.start(RUNS[2])
        for task in RUNS[1:]:
            ledger.finish(task, {}, Cost())
    (campaign / POTENTIAL).touch()
    assert campaign_status(campaign).startswith("no process is at it: it has ended\n")


@pytest.mark.parametrize("content", ["[1]", "null", "{", '[{"iteration": 1}]'])
def test_a_damaged_learning_curve_is_left_out(campaign, content):
    (campaign / CURVE).write_text(content)
    assert campaign_status(campaign).splitlines()[-1].startswith("explore")


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_ledger_changed_by_hand_is_told(campaign, content):
    with sqlite3.connect(campaign / LEDGER) as connection:
        connection.execute("UPDATE tasks SET result = ?", (content,))
    connection.close()
    with (
        open_ledger(campaign / LEDGER) as ledger,
        pytest.raises(InputError, match="no JSON of limlff"),
    ):
        ledger.records()
