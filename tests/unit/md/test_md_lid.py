"""A lid that turns atoms back."""

from __future__ import annotations

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from ase import Atoms
from event_runs import slab
from md_models import COPPER, settings

from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.ensembles.lid import reflected
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.md.runner import run_md
from limlff.md.system.check_structure import check_structure
from limlff.md.system.lid import lid_height
from limlff.md.system.state import initial_state

FROZEN = {"indices": list(range(36))}


def flying_atom() -> Atoms:
    """An atom above a hollow site of the slab, on its way up with 0.5 eV."""
    atoms = slab()
    atoms.append("Cu")
    hollow = 3.66 / np.sqrt(8)  # Å, half the distance of neighbors in the plane
    atoms.positions[36] = atoms.positions[27] + [hollow, hollow, 4.5]
    momenta = np.zeros((37, 3))
    momenta[36, 2] = np.sqrt(2 * 0.5 * 63.546)
    atoms.set_momenta(momenta)
    return atoms


def test_atom_flies_up_and_down_between_lid_and_surface_with_its_energy_conserved(tmp_path):
    """At constant energy above a frozen slab, which throws it back as well."""
    atoms, dt = flying_atom(), 1.0
    lid = float(atoms.positions[36, 2]) + 1.0
    config = settings(
        steps=3000,
        timestep_fs=dt,
        initial_velocities="file",
        frozen=FROZEN,
        lid={"z_angstrom": lid},
        output={"thermo_every": 10, "trajectory_every": 10, "velocities": True},
    )
    result = run_md(config, tmp_path, atoms, COPPER, progress=False)
    table = read_thermo(result.thermo)
    with Trajectory(result.trajectory) as trajectory:
        heights = np.array([frame.positions[36, 2] for frame in trajectory])
        speeds = np.array([frame.velocities[36, 2] for frame in trajectory])
    turns_at_top = np.sum((speeds[:-1] > 0) & (speeds[1:] < 0))
    turns_below = np.sum((speeds[:-1] < 0) & (speeds[1:] > 0))
    assert result.summary["lid_reflections"] == turns_at_top >= 3
    assert abs(turns_below - turns_at_top) <= 1
    assert heights.max() < lid + np.abs(speeds).max() * dt
    total = table["potential_ev"] + table["kinetic_ev"]
    assert np.ptp(total) < 2e-3  # eV, of a kinetic energy that doubles at the surface
    assert np.ptp(table["kinetic_ev"]) > 0.5
    np.testing.assert_allclose(total, table["conserved_ev"], atol=1e-9)
    # one atom moves: three degrees of freedom
    boltzmann = 8.617333e-5  # eV/K, CODATA 2018
    expected = 2 * table["kinetic_ev"] / (3 * boltzmann)
    np.testing.assert_allclose(table["temperature_k"], expected, rtol=1e-6)


def test_only_atoms_beyond_the_lid_that_go_up_are_turned_back():
    positions = np.array([[0.0, 0, 9], [0, 0, 11], [0, 0, 11], [0, 0, 11]])
    momenta = np.array([[1.0, 2, 3], [1, 2, 3], [1, 2, -3], [0, 0, 0]])
    state = initial_state(positions, momenta, np.eye(3) * 20, np.zeros(2, np.uint32), 0)
    state = jax.tree.map(jnp.asarray, replace(state, lid_height=np.float64(10.0)))
    after = reflected(state)
    expected = momenta.copy()
    expected[1] = [1, 2, -3]
    assert np.array_equal(after.momenta, expected)
    assert np.array_equal(after.positions, positions)
    assert int(after.reflections) == 1


def height(atoms: Atoms, **changes) -> float:
    config = settings(**{"frozen": FROZEN, **changes})
    return lid_height(atoms, check_structure(atoms, config), config)


def test_height_is_absolute_or_above_the_highest_atom_at_the_start():
    atoms = flying_atom()
    top = float(atoms.positions[:, 2].max())
    assert height(atoms, lid={"above_highest_angstrom": 5.0}) == pytest.approx(top + 5.0)
    assert height(atoms, lid={"z_angstrom": top + 2.0}) == pytest.approx(top + 2.0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"lid": {"z_angstrom": 40.0}}, r"lid\.z_angstrom is 40 Å, but the highest atom is at"),
        ({"lid": {"z_angstrom": 60.0}, "frozen": {}}, "hold the lowest layers with 'frozen'"),
        ({"lid": {"above_highest_angstrom": 80.0}}, "the lowest layer comes again at"),
        (
            {"lid": {"z_angstrom": 60.0}, "ensemble": {"kind": "npt"}},
            "'lid' has no meaning in npt",
        ),
    ],
)
def test_lid_that_makes_no_sense_is_refused(changes, words):
    atoms = flying_atom()
    atoms.pbc = True
    with pytest.raises(InputError, match=words):
        height(atoms, **changes)


@pytest.mark.parametrize("lid", [{}, {"z_angstrom": 5.0, "above_highest_angstrom": 5.0}])
def test_lid_has_one_height(lid):
    with pytest.raises(ValueError, match="either 'z_angstrom' or 'above_highest_angstrom'"):
        MDConfig.model_validate({"steps": 10, "lid": lid})
