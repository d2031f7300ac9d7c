"""Labels by any calculator, in a process that may crash, hang, eat memory, or lose its parent."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import sys
import threading
import time
import types
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from ase.build import add_adsorbate, bulk, fcc111
from ase.calculators.emt import EMT

from limlff.config import parse_config
from limlff.errors import InputError, OutOfTime
from limlff.frames.frame import Frame
from limlff.learning.k_points import k_point_mesh
from limlff.learning.labeller import Labeller
from limlff.learning.labelling import Label, LabelFailure, label_frame

HERE = Path(__file__).parent
REPOSITORY = HERE.parents[2]


def frame_of(atoms) -> Frame:
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc, group="bulk")


@pytest.fixture
def frame() -> Frame:
    atoms = bulk("Cu", "fcc", a=3.7, cubic=True)
    atoms.rattle(0.1, seed=1)
    return frame_of(atoms)


def labeller(calculator_class: str, settings: dict | None = None, **others) -> Labeller:
    code = {"kind": "ase", "calculator_class": calculator_class, "settings": settings or {}}
    paths = os.pathsep.join([str(HERE), os.environ.get("PYTHONPATH", "")])
    given = {"code": code, "environment": {"PYTHONPATH": paths}, **others}
    return parse_config(given, Labeller, "labeller")


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


def recorded(monkeypatch) -> tuple[types.ModuleType, list[dict]]:
    """The script that labelled `li-cu`, with a GPAW that writes down what it is asked for."""
    asked: list[dict] = []

    class Recorder(EMT):
        def __init__(self, **settings):
            super().__init__()
            asked.append(settings)

        def get_number_of_iterations(self):
            return 1

    stub = types.ModuleType("gpaw")
    stub.GPAW = Recorder
    stub.PW = lambda cutoff: {"name": "pw", "ecut": cutoff}
    stub.FermiDirac = lambda width: {"name": "fermi-dirac", "width": width}
    monkeypatch.setitem(sys.modules, "gpaw", stub)
    path = REPOSITORY / "potentials/li-cu/data/label.py"
    spec = importlib.util.spec_from_file_location("label_of_li_cu", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    return script, asked


def structures():
    slab = fcc111("Cu", (2, 2, 3), a=3.6, vacuum=7.0)
    add_adsorbate(slab, "Cu", 2.0, "fcc")
    slab.pbc = True
    sheared = bulk("Cu", "fcc", a=3.6).repeat((1, 2, 3))
    sheared.set_cell(sheared.cell.array @ [[1, 0.1, 0], [0, 1, -0.2], [0, 0, 1]], scale_atoms=True)
    crossing = slab.copy()
    crossing.positions[:, 2] += 8.0  # through the upper end of the cell
    return [bulk("Cu"), bulk("Cu", cubic=True), sheared, slab, crossing]


@pytest.mark.parametrize("mixing", [None, 0.02])
def test_gpaw_is_asked_for_what_the_frames_of_li_cu_were_made_with(monkeypatch, tmp_path, mixing):
    script, asked = recorded(monkeypatch)
    for atoms in structures():
        ours = Labeller().calculator(frame_of(atoms), safer=mixing is not None)
        script.label(atoms, tmp_path / "log.txt", mixing)
        theirs = {**asked[-1], "class": "gpaw:GPAW", "txt": ours["txt"]}
        assert ours == theirs


def test_one_k_point_across_any_vacuum():
    slab = fcc111("Cu", (1, 1, 3), a=3.6, vacuum=7.0)
    slab.pbc = True
    mesh = k_point_mesh(frame_of(slab), 0.34, 0.3)
    turned = slab.copy()
    turned.set_cell(slab.cell.array[[2, 0, 1]])
    assert k_point_mesh(frame_of(turned), 0.34, 0.3) == [mesh[2], mesh[0], mesh[1]] == [1, 9, 9]
    open_cell = bulk("Cu", cubic=True)
    open_cell.pbc = (True, False, True)
    assert k_point_mesh(frame_of(open_cell), 0.34, 0.3) == [5, 1, 5]


def test_digest_is_of_what_decides_the_labels_and_nothing_else():
    plain = Labeller()
    same = Labeller(memory_gib=8.0, wall_minutes=10.0, python="/usr/bin/python3", max_atoms=10)
    assert same.digest == plain.digest
    changed = [{"cutoff_ev": 500.0}, {"spin_polarized": True}, {"extra": {"setups": "sg15"}}]
    digests = {Labeller(code={"kind": "gpaw", **change}).digest for change in changed}
    assert len(digests | {plain.digest}) == 4


FAKE = """#!/bin/sh
cp {name} seen.txt
{words}
"""


@pytest.mark.parametrize("ending", ["echo convergence NOT achieved after 100; exit 2", "exit 1"])
def test_espresso_is_run_by_ase_and_its_output_says_whether_it_converged(frame, tmp_path, ending):
    program = tmp_path / "pw.x"
    text = (
        f"echo '  Program PWSCF v.7.2 starts'; echo 'End of self-consistent calculation'; {ending}"
    )
    program.write_text(FAKE.format(name="espresso.pwi", words=text))
    program.chmod(0o755)
    code = {
        "kind": "espresso",
        "command": str(program),
        "pseudo_dir": str(tmp_path),
        "pseudopotentials": {"Cu": "cu.upf"},
        "input_data": {"system": {"ecutwfc": 60}, "control": {"prefix": "own"}},
    }
    found = label_frame(frame, labeller("emt", code=code), tmp_path / "run", safer=True)
    seen = (tmp_path / "run/seen.txt").read_text()
    for words in ("tprnfor", "tstress", "ecutwfc", "prefix", "mixing_beta", "cu.upf", "5 5 5"):
        assert words in seen
    assert isinstance(found, LabelFailure)
    assert found.kind == ("unconverged" if "NOT" in ending else "error")


def test_abinit_gets_its_input_from_ase(frame, tmp_path):
    program = tmp_path / "abinit"
    program.write_text(FAKE.format(name="abinit.in", words="exit 14"))
    program.chmod(0o755)
    (tmp_path / "Cu.test.paw").write_text("")
    code = {
        "kind": "abinit",
        "command": str(program),
        "pp_paths": [str(tmp_path)],
        "parameters": {"ecut": 600.0, "xc": "PBE", "pps": "paw"},
    }
    found = label_frame(frame, labeller("emt", code=code), tmp_path / "run", safer=True)
    assert isinstance(found, LabelFailure)
    assert found.kind == "error" and "14" in found.reason
    seen = (tmp_path / "run/seen.txt").read_text()
    for words in ("ecut 600.0 eV", "diemix 0.2", "nstep 200", "5 5 5"):
        assert words in seen
