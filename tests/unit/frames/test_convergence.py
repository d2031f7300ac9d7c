"""Steps whose electrons did not converge are no labels, whatever code computed them."""

from __future__ import annotations

import gzip

import ase.io
import numpy as np
import pytest
from ase import Atoms
from ase.calculators.singlepoint import SinglePointCalculator
from ase.db import connect
from ase.io import ulm
from ase.io.trajectory import write_atoms
from code_outputs import AIMS_NEXT, aims_output, gpaw_output, outcar, pw_output, vasprun

from limlff.errors import InputError
from limlff.frames.convergence import Steps, read_steps, reasons_per_frame
from limlff.frames.read import read_source

OUTPUTS = {
    "OUTCAR": outcar,
    "vasprun.xml": vasprun,
    "relax.pwo": pw_output,
    "gpaw.txt": gpaw_output,
    "aims.out": aims_output,
}


@pytest.mark.parametrize("name", OUTPUTS)
def test_only_the_steps_that_did_not_converge_are_left_out(tmp_path, name):
    whole, holed = tmp_path / "whole", tmp_path / "holed"
    for folder, converged in ((whole, [True] * 4), (holed, [True, False, True, False])):
        folder.mkdir()
        (folder / name).write_text(OUTPUTS[name](converged))
    everything, source = read_source(whole / name), read_source(holed / name)
    assert len(everything.frames) == 4 and not everything.remarks
    assert source.left_out == 2
    for frame, expected in zip(source.frames, everything.frames[::2], strict=True):
        assert frame.energy == expected.energy and frame.origin == expected.origin
        np.testing.assert_array_equal(frame.positions, expected.positions)
        np.testing.assert_array_equal(frame.forces, expected.forces)
    (sentence,) = source.sentences()
    assert "did not converge" in sentence and f"{name}, frame 1, 3)" in sentence


@pytest.mark.parametrize("name", OUTPUTS)
def test_a_file_of_which_nothing_is_left_is_refused(tmp_path, name):
    (tmp_path / name).write_text(OUTPUTS[name]([False]))
    with pytest.raises(InputError, match=r"none of its 1 frames can be used.*did not converge"):
        read_source(tmp_path / name)


@pytest.mark.parametrize(
    "failure, fewer",
    [
        ("aborting loop EDIFF was not reached (unconverged)", 0),
        ("hard stop encountered!  aborting job ...", 3),
        ("", 2),  # says nothing where the other steps say that EDIFF is reached
    ],
)
def test_each_way_in_which_vasp_says_it(tmp_path, failure, fewer):
    (tmp_path / "OUTCAR").write_text(outcar([True, False], failure, fewer))
    source = read_source(tmp_path / "OUTCAR")
    assert len(source.frames) == 1 and source.left_out == 1


def test_the_last_step_of_a_killed_calculation_is_left_out_and_that_is_said(tmp_path):
    text = vasprun([True, False, True])
    (tmp_path / "vasprun.xml.gz").write_bytes(
        gzip.compress(text[: text.rindex('<varray name="forces">')].encode())
    )
    source = read_source(tmp_path / "vasprun.xml.gz")
    assert len(source.frames) == 1 and source.left_out == 1
    assert any("ends within step 2" in sentence for sentence in source.sentences())
    text = outcar([True, True])
    (tmp_path / "OUTCAR").write_text(text[: text.rindex("POSITION")])
    source = read_source(tmp_path / "OUTCAR")
    assert len(source.frames) == 1 and "ends within step 1" in source.sentences()[0]
    text = aims_output([True]).replace("Have a nice day.", "")
    (tmp_path / "aims.out").write_text(
        text + AIMS_NEXT + "\n Begin self-consistency iteration #    1\n"
    )
    source = read_source(tmp_path / "aims.out")
    assert [frame.energy for frame in source.frames] == [-3.81]
    assert source.left_out == 1 and "ends within this step" in source.sentences()[0]


def test_keys_of_frames_that_tell_it_are_heeded(tmp_path):
    """A bare `converged` is as likely of the relaxation, so it says nothing."""
    line = 'Lattice="3 0 0 0 3 0 0 0 3" energy=-1 '
    file = tmp_path / "a.extxyz"
    file.write_text(
        "".join(
            f"1\n{line}{key}\nLi 0 0 0\n"
            for key in ("scf_converged=F", "electronic_converged=False", "scf_converged=T",
                        "converged=F")
        )
    )  # fmt: skip
    source = read_source(file)
    assert [frame.origin for frame in source.frames] == [f"a.extxyz, frame {n}" for n in (2, 3)]
    atoms = ase.io.read(file, index=0)
    with connect(tmp_path / "rows.db") as rows:
        for converged in (True, False):
            atoms.calc = SinglePointCalculator(atoms, energy=-1.0)
            rows.write(atoms, scf_converged=converged)
    source = read_source(tmp_path / "rows.db")
    assert len(source.frames) == 1 and source.left_out == 1


@pytest.mark.parametrize("converged", [True, False])
def test_restart_file_of_gpaw(tmp_path, converged):
    """Written as GPAW does, with the little of it that ASE reads."""
    atoms = Atoms("Li2", [[0, 0, 0], [0, 0, 2.7]], cell=[8, 8, 8], pbc=True)
    with ulm.open(tmp_path / "a.gpw", "w", tag="gpaw") as writer:
        writer.write(version=3)
        write_atoms(writer.child("atoms"), atoms)
        writer.child("results").write(energy=-3.8, forces=np.zeros((2, 3)))
        writer.child("wave_functions").write(fermi_levels=np.array([0.1]))
        writer.child("scf").write(converged=converged)
    if converged:
        assert read_source(tmp_path / "a.gpw").frames[0].energy == -3.8
    else:
        with pytest.raises(InputError, match="did not converge"):
            read_source(tmp_path / "a.gpw")


CASTEP_FAILED = "*Warning* max. SCF cycles performed but system has not reached the groundstate."
ORCA_FAILED = "                 *        SCF NOT CONVERGED AFTER 125 CYCLES          *"


@pytest.mark.parametrize(
    "kind, text, failed",
    [
        (
            "castep-castep",
            f"Final energy = 1 eV\n BFGS: starting iteration 1\n{CASTEP_FAILED}\n"
            "Final energy = 3 eV\n BFGS: improving iteration 1\nFinal energy = 2 eV\n",
            [False, True, False],
        ),
        (
            "orca-output",
            f"x\n*   GEOMETRY\nORCA GEOMETRY RELAXATION STEP\n{ORCA_FAILED}\n"
            "ORCA TERMINATED NORMALLY\n",
            [False, True],
        ),
        (
            "abinit-out",
            " scfcv : WARNING - nstep=  3 was not enough SCF cycles to converge;\n",
            [True],
        ),
        ("abinit-out", " At SCF step  9, etot is converged\n", [False]),
        ("nwchem-out", "  Calculation failed to converge\n", [True]),
        ("gaussian-out", " Convergence failure -- run terminated.\n", [True]),
    ],
)
def test_words_of_other_codes(tmp_path, kind, text, failed):
    (tmp_path / "output").write_text(text)
    steps = read_steps(tmp_path / "output", kind)
    reasons = reasons_per_frame(steps, len(failed), "output")
    assert [reason is not None for reason in reasons] == failed


def test_a_failed_step_that_cannot_be_told_from_the_others_refuses_the_file():
    steps = Steps([None, "its electronic steps did not converge"])
    assert reasons_per_frame(steps, 2, "x.out")[1]
    with pytest.raises(InputError, match=r"x\.out: .*which of its 5 frames"):
        reasons_per_frame(steps, 5, "x.out")
    assert reasons_per_frame(Steps([None, None]), 5, "x.out") == [None] * 5
