import numpy as np
import pytest
from scipy.spatial import cKDTree

from limlff.errors import InputError
from limlff.structures.slab import (
    cut_island,
    cut_missing_rows,
    cut_step,
    cut_vacancies,
    fcc_slab,
)

A = 3.63
NEAREST = A / np.sqrt(2)
FACETS = ("100", "110", "111")


def copper(facet, size=(6, 6), layers=5, fixed_layers=0):
    return fcc_slab("Cu", facet, size, layers, A, 15.0, fixed_layers)


def coordination(atoms):
    """Neighbors of each atom at the nearest distance; no two atoms are closer than that."""
    inside = atoms.get_scaled_positions() @ atoms.cell.array
    tree = cKDTree(inside, boxsize=atoms.cell.lengths())
    assert tree.query(inside, k=2)[0][:, 1].min() == pytest.approx(NEAREST)
    return np.array([len(near) - 1 for near in tree.query_ball_point(inside, 1.1 * NEAREST)])


def heights(atoms):
    return np.unique(atoms.positions[:, 2].round(4))


@pytest.mark.parametrize(
    ("facet", "density", "spacing", "neighbors"),
    [
        ("100", 0.151, A / 2, 8),
        ("110", 0.107, A / np.sqrt(8), 7),
        ("111", 0.175, A / np.sqrt(3), 9),
    ],
)
def test_planes_have_the_density_spacing_and_neighbors_of_their_facet(
    facet, density, spacing, neighbors
):
    slab = copper(facet)
    area = np.linalg.norm(np.cross(slab.cell[0], slab.cell[1]))
    assert 36 / area == pytest.approx(density, abs=1e-3)  # atoms/Å²
    np.testing.assert_allclose(np.diff(heights(slab)), spacing, atol=1e-3)
    counts = coordination(slab)
    assert set(counts[slab.get_tags() == 1]) == {neighbors}
    assert set(counts[slab.get_tags() == 3]) == {12}


@pytest.mark.parametrize("facet", FACETS)
def test_cell_is_as_deposition_asks_for(facet):
    """Surface in the xy plane, periodic everywhere, as much vacuum as was asked for."""
    slab = copper(facet, fixed_layers=2)
    assert slab.pbc.all() and slab.positions[:, 2].min() > 0
    np.testing.assert_allclose(slab.cell.array - np.diag(slab.cell.lengths()), 0, atol=1e-12)
    assert slab.cell[2, 2] - np.ptp(slab.positions[:, 2]) == pytest.approx(15.0)
    held = slab.constraints[0].index
    assert len(held) == 72
    free = np.setdiff1d(np.arange(len(slab)), held)
    assert slab.positions[held, 2].max() < slab.positions[free, 2].min() - 1


@pytest.mark.parametrize(
    ("facet", "size", "terrace"), [("100", (4, 10), 8), ("110", (10, 4), 7), ("111", (4, 10), 9)]
)
@pytest.mark.parametrize("layers", [1, 2, 3])
def test_step_edges_are_close_packed_rows_of_seven_neighbors(facet, size, terrace, layers):
    """Atoms of a straight <110> edge have 7, on (110) all of the terrace; none hangs over."""
    stepped = cut_step(copper(facet, size, 4 + layers), layers)
    counts, tags = coordination(stepped), stepped.get_tags()
    assert counts[tags <= layers].min() == 7
    top = counts[tags == 1]
    assert set(top) == {7, terrace}
    assert np.sum(top == 7) == (len(top) if terrace == 7 else 2 * 4)
    assert [np.sum(tags == layers), np.sum(tags == layers + 1)] == [20, 40]  # half of the rows
    assert len(heights(stepped)) == 4 + layers
    assert stepped.info["layers"] == 4


@pytest.mark.parametrize(
    ("facet", "atoms", "inside"), [("111", 7, 1), ("111", 19, 7), ("100", 9, 1)]
)
def test_islands_are_compact_and_lie_at_sites_of_the_crystal(facet, atoms, inside):
    """Closed shells about a site: so many of the atoms have all their neighbors in the plane."""
    slab = cut_island(copper(facet, (12, 12), 4), atoms)
    island = slab[slab.get_tags() == 1]
    assert len(island) == atoms and len(slab) == 3 * 144 + atoms
    full = {"111": 6, "100": 4}[facet]
    in_plane = np.sum(island.get_all_distances() < 1.1 * NEAREST, axis=1) - 1
    assert np.sum(in_plane == full) == inside
    below = {"111": 3, "100": 4}[facet]
    counts = coordination(slab)
    assert counts[slab.get_tags() == 1].min() >= below + 2
    assert slab.info["layers"] == 3


@pytest.mark.parametrize(("facet", "apart"), [("100", 2 * NEAREST), ("110", 2 * A)])
def test_missing_rows_leave_rows_at_twice_their_distance(facet, apart):
    slab = cut_missing_rows(copper(facet))
    top = slab.positions[slab.get_tags() == 1]
    along = {"100": 0, "110": 1}[facet]
    rows = np.unique(top[:, 1 - along].round(3))
    assert len(top) == 18
    np.testing.assert_allclose(np.diff(rows), apart, atol=1e-3)
    first = np.sort(top[np.isclose(top[:, 1 - along], rows[0], atol=1e-3), along])
    np.testing.assert_allclose(np.diff(first), NEAREST)


def test_vacancies_are_in_the_top_plane_and_their_places_come_from_the_seed():
    slab = copper("111")
    one, same, other = (cut_vacancies(slab, 5, seed) for seed in (1, 1, 2))
    assert np.bincount(one.get_tags()).tolist() == [0, 31, 36, 36, 36, 36]
    np.testing.assert_array_equal(one.positions, same.positions)
    assert not np.array_equal(one.positions, other.positions)
    assert one.info["surface"] == "vacancies: 5" and slab.info["surface"] == "flat"


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: copper("112"), "112"),
        (lambda: copper("111", (6, 5)), "even"),
        (lambda: copper("100", layers=0), "layers are 0"),
        (lambda: copper("100", fixed_layers=6), "6 fixed"),
        (lambda: fcc_slab("Cu", "100", (2, 2), 3, A, -1.0), "vacuum -1"),
        (lambda: cut_step(copper("100", (6, 6)), 3), "6 rows along y"),
        (lambda: cut_step(copper("100", layers=1), 1), "1 layers"),
        (lambda: cut_island(copper("100"), 30), "enlarge size"),
        (lambda: cut_missing_rows(copper("111")), r"\(111\)"),
        (lambda: cut_missing_rows(copper("100", (6, 5))), "5 rows"),
        (lambda: cut_vacancies(copper("100"), 36, 1), "between 1 and 35"),
    ],
)
def test_slabs_that_cannot_be_are_refused(make, said):
    with pytest.raises(InputError, match=said):
        make()
