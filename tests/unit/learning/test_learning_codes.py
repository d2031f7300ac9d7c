"""What the codes of density functional theory are asked for."""

from __future__ import annotations

import importlib.util
import sys
import types

import pytest
from ase.build import add_adsorbate, bulk, fcc111
from ase.calculators.emt import EMT
from labelling_cases import HERE, frame_of, labeller

from limlff.learning.k_points import k_point_mesh
from limlff.learning.labeller import Labeller
from limlff.learning.labelling import LabelFailure, label_frame

REPOSITORY = HERE.parents[2]


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


@pytest.mark.parametrize("safer", [False, True])
def test_gpaw_is_asked_for_what_the_frames_of_li_cu_were_made_with(monkeypatch, tmp_path, safer):
    script, asked = recorded(monkeypatch)
    for atoms in structures():
        ours = Labeller().calculator(frame_of(atoms), safer=safer)
        script.label(atoms, tmp_path / "log.txt", script.SOLVERS[safer])
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
