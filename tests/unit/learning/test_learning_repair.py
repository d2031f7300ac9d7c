"""Labels that ended a campaign: what failed is calculated again once somebody goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from labelling_cases import crystal, labeller

from limlff.errors import LabellingFailed
from limlff.learning.check import CheckSettings
from limlff.learning.executors import Executors, run_here
from limlff.learning.labelling import Label, LabelFailure
from limlff.learning.labels import LabelQueue
from limlff.learning.ledger import open_ledger
from limlff.learning.tasks import Cost

FRAMES = [crystal(seed) for seed in range(4)]


class Code:
    """Labels frames at once, or fails as it is told for the groups that it is told."""

    def __init__(self) -> None:
        self.failing: dict[str, str] = {}
        self.calls: list[tuple[str, bool]] = []
        self.version = "code 1"

    def __call__(self, frame, labeller, folder, safer, stop):
        self.calls.append((frame.group, safer))
        folder.mkdir(parents=True, exist_ok=True)
        if frame.group in self.failing:
            return LabelFailure(self.failing[frame.group], "as told")
        (folder / "result.json").write_text("{}")
        labelled = replace(frame, energy=-1.0, forces=np.zeros((len(frame), 3)))
        return Label(labelled, labeller.digest, self.version, Cost(), -1.0)


@pytest.fixture
def code() -> Code:
    return Code()


@pytest.fixture
def queue(tmp_path, code):
    with open_ledger(tmp_path / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as executor:
        on = Executors(run_here, run_here, executor, code)
        settings = CheckSettings()
        yield LabelQueue(labeller("emt"), settings, ledger, tmp_path, on, max_failed_share=0.5)


@pytest.mark.parametrize("kind", ["time", "memory", "crash", "error"])
def test_after_a_repair_what_failed_is_calculated_again(queue, code, kind):
    code.failing = {frame.group: kind for frame in FRAMES}
    with pytest.raises(LabellingFailed, match="as told; correct python, environment, launcher"):
        queue.label(FRAMES, None)
    assert {record.state for record in queue.ledger.records()} == {"failed"}  # for --status
    code.failing = {}
    assert len(queue.label(FRAMES, None).labels) == len(FRAMES)


def test_without_a_repair_both_tries_are_made_once_more(queue, code):
    code.failing = {"c0": "crash"}
    for turn in (1, 2):
        with pytest.raises(LabellingFailed):
            queue.label(FRAMES[:1], None)
        assert code.calls == [("c0", False), ("c0", True)] * turn


def test_what_a_campaign_went_on_without_stays_as_it_is(queue, code):
    """Else the trainings since then would no longer be those of its labels."""
    code.failing = {"c0": "time", "c1": "crash"}
    assert len(queue.label(FRAMES, None).labels) == 2
    code.failing, code.calls = {}, []
    assert len(queue.label(FRAMES, None).rejected) == 2
    assert code.calls == []
    code.failing = {"c0": "time"}
    with pytest.raises(LabellingFailed):
        queue.label(FRAMES[:1], None)  # alone it is all of them
    assert code.calls == [("c0", False)]


def test_a_larger_share_that_may_fail_is_enough_to_go_on(queue, code):
    code.failing = {frame.group: "error" for frame in FRAMES[1:]}
    queue.label(FRAMES, None)
    code.calls = []
    assert len(replace(queue, max_failed_share=0.75).label(FRAMES, None).labels) == 1
    assert code.calls == []
    queue.label(FRAMES, None)
    assert {group for group, _ in code.calls} == {"c1", "c2", "c3"}


def test_electronic_steps_that_do_not_converge_are_not_calculated_again(queue, code):
    code.failing = {"c0": "unconverged"}
    for _ in range(2):
        with pytest.raises(LabellingFailed):
            queue.label(FRAMES[:1], None)
    assert code.calls == [("c0", False), ("c0", True)]


def test_labels_of_another_version_are_not_taken_once_the_first_is_back(queue, code):
    queue.label(FRAMES[:1], None)
    code.version = "code 2"
    with pytest.raises(LabellingFailed, match="settings or code differ"):
        queue.label(FRAMES[1:2], None)
    task = next(record.task for record in queue.ledger.records(state="failed"))
    result = queue.folder / "labels" / task.key[:16] / "result.json"
    assert result.is_file()
    code.version, read = "code 1", []
    known = replace(queue.executors, label=lambda *all: read.append(result.is_file()) or code(*all))
    assert len(replace(queue, executors=known).label(FRAMES[1:2], None).labels) == 1
    assert read == [False]
