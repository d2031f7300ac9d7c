import numpy as np
import pytest

from limlff.errors import InputError
from limlff.structures.lattice import bcc_supercell
from limlff.structures.void import cut_hole


@pytest.mark.parametrize("missing", [1, 9, 15, 40, 113])
def test_exactly_so_many_atoms_are_missing_and_none_is_left_inside(missing):
    crystal = bcc_supercell("Li", 3.44, (8, 8, 8))
    holed, hole = cut_hole(crystal, missing)
    assert len(holed) == len(crystal) - missing
    centre = hole.centre @ crystal.cell.array
    assert np.linalg.norm(holed.positions - centre, axis=1).min() >= hole.radius - 1e-6


def test_closed_shells_of_a_sphere_around_a_lattice_site():
    """Around a site of bcc: 1, then 8, 6, 12, 24, 8 atoms."""
    crystal = bcc_supercell("Li", 3.0, (8, 8, 8))
    for missing, radius in [(1, 0), (9, 2.598), (15, 3), (27, 4.243), (51, 4.975), (59, 5.196)]:
        _, hole = cut_hole(crystal, missing)
        assert hole.radius == pytest.approx(radius, abs=1e-3)


def test_cuboid_has_flat_walls():
    """Nothing is left inside a cube of half edge 1.5 a, counted from the crystal itself."""
    crystal = bcc_supercell("Li", 3.0, (8, 8, 8))
    offset = crystal.positions - np.full(3, 12.0)
    inside = int((np.abs(offset).max(axis=1) < 4.6).sum())
    holed, hole = cut_hole(crystal, inside, shape="cuboid")
    assert hole.radius == pytest.approx(4.5)
    assert np.abs(holed.positions - 12.0).max(axis=1).min() > 4.6


def test_hole_across_the_periodic_boundary_is_the_same_hole():
    crystal = bcc_supercell("Li", 3.44, (6, 6, 6))
    middle, _ = cut_hole(crystal, 15)
    corner, _ = cut_hole(crystal, 15, centre=(0.0, 0.0, 0.0))
    distances = [np.sort(a.get_all_distances(mic=True), axis=None) for a in (middle, corner)]
    np.testing.assert_allclose(*distances, atol=1e-8)


@pytest.mark.parametrize("missing", [0, 2000, 900])
def test_holes_that_do_not_fit_are_refused(missing):
    with pytest.raises(InputError):
        cut_hole(bcc_supercell("Li", 3.44, (8, 8, 8)), missing)


def test_cylinder_is_as_high_as_it_is_wide_and_nothing_is_left_inside():
    crystal = bcc_supercell("Li", 3.0, (8, 8, 8))
    x, y, z = (crystal.positions - 12.0).T
    across, along = np.hypot(x, y), np.abs(z)
    inside = int(((across < 5.5) & (along < 5.5)).sum())
    holed, hole = cut_hole(crystal, inside, shape="cylinder")
    assert hole.radius < 5.5
    left = holed.positions - 12.0
    assert np.maximum(np.hypot(left[:, 0], left[:, 1]), np.abs(left[:, 2])).min() >= 5.5
    _, cube = cut_hole(crystal, inside, shape="cuboid")
    assert cube.radius < hole.radius  # it takes in the corners, too
