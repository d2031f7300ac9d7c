"""Virials of atoms in trajectories: against the thermo table, the calculator, and on resuming."""

from __future__ import annotations

import ase.io
import h5py
import numpy as np
import pytest
from ase import Atoms
from md_models import COPPER, copper, settings

from limlff.calculator import Calculator
from limlff.errors import InputError, OutOfTime
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.runner import run_md
from limlff.units import GIGAPASCAL

CHANGES = {
    "ensemble": {"kind": "nvt_langevin"},
    "steps": 30,
    "output": {
        "thermo_every": 10,
        "trajectory_every": 10,
        "checkpoint_every": 10,
        "velocities": True,
        "virials": True,
        "extended_xyz": True,
    },
}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    out = tmp_path_factory.mktemp("virials") / "run"
    run_md(settings(**CHANGES), out, copper(), COPPER, progress=False)
    return out


def _frames(out):
    with Trajectory(out / "trajectory.h5") as trajectory:
        return list(trajectory)


def test_virials_and_velocities_of_a_frame_give_the_pressure_of_the_thermo_table(whole):
    table = read_thermo(whole / "thermo.csv")
    masses = copper().get_masses()
    assert len(_frames(whole)) == 4
    for row, frame in enumerate(_frames(whole)):
        # amu Å^2/fs^2 to eV
        moving = 103.642696 * (frame.velocities.T * masses) @ frame.velocities
        tensor = (frame.virials.sum(axis=0) + moving) / abs(np.linalg.det(frame.cell)) / GIGAPASCAL
        for name, i, j in (("xx", 0, 0), ("zz", 2, 2), ("yz", 1, 2)):
            expected = table[f"pressure_{name}_gpa"][row]
            assert tensor[i, j] == pytest.approx(expected, abs=1e-5)


def test_virials_are_those_of_the_calculator_for_the_frame(whole):
    frame = _frames(whole)[-1]
    atoms = Atoms(frame.numbers, frame.positions, cell=frame.cell, pbc=True)
    stresses = Calculator(COPPER).get_stresses(atoms) * atoms.get_volume()
    xx, yz = frame.virials[:, 0, 0], frame.virials[:, 1, 2]
    assert np.abs(xx + stresses[:, 0]).max() < 1e-4  # positions are rounded in the file
    assert np.abs(yz + stresses[:, 3]).max() < 1e-4
    assert np.abs(stresses).max() > 0.1


def test_virials_have_the_layout_of_h5md_and_stand_in_the_extended_xyz(whole):
    with h5py.File(whole / "trajectory.h5") as file:
        group = file["particles/all/virial"]
        assert group["value"].shape == (4, 32, 3, 3)
        assert group["value"].attrs["unit"] == "eV"
        assert group["step"][:].tolist() == [0, 10, 20, 30]
        assert np.array_equal(group["time"][:], file["particles/all/position/time"][:])
    for atoms, frame in zip(
        ase.io.read(whole / "trajectory.extxyz", ":"), _frames(whole), strict=True
    ):
        assert np.abs(atoms.arrays["virials"] - frame.virials.reshape(-1, 9)).max() < 1e-6
        assert np.abs(atoms.positions - frame.positions).max() < 1e-5


def test_a_resumed_run_writes_the_same_virials(whole, tmp_path):
    out = tmp_path / "run"
    with pytest.raises(OutOfTime):
        run_md(
            settings(**CHANGES),
            out,
            copper(),
            COPPER,
            progress=False,
            max_runtime_seconds=1e-9,
        )
    resume_md(out, COPPER, progress=False)
    for again, before in zip(_frames(out), _frames(whole), strict=True):
        assert np.array_equal(again.virials, before.virials)
    assert (out / "trajectory.extxyz").read_bytes() == (whole / "trajectory.extxyz").read_bytes()
    with pytest.raises(InputError, match=r"output\.virials was True and is now False"):
        resume_md(out, COPPER, progress=False, overrides=["output.virials=false"])


def test_a_trajectory_without_virials_has_none(tmp_path):
    run_md(settings(steps=1), tmp_path / "run", copper(), COPPER, progress=False)
    assert all(frame.virials is None for frame in _frames(tmp_path / "run"))
    with h5py.File(tmp_path / "run" / "trajectory.h5") as file:
        assert "virial" not in file["particles/all"]
