"""Labels by any calculator, in a process that may crash, hang, eat memory, or lose its parent."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import fcc111
from ase.calculators.emt import EMT
from labelling_cases import frame_of, labeller

from limlff.errors import InputError, OutOfTime
from limlff.learning import guardian
from limlff.learning.labeller import Labeller
from limlff.learning.labelling import Label, LabelFailure, label_frame


def test_labels_are_those_of_the_calculator_called_directly(frame, tmp_path):
    found = label_frame(frame, labeller("emt"), tmp_path)
    atoms = frame.to_atoms()
    atoms.calc = EMT()
    assert isinstance(found, Label)
    assert found.frame.energy == atoms.get_potential_energy(force_consistent=True)
    assert np.array_equal(found.frame.forces, atoms.get_forces())
    assert np.array_equal(found.frame.stress, atoms.get_stress(voigt=False))
    assert found.frame.group == "bulk"
    assert found.code.startswith("ase 3.")
    assert found.scf_steps is None
    assert 0 < found.cost.core_seconds < 60 and 0 < found.cost.wall_seconds < 60


def test_energy_is_the_one_that_goes_with_the_forces(frame, tmp_path):
    found = label_frame(frame, labeller("labellers:Smeared"), tmp_path)
    assert isinstance(found, Label)
    assert found.energy_sigma0 - found.frame.energy == pytest.approx(0.25, abs=1e-12)


def test_stress_of_a_slab_is_left_out(tmp_path):
    slab = fcc111("Cu", (1, 1, 3), vacuum=6.0)
    found = label_frame(frame_of(slab), labeller("emt"), tmp_path)
    assert isinstance(found, Label)
    assert found.frame.stress is None and found.frame.forces is not None


def test_a_result_that_is_there_is_not_calculated_again(frame, tmp_path):
    first = label_frame(frame, labeller("emt"), tmp_path)
    written = (tmp_path / "result.json").stat().st_mtime_ns
    again = label_frame(frame, labeller("emt"), tmp_path)
    assert (tmp_path / "result.json").stat().st_mtime_ns == written
    assert isinstance(first, Label) and isinstance(again, Label)
    assert again.frame.energy == first.frame.energy and again.cost == first.cost
    moved = replace(frame, positions=frame.positions * 1.001)
    other = label_frame(moved, labeller("emt"), tmp_path)
    assert isinstance(other, Label) and other.frame.energy != first.frame.energy


@pytest.mark.parametrize(
    ("calculator", "others", "kind", "words"),
    [
        ("labellers:Crashing", {}, "crash", "SIGSEGV.*about to fall"),
        ("labellers:Hungry", {"memory_gib": 1.0}, "memory", "memory_gib = 1"),
        ("labellers:Unconverged", {}, "unconverged", "no density after 120 steps"),
        ("labellers:Missing", {}, "setup", "Missing"),
        ("no_such_code:Calculator", {}, "setup", "no_such_code"),
        ("emt", {"python": "/no/such/python"}, "setup", "/no/such/python"),
        ("emt", {"launcher": ["/bin/sh", "-c", "exit 3"]}, "crash", "ended with code 3"),
    ],
)
def test_what_goes_wrong_is_told_apart(frame, tmp_path, calculator, others, kind, words):
    found = label_frame(frame, labeller(calculator, **others), tmp_path)
    assert isinstance(found, LabelFailure)
    assert found.kind == kind
    assert re.search(words, found.reason, re.DOTALL), found.reason


def test_safer_settings_are_those_of_the_second_try(frame, tmp_path):
    code = {
        "kind": "ase",
        "calculator_class": "labellers:Unconverged",
        "safer": {"mixing": 0.02},
    }
    careful = labeller("emt", code=code)
    assert isinstance(label_frame(frame, careful, tmp_path), LabelFailure)
    found = label_frame(frame, careful, tmp_path, safer=True)
    assert isinstance(found, Label)
    assert found.scf_steps == 37


def test_values_that_are_not_finite_come_through_for_the_check_to_see(frame, tmp_path):
    found = label_frame(frame, labeller("labellers:NotANumber"), tmp_path)
    assert isinstance(found, Label)
    assert np.isnan(found.frame.forces).all()


def test_overtime_ends_the_calculation_and_what_it_has_started(frame, tmp_path):
    begin = time.monotonic()
    found = label_frame(frame, labeller("labellers:Hanging", wall_minutes=0.1), tmp_path)
    assert isinstance(found, LabelFailure)
    assert found.kind == "time" and "wall_minutes = 0.1" in found.reason
    assert 6 <= found.cost.wall_seconds <= time.monotonic() - begin < 30
    assert not any(is_alive(pid) for pid in pids_of(tmp_path))


def test_what_went_to_a_session_of_its_own_ends_too(frame, tmp_path):
    own = labeller("labellers:Hanging", {"apart": True}, wall_minutes=0.05)
    found = label_frame(frame, own, tmp_path)
    assert isinstance(found, LabelFailure) and found.kind == "time"
    assert not any(is_alive(pid) for pid in pids_of(tmp_path))


def test_without_its_guardian_a_calculation_does_not_go_on(frame, tmp_path):
    """Else it would run beside the second try."""

    def kill_guardian() -> None:
        stat = Path(f"/proc/{pids_of(tmp_path)[0]}/stat").read_text()
        os.kill(int(stat.rpartition(")")[2].split()[1]), signal.SIGKILL)

    threading.Thread(target=kill_guardian).start()
    found = label_frame(frame, labeller("labellers:Hanging"), tmp_path)
    assert isinstance(found, LabelFailure) and found.kind == "crash"
    assert not any(is_alive(pid) for pid in pids_of(tmp_path))


def test_a_limit_of_memory_above_that_of_the_system_is_none(frame, tmp_path):
    for most in ("unlimited", str(2**24)):  # KiB
        words = ["/bin/sh", "-c", f'ulimit -Hd {most}; exec "$0" "$@"', sys.executable]
        limits = ["0", "60", str(10**21), "end.json"]
        command = [*words, guardian.__file__, *limits, "true"]
        with subprocess.Popen(command, cwd=tmp_path, stdin=subprocess.PIPE) as process:
            assert process.wait(30) == 0  # the pipe is open meanwhile
        assert '"code": 0' in (tmp_path / "end.json").read_text()


def test_a_damaged_result_is_calculated_again(frame, tmp_path):
    first = label_frame(frame, labeller("emt"), tmp_path)
    (tmp_path / "result.json").write_text('{"energy": 1.0}')
    again = label_frame(frame, labeller("emt"), tmp_path)
    assert isinstance(first, Label) and isinstance(again, Label)
    assert again.frame.energy == first.frame.energy


def test_a_wish_to_stop_ends_the_calculation(frame, tmp_path):
    stop = threading.Event()
    threading.Thread(target=lambda: (pids_of(tmp_path), stop.set())).start()
    with pytest.raises(OutOfTime, match="begins again"):
        label_frame(frame, labeller("labellers:Hanging"), tmp_path, stop=stop)
    assert not any(is_alive(pid) for pid in pids_of(tmp_path))


PARENT = """
import json, sys
from pathlib import Path
from ase.build import bulk
from limlff.frames.frame import Frame
from limlff.learning.labeller import Labeller
from limlff.learning.labelling import label_frame
atoms = bulk("Cu")
frame = Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)
label_frame(frame, Labeller(**json.loads(sys.argv[1])), Path(sys.argv[2]))
"""


def test_a_calculation_does_not_outlive_the_process_that_wanted_it(tmp_path):
    """kill -9 of the parent: within seconds neither the worker nor its children are left."""
    settings = labeller("labellers:Hanging").model_dump_json()
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT, settings, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
    )
    pids = pids_of(tmp_path)
    assert all(is_alive(pid) for pid in pids)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    deadline = time.monotonic() + 10
    while any(is_alive(pid) for pid in pids) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not any(is_alive(pid) for pid in pids)


def pids_of(folder: Path) -> list[int]:
    """Processes of `Hanging`, once it has started."""
    deadline = time.monotonic() + 60
    while not (folder / "pids").is_file() or not (folder / "pids").read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return [int(word) for word in (folder / "pids").read_text().split()]


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_large_frames_and_frames_without_a_cell_are_refused(frame, tmp_path):
    with pytest.raises(InputError, match=r"has 4 atoms, labeller.max_atoms is 3"):
        label_frame(frame, labeller("emt", max_atoms=3), tmp_path)
    lone = replace(frame, cell=np.zeros((3, 3)), periodic=np.zeros(3, bool))
    with pytest.raises(InputError, match="has no cell, which gpaw needs"):
        label_frame(lone, Labeller(), tmp_path)


def test_large_files_of_a_calculation_are_removed_and_its_output_stays(frame, tmp_path):
    (tmp_path / "wave.gpw").write_bytes(b"0" * 6_000_000)
    label_frame(frame, labeller("emt"), tmp_path)
    assert not (tmp_path / "wave.gpw").exists()
    assert (tmp_path / "log.txt").exists() and (tmp_path / "job.json").exists()
