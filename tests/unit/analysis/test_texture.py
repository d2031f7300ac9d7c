"""Texture of crystals whose orientation is known."""

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from surfaces import warm_slabs

from limlff.analysis.local_order import Order
from limlff.analysis.texture import find_texture
from limlff.errors import InputError
from limlff.structures.lattice import bcc_supercell


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_direction_of_z_is_found_in_a_crystal_turned_at_random(seed):
    """Vibrations of 0.2 Å, as at 300 K; the direction is compared up to the crystal's symmetry."""
    crystal = bcc_supercell("Li", 3.47, (6, 6, 6))
    rng = np.random.default_rng(seed)
    turn = Rotation.random(random_state=seed).as_matrix()
    positions = (crystal.positions + rng.normal(0, 0.2, crystal.positions.shape)) @ turn.T
    texture = find_texture(positions, crystal.cell.array @ turn.T)
    assert texture.bcc.mean() > 0.99
    true, found = np.sort(np.abs(turn[2])), np.sort(np.abs(texture.up), axis=1)
    off = np.degrees(np.arccos(np.clip(found @ true, -1, 1)))
    assert np.median(off) < 2.0
    assert np.mean(off < 6.0) > 0.98
    diagonals = np.array([[0, 1, 1], [0, 1, -1], [1, 0, 1], [1, 0, -1], [1, 1, 0], [1, -1, 0]])
    exact = np.degrees(np.arccos(np.abs(diagonals @ turn[2]).max() / np.sqrt(2)))
    assert np.median(texture.angles("(110)")) == pytest.approx(exact, abs=1.5)


@pytest.mark.parametrize("plane", ["(100)", "(110)", "(111)"])
def test_slabs_at_300_k_have_the_texture_they_were_cut_with(plane):
    for slab in warm_slabs(f"Li{plane}"):
        texture = find_texture(slab.positions, slab.cell.array)
        fractions = texture.fractions()
        assert fractions[plane] > 0.8
        assert sum(fractions.values()) - fractions[plane] < 0.05


def test_melt_has_no_texture():
    for slab in warm_slabs("molten"):
        texture = find_texture(slab.positions, slab.cell.array)
        assert texture.bcc.mean() < 0.01


def test_random_orientations_fill_solid_angles():
    """Without atoms: directions at random count for each plane as its cones do."""
    from limlff.analysis.texture import Texture

    up = np.random.default_rng(1).normal(size=(200_000, 3))
    texture = Texture(np.ones(len(up), bool), up / np.linalg.norm(up, axis=1)[:, None])
    cone = 1 - np.cos(np.radians(10))
    for plane, normals in [("(100)", 3), ("(110)", 6), ("(111)", 4)]:
        assert texture.fractions()[plane] == pytest.approx(normals * cone, rel=0.03)


def test_order_that_is_known_is_taken_and_unknown_planes_are_refused():
    crystal = bcc_supercell("Li", 3.44, (4, 4, 4))
    nothing = np.full(len(crystal), Order.FCC)
    texture = find_texture(crystal.positions, crystal.cell.array, order=nothing)
    assert texture.fractions() == {"(100)": 0, "(110)": 0, "(111)": 0}
    with pytest.raises(InputError, match=r"plane is '\(211\)'"):
        texture.angles("(211)")
