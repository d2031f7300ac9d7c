"""Constant energy in a crystal: conservation laws and time reversal, through the whole runner."""

from __future__ import annotations

import numpy as np
from md_models import copper, run_copper

from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory


def test_energy_oscillates_with_the_square_of_the_step(tmp_path):
    """Over the same 160 fs from the same start, at 2, 4 and 8 fs."""
    spread = []
    for timestep_fs in (8.0, 4.0, 2.0):
        every = int(8.0 / timestep_fs)
        result = run_copper(
            tmp_path / str(timestep_fs),
            steps=20 * every,
            timestep_fs=timestep_fs,
            temperature_k=600.0,
            output={"thermo_every": every},
        )
        energy = read_thermo(result.thermo)["conserved_ev"]
        assert len(energy) == 21
        spread.append(np.abs(energy - energy[0]).max())
    assert 3.0 < spread[0] / spread[1] < 5.0
    assert 3.0 < spread[1] / spread[2] < 5.0


def test_reversed_velocities_lead_back(tmp_path):
    start = copper()
    there = run_copper(tmp_path / "there", start, steps=200, temperature_k=600.0)
    back = there.atoms.copy()
    back.set_momenta(-there.atoms.get_momenta())
    final = run_copper(tmp_path / "back", back, steps=200, initial_velocities="file").atoms
    assert np.abs(there.atoms.positions - start.positions).max() > 0.05
    np.testing.assert_allclose(final.positions, start.positions, atol=1e-9)


def test_momentum_stays_zero_and_the_centre_of_mass_in_place(tmp_path):
    atoms = copper()
    atoms.set_masses(np.where(np.arange(len(atoms)) % 3 == 0, 7.0, 63.5))
    result = run_copper(tmp_path, atoms, steps=200, temperature_k=600.0)
    momenta = result.atoms.get_momenta()
    assert np.abs(momenta).max() > 0.1
    assert np.abs(momenta.sum(axis=0)).max() < 1e-11
    np.testing.assert_allclose(
        result.atoms.get_center_of_mass(), atoms.get_center_of_mass(), atol=1e-12
    )


def test_an_atom_that_leaves_the_cell_goes_on_unwrapped(tmp_path):
    """A crystal and the same crystal with its atoms in other cells: the same forces and motion."""
    atoms = copper()
    atoms.set_momenta(np.random.default_rng(0).normal(size=(len(atoms), 3)))
    moved = atoms.copy()
    shifts = np.random.default_rng(1).integers(-2, 3, size=(len(atoms), 3)) @ atoms.cell.array
    moved.positions += shifts
    changes = {"initial_velocities": "file", "steps": 60}
    one = run_copper(tmp_path / "one", atoms, **changes)
    two = run_copper(tmp_path / "two", moved, **changes)
    np.testing.assert_allclose(two.atoms.positions - shifts, one.atoms.positions, atol=1e-9)


def test_trajectory_holds_the_positions_of_the_run(tmp_path):
    result = run_copper(
        tmp_path,
        steps=100,
        output={"trajectory_every": 20, "extended_xyz": True, "velocities": True},
    )
    with Trajectory(result.trajectory) as trajectory:
        assert len(trajectory) == 6
        assert trajectory.symbols == ["Cu"] * 32
        assert trajectory.periodic.all()
        frames = list(trajectory)
        last = trajectory[-1]
    assert [frame.step for frame in frames] == [0, 20, 40, 60, 80, 100]
    assert frames[3].time_fs == 120.0
    np.testing.assert_allclose(frames[0].positions, copper().positions, atol=1e-6)
    np.testing.assert_allclose(last.positions, result.atoms.positions, atol=1e-6)
    np.testing.assert_allclose(last.cell, result.atoms.cell.array)
    # the mean velocity between frames is near the ones at their ends
    travelled = (last.positions - frames[-2].positions) / 40.0
    assert np.corrcoef(travelled.ravel(), (last.velocities + frames[-2].velocities).ravel())[0, 1]
    from ase.io import read

    copies = read(tmp_path / "trajectory.extxyz", ":")
    assert len(copies) == 6
    np.testing.assert_allclose(copies[-1].positions, last.positions, atol=2e-6)
    assert copies[-1].info["step"] == 100
