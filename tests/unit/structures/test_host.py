"""Where a hole is cut: at a boundary, at copper, between copper, wherever all has drifted to."""

import numpy as np
import pytest

from limlff.structures.host import (
    CopperInterface,
    Crystal,
    GrainBoundary,
    Lattice,
    build_host,
    place_in,
)
from limlff.structures.void import cut_hole

LATTICE = Lattice("Li", 3.44, (5, 5, 8))


def test_crystal_is_that_of_the_cells_and_the_hole_is_where_it_was_set():
    atoms = build_host(Crystal(), LATTICE)
    assert len(atoms) == 2 * 5 * 5 * 8
    assert place_in(Crystal(), atoms, "Li", (0.1, 0.2, 0.3)) == (0.1, 0.2, 0.3)


def test_hole_at_a_grain_boundary_is_as_far_from_the_other_one_as_its_cell_is_wide():
    host = GrainBoundary(plane=310)
    atoms = build_host(host, LATTICE)
    assert atoms.cell[2, 2] >= 1.5 * 8 * 3.44
    assert place_in(host, atoms, "Li", (0.5, 0.5, 0.5)) == (0.5, 0.5, 0.0)


@pytest.mark.parametrize("drift", [0.0, 9.0])
def test_hole_at_copper_leaves_the_copper_bare_and_one_between_does_not(drift):
    for place in ("at", "between"):
        host = CopperInterface(place=place, copper_layers=5, max_strain_percent=4)
        atoms = build_host(host, LATTICE)
        atoms.positions[:, 2] += drift
        centre = place_in(host, atoms, "Li", (0.5, 0.5, 0.5))
        holed, hole = cut_hole(atoms, 30, centre=centre, element="Li")
        assert (holed.symbols == "Cu").sum() == (atoms.symbols == "Cu").sum()
        point = hole.centre @ atoms.cell.array
        offset = holed.positions - point
        offset -= np.round(offset @ np.linalg.inv(atoms.cell.array)) @ atoms.cell.array
        is_copper = np.array(holed.symbols == "Cu")
        nearest = np.linalg.norm(offset[is_copper], axis=1).min()
        assert (nearest < 2.5) if place == "at" else (nearest > 8)
        # half a sphere of 30 atoms on copper is wider than a whole one
        assert (hole.radius > 6.0) if place == "at" else (hole.radius < 5.8)
