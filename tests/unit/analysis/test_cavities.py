"""Cavities of known size: closed in, open to the vacuum, tubes, and cut by the cell's faces."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.analysis.cavities import find_cavities
from limlff.analysis.grid import PeriodicGrid
from limlff.structures.grain import bcc_slab
from limlff.structures.lattice import bcc_supercell
from limlff.structures.void import cut_hole

A = 3.47
DENSITY = 2 / A**3


def slab():
    return bcc_slab("Li", "100", (9, 9), 20, A, vacuum=20.0)


def cavities(atoms):
    rng = np.random.default_rng(1)
    positions = atoms.positions + rng.normal(0, 0.2, atoms.positions.shape)
    return find_cavities(positions, atoms.cell.array, DENSITY)


def without(atoms, where):
    return atoms[~where], int(where.sum())


def from_point(atoms, point):
    offset = atoms.positions - point
    offset[:, :2] -= np.round(offset[:, :2] / atoms.cell.lengths()[:2]) * atoms.cell.lengths()[:2]
    return offset


@pytest.mark.parametrize("depth", [17.0, 11.0])
def test_a_hole_in_a_slab_is_enclosed_and_the_vacuum_is_not(depth):
    """Deep in the slab, and with a wall of a few Å whose margins both hollows share."""
    whole = slab()
    assert cavities(whole).missing == 0 and cavities(whole).open_volume > 9**2 * A**2 * 18
    top = whole.positions[:, 2].max()
    offset = from_point(whole, [0, 3, top - depth])
    holed, count = without(whole, np.linalg.norm(offset, axis=1) < 6.5)
    found = cavities(holed)
    assert len(found.enclosed) == 1
    assert found.missing == pytest.approx(count, rel=0.1)
    assert found.centres[0][:2] == pytest.approx([0, 3 / whole.cell[1, 1]], abs=0.03) or (
        found.centres[0][0] > 0.97
    )


def test_a_hole_that_reaches_the_surface_is_open():
    whole = slab()
    top = whole.positions[:, 2].max()
    pit, _ = without(whole, np.hypot(*from_point(whole, [9, 9, 0])[:, :2].T) < 7)
    assert cavities(pit).missing == 0
    lid = from_point(whole, [9, 9, 0])
    bottle, count = without(
        whole, (np.hypot(*lid[:, :2].T) < 7) & (np.abs(whole.positions[:, 2] - top / 2) < 9)
    )
    assert cavities(bottle).missing == pytest.approx(count, rel=0.1)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_tube_through_the_crystal_is_open_a_hole_across_a_face_is_not(axis):
    crystal = bcc_supercell("Li", A, (8, 8, 8))
    offset = crystal.positions - crystal.cell.lengths() / 2
    across = np.delete(offset, axis, axis=1)
    tube, _ = without(crystal, np.hypot(*across.T) < 6)
    assert cavities(tube).enclosed == []
    centre = [0.5, 0.5, 0.5]
    centre[axis] = 0.0
    holed, _ = cut_hole(crystal, 40, centre=tuple(centre))
    assert cavities(holed).enclosed == pytest.approx([40], rel=0.1)


def test_an_endless_part_may_wind_through_several_images():
    """A staircase that only meets its image after two cells, and one that ends."""
    grid = PeriodicGrid(np.eye(3), (6, 6, 3))
    stairs = np.zeros(grid.shape, bool)
    stairs[:, 1, 1] = True
    stairs[5, 1:4, 1] = stairs[0, 3:, 1] = True
    assert grid.endless(stairs)[stairs].all()
    ring = np.zeros(grid.shape, bool)
    ring[[0, 5], 1, 1] = ring[[0, 5], 4, 1] = True
    ring[0, 1:5, 1] = ring[5, 1:5, 1] = True
    assert not grid.endless(ring).any()
