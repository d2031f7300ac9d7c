"""Grains whose orientation and boundary are known, with the noise of 300 K."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation

from limlff.analysis.grains import area_between, boundary_between, find_grains
from limlff.analysis.local_order import Order
from limlff.analysis.misorientation import mean_orientation, misorientation
from limlff.structures.dendrite_settings import Dendrites, build_dendrites
from limlff.structures.grain import orientation
from limlff.structures.lattice import bcc_supercell

NOISE = 0.15  # Å per component


def facing(*grains):
    settings = {
        "lattice_constant": 3.47, "slab": {"size": [10, 10], "layers": 6}, "gap_angstrom": 6.0,
        "shape": {"kind": "hemisphere", "radius_angstrom": 13}, "grains": grains,
    }  # fmt: skip
    atoms = build_dendrites(Dendrites.model_validate(settings))
    atoms.positions += np.random.default_rng(5).normal(0, NOISE, atoms.positions.shape)
    return atoms


@pytest.mark.parametrize("seed", range(3))
def test_misorientation_is_the_angle_of_the_turn_whatever_the_symmetric_copy(seed):
    """Turns of up to 30 degrees are the smallest of all that take one crystal to the other."""
    rng = np.random.default_rng(seed)
    base = Rotation.random(20, random_state=seed).as_matrix()
    angles = rng.uniform(1, 30, 20)
    axes = rng.normal(size=(20, 3))
    turn = Rotation.from_rotvec(np.radians(angles)[:, None] * axes
                                / np.linalg.norm(axes, axis=1)[:, None])  # fmt: skip
    copies = Rotation.create_group("O").as_matrix()[rng.integers(0, 24, 20)]
    assert misorientation(base, turn.as_matrix() @ base @ copies) == pytest.approx(angles, abs=1e-5)
    assert misorientation(orientation("100"), orientation("100", 90.0)) == pytest.approx(
        0, abs=1e-5
    )
    assert misorientation(orientation("100"), orientation("110")) == pytest.approx(45.0)


def test_the_mean_of_scattered_orientations_is_the_one_they_scatter_about():
    rng = np.random.default_rng(3)
    true = Rotation.random(random_state=1).as_matrix()
    scattered = Rotation.from_rotvec(rng.normal(0, 0.05, (400, 3))).as_matrix() @ true
    copies = Rotation.create_group("O").as_matrix()[rng.integers(0, 24, 400)]
    assert misorientation(mean_orientation(scattered @ copies), true) < 0.5


def test_a_dendrite_that_is_turned_is_a_grain_of_its_own():
    """Its orientation, its atoms, the area of its foot and disordered atoms there are found."""
    turned = {"angle_degrees": 25, "axis": [1, 1, 0]}
    atoms = facing({}, turned)
    grains = find_grains(atoms.positions, atoms.cell.array)
    assert len(grains.rotations) == 2
    assert misorientation(grains.rotations[0], orientation("100")) < 1
    assert misorientation(grains.rotations[1], orientation("100", 25, (1, 1, 0))) < 1
    own = atoms.arrays["grain"] == 2
    assert np.mean(own[grains.labels == 1]) > 0.98
    boundary = boundary_between(grains, atoms.positions, atoms.cell.array)
    assert boundary.angle_degrees == pytest.approx(25, abs=1.5)
    assert boundary.area == pytest.approx(np.pi * 13**2, rel=0.15)
    foot = atoms.info["feet"][1, 2]
    assert boundary.atoms.sum() > 20
    assert np.abs(atoms.positions[boundary.atoms, 2] - foot).max() < 6
    assert not np.any(grains.order[boundary.atoms] == Order.BCC)


def test_surfaces_of_one_crystal_are_no_boundary():
    atoms = facing({})
    grains = find_grains(atoms.positions, atoms.cell.array)
    assert len(grains.rotations) == 1
    assert grains.sizes[0] == np.sum(grains.labels == 0) > 0.6 * len(atoms)


@pytest.mark.parametrize("shape", ["plane", "sphere"])
def test_area_between_groups_is_that_of_the_geometry(shape):
    """A crystal divided by two planes, and by a sphere: no direction counts more than another."""
    crystal = bcc_supercell("Li", 3.47, (9, 9, 9))
    length = crystal.cell[0, 0]
    rng = np.random.default_rng(2)
    offsets = crystal.positions - 0.5 * length
    crystal.positions += rng.normal(0, NOISE, crystal.positions.shape)
    if shape == "plane":
        first, area = np.abs(offsets[:, 0] - 0.1) < 8, 2 * length**2
    else:
        first, area = np.linalg.norm(offsets, axis=1) < 10, 4 * np.pi * 10**2
    found = area_between(crystal.positions, crystal.cell.array, first, ~first, 2 / 3.47**3)
    assert found == pytest.approx(area, rel=0.08)
