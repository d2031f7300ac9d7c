"""Layers of slabs and films whose layers are known, or counted by hand."""

import numpy as np
import pytest
from ase import Atoms
from ase.build import add_adsorbate, bcc110, fcc111
from ase.io import read
from surfaces import COPPER, LITHIUM, copper_slab, shaken, warm_slabs

from limlff.analysis.film import NO_LAYER, find_film
from limlff.analysis.heights import layer_boundaries, layers_of_heights
from limlff.analysis.layers import measure_layers
from limlff.errors import InputError


@pytest.mark.parametrize(
    "spacing, rms, atoms", [(1.72, 0.3, 60), (2.43, 0.45, 80), (0.99, 0.2, 100)]
)
def test_layers_of_crystals_at_300_k_are_told_apart(spacing, rms, atoms):
    """Li(100), Li(110) and Li(111) with vibrations of 0.2 to 0.45 Å along z."""
    rng = np.random.default_rng(3)
    for _ in range(5):
        true = np.repeat(np.arange(8), atoms)
        heights = spacing * true + rng.normal(0, rms, len(true))
        found = layers_of_heights(heights)
        assert found.max() == 7
        assert np.mean(found == true) > 0.97 if spacing > 1 else 0.9


def test_sparse_layer_on_a_full_one_is_a_layer_of_its_own():
    """Five adatoms on 64 atoms, as at the front of growth."""
    rng = np.random.default_rng(4)
    heights = np.concatenate([rng.normal(0, 0.3, 64), rng.normal(2.4, 0.3, 5)])
    assert np.bincount(layers_of_heights(heights)).tolist() == [64, 5]


def test_heights_without_layers_are_cut_into_slices():
    heights = np.random.default_rng(5).uniform(0, 20, 4000)
    edges = np.concatenate([[0], layer_boundaries(heights), [20]])
    assert np.diff(edges).max() < 3.4


def test_layers_of_dynamics_at_300_k():
    for name, count, each in [("Li(100)", 7, 64), ("Li(110)", 5, 80)]:
        for frame in warm_slabs(name):
            counts = np.bincount(layers_of_heights(frame.positions[:, 2]))
            assert len(counts) == count
            assert np.abs(counts - each).max() <= 0.1 * each


def test_film_of_dft_frames_has_the_known_densities(shared):
    """Li on Cu(111), 144 atoms: 0.132 atoms/Å^2 in the first layer and 0.110 in the next two."""
    frames = read(shared / "data" / "xavier-Li-Cu" / "train.extxyz", "0:45")
    for frame in frames[::5]:
        film = find_film(frame)
        layers = {layer.number: layer for layer in measure_layers(film)}
        assert sorted(layers) == [-3, -2, -1, 0, 1, 2, 3]
        assert [layers[n].atoms for n in (-3, 0, 1, 2, 3)] == [
            {"Cu": 24}, {"Cu": 24}, {"Li": 18}, {"Li": 15}, {"Li": 15},
        ]  # fmt: skip
        found = [layers[n].density for n in (1, 2, 3)]
        assert found == pytest.approx([0.132, 0.110, 0.110], abs=1e-3)
        assert 1.9 < layers[1].height < 2.4


def test_interface_plane_is_counted_not_guessed_where_the_top_plane_has_lost_atoms():
    """A third of the top plane of Cu(110) sits above it, and lithium in its places."""
    slab = shaken(copper_slab("110", (8, 6, 6)), 0.05)
    top = np.flatnonzero(slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5)
    taken = top[:16]
    lithium = Atoms("Li16", slab.positions[taken] + [0, 0, 0.3], cell=slab.cell, pbc=True)
    slab.positions[taken, 2] += COPPER / np.sqrt(8)
    slab += lithium
    film = find_film(slab)
    assert film.interface.planes == 6
    assert film.interface.height == pytest.approx(5 * COPPER / np.sqrt(8), abs=0.1)
    assert set(film.layers[film.of("Li")]) == {0}
    assert set(film.layers[taken]) == {1}


def test_layers_do_not_depend_on_where_the_cell_is_cut():
    slab = copper_slab("100")
    add_adsorbate(slab, "Li", 1.9, "hollow")
    reference = find_film(slab).layers
    for shift in (-25.0, 3.0, 21.5):
        moved = slab.copy()
        moved.pbc = True
        moved.positions[:, 2] += shift
        moved.wrap()
        np.testing.assert_array_equal(find_film(moved).layers, reference)


def test_atom_on_its_way_down_belongs_to_no_layer():
    slab = copper_slab()
    add_adsorbate(slab, "Li", 2.1, "fcc")
    add_adsorbate(slab, "Li", 12.0, "fcc")
    assert find_film(slab).layers[-2:].tolist() == [1, NO_LAYER]


def test_coverage_and_islands_of_a_half_covered_terrace():
    """A strip over half of the cell, three adatoms apart from it, and a full layer below."""
    slab = bcc110("Li", (12, 16, 3), a=LITHIUM, vacuum=10, orthogonal=True)
    top = slab.positions[:, 2] > slab.positions[:, 2].max() - 0.5
    x, y = slab.positions[:, 0], slab.positions[:, 1]
    right = top & (x > 6 * LITHIUM - 0.1)
    for height in (2.0, 15.0, 28.0):
        off = np.hypot(x - 9 * LITHIUM, y - height)
        right[np.argmin(np.where(top, off, np.inf))] = False
    slab = slab[~right]
    layers = measure_layers(find_film(slab))
    assert [layer.coverage for layer in layers[:2]] == [1.0, 1.0]
    assert layers[0].islands == [192]
    assert layers[2].islands == [96, 1, 1, 1]
    # half of the area, and three discs of 1.5 Å
    area = np.linalg.det(slab.cell.array[:2, :2])
    assert layers[2].coverage == pytest.approx(0.5 + 3 * np.pi * 1.5**2 / area, abs=0.03)
    assert layers[2].roughness == pytest.approx(0, abs=1e-9)


def test_roughness_is_the_deviation_put_in():
    slab = fcc111("Cu", (20, 20, 2), a=COPPER, vacuum=10)
    slab.positions[:, 2] += np.random.default_rng(1).normal(0, 0.2, len(slab))
    for layer in measure_layers(find_film(slab)):
        assert layer.roughness == pytest.approx(0.2, rel=0.1)


def test_unusable_cells_and_elements_are_refused():
    slab = copper_slab()
    with pytest.raises(InputError, match="no atoms of Ag or Au among Cu144"):
        find_film(slab, "Ag", "Au")
    slab.cell[0] = [0, 0, 10]
    with pytest.raises(InputError, match="do not span a surface"):
        find_film(slab)
