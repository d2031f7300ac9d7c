"""Frames labelled: each once, retried once, the failed kept apart, whatever kills the process."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.calculators.emt import EMT
from labelling_cases import crystal

from limlff.config import parse_config
from limlff.errors import LabellingFailed, OutOfTime
from limlff.learning.check import CheckSettings
from limlff.learning.executors import Executors, run_here
from limlff.learning.labeller import Labeller
from limlff.learning.labels import LabelQueue
from limlff.learning.ledger import open_ledger

HERE = Path(__file__).parent


def labeller(calculator_class: str = "emt", **code) -> Labeller:
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    given = {
        "code": {"kind": "ase", "calculator_class": calculator_class, **code},
        "environment": {"PYTHONPATH": paths},
    }
    return parse_config(given, Labeller, "labeller")


@pytest.fixture
def queue(tmp_path):
    """Makes queues on one ledger."""
    with open_ledger(tmp_path / "ledger.sqlite") as ledger, ThreadPoolExecutor(2) as executor:
        on = Executors(run_here, run_here, executor)
        yield lambda of: LabelQueue(of, CheckSettings(), ledger, tmp_path, on)


def test_frames_are_labelled_once_and_in_their_order(queue, tmp_path):
    frames = [crystal(seed) for seed in (1, 2, 1)]
    batch = queue(labeller()).label(frames, None)
    assert not batch.rejected
    for frame, label in zip(frames, batch.labels, strict=True):
        atoms = frame.to_atoms()
        atoms.calc = EMT()
        assert label.frame.group == frame.group
        assert np.array_equal(label.frame.forces, atoms.get_forces())
    calculated = list((tmp_path / "labels").iterdir())
    assert len(calculated) == 2
    for folder in calculated:
        (folder / "job.json").unlink()  # so that a further calculation would be seen
    # other atoms first, other names: the same structures
    again = queue(labeller()).label([replace(frame, group="") for frame in frames[::-1]], None)
    assert [label.frame.energy for label in again.labels] == [
        label.frame.energy for label in batch.labels[::-1]
    ]
    assert not list((tmp_path / "labels").glob("*/job.json"))


def test_what_fails_is_kept_apart_and_the_others_are_used(queue):
    told: list[str] = []
    own = replace(queue(labeller()), tell=told.append)
    batch = own.label([crystal(1), crystal(2, close=True), crystal(3)], None)
    assert [label.frame.group for label in batch.labels] == ["c1", "c3"]
    assert batch.rejected[0].frame.group == "c2"
    assert "Å apart, below check.min_distance_angstrom" in batch.rejected[0].reason
    assert len(told) == 2  # nothing was calculated for the one whose atoms are too close


def test_what_does_not_converge_is_tried_once_more_with_safer_settings(queue):
    careful = queue(labeller("labellers:Unconverged", safer={"mixing": 0.02}))
    batch = careful.label([crystal(1)], None)
    assert len(batch.labels) == 1 and batch.labels[0].scf_steps == 37
    states = [(r.state, r.task.inputs["safer"]) for r in careful.ledger.records("label")]
    assert states == [("failed", False), ("done", True)]
    assert careful.label([crystal(1)], None).labels[0].frame.energy == batch.labels[0].frame.energy
    assert [r.attempts for r in careful.ledger.records("label")] == [1, 1]


@pytest.mark.parametrize(
    ("calculator", "words", "tries"),
    [
        ("labellers:Unconverged", "no density after 120 steps", 2),
        ("labellers:NotANumber", "not finite", 2),
        ("labellers:WithoutEnergy", "not finite", 2),
        ("labellers:Missing", "cannot be used: .*Missing", 1),
    ],
)
def test_labelling_that_fails_for_good_ends_with_exit_code_5(queue, calculator, words, tries):
    own = queue(labeller(calculator))
    with pytest.raises(LabellingFailed, match=words) as error:
        own.label([crystal(1)], None)
    assert error.value.exit_code == 5
    assert sum(record.attempts for record in own.ledger.records()) == tries


def test_a_calculator_that_was_missing_is_tried_again_once_it_is_there(queue):
    with pytest.raises(LabellingFailed):
        queue(labeller("labellers:Missing")).label([crystal(1)], None)
    record = queue(labeller()).ledger.records("label")[0]
    assert record.state == "queued" and "Missing" in record.reason


def test_a_wish_to_stop_leaves_tasks_for_the_next_time(queue):
    own = queue(labeller("labellers:Hanging"))

    class Stopping(ThreadPoolExecutor):
        """A signal comes while calculations run."""

        def submit(self, *arguments):
            future = super().submit(*arguments)
            threading.Timer(3.0, signal.raise_signal, [signal.SIGINT]).start()
            return future

    with Stopping(1) as executor, pytest.raises((KeyboardInterrupt, OutOfTime)):
        replace(own, executors=Executors(run_here, run_here, executor)).label([crystal(1)], None)
    (record,) = own.ledger.records()
    assert record.state == "queued" and "stopped together" in record.reason


CAMPAIGN = """
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
sys.path.insert(0, {here!r})
from labelling_cases import crystal
from test_learning_labels import labeller
from limlff.learning.check import CheckSettings
from limlff.learning.executors import Executors, run_here
from limlff.learning.labels import LabelQueue
from limlff.learning.ledger import open_ledger

folder = Path(sys.argv[1])
with open_ledger(folder / "ledger.sqlite") as ledger, ThreadPoolExecutor(1) as executor:
    ledger.take_up_again()
    on = Executors(run_here, run_here, executor)
    queue = LabelQueue(labeller("labellers:Counted"), CheckSettings(), ledger, folder, on)
    print("ready", flush=True)
    batch = queue.label([crystal(seed) for seed in range(5)], None)
    print(*[repr(label.frame.energy) for label in batch.labels])
"""


def test_killed_at_random_moments_every_frame_has_its_label_and_none_has_two(tmp_path):
    generator = random.Random(5)
    kills, output = 0, b""
    for _ in range(40):
        process = subprocess.Popen(
            [sys.executable, "-c", CAMPAIGN.format(here=str(HERE)), str(tmp_path)],
            stdout=subprocess.PIPE,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "COUNTED": str(tmp_path / "ends"),
            },
        )
        assert process.stdout is not None
        process.stdout.readline()
        limit = generator.uniform(0.3, 4.0) if kills < 8 else None  # the last is left alone
        try:
            output, _ = process.communicate(timeout=limit)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills += 1
    assert kills >= 1
    expected = []
    for seed in range(5):
        atoms = crystal(seed).to_atoms()
        atoms.calc = EMT()
        expected.append(repr(float(atoms.get_potential_energy(force_consistent=True))))
    assert output.decode().split() == expected
    with open_ledger(tmp_path / "ledger.sqlite", read_only=True) as ledger:
        assert ledger.counts() == {"label": {"done": 5}}
    # a calculation that had come to its end is never made again
    ends = (tmp_path / "ends").read_text().split()
    assert len(set(ends)) == 5 and len(ends) <= 5 + kills
