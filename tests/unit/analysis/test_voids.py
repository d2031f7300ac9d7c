"""Missing atoms of holes with a known number of them, in crystals with the noise of 300 K."""

import numpy as np
import pytest
from ase.io import iread

from limlff.analysis.voids import find_voids, layered_density, void_volume
from limlff.structures.bicrystal import copper_sandwich
from limlff.structures.lattice import bcc_supercell
from limlff.structures.void import cut_hole

NOISE = 0.2  # Å per component, Li at 300 K


def crystal():
    return bcc_supercell("Li", 3.47, (8, 8, 8))


def density(atoms):
    return len(atoms) / atoms.get_volume()


def shaken(atoms, seed):
    rng = np.random.default_rng(seed)
    return atoms.positions + rng.normal(0, NOISE, atoms.positions.shape) + rng.normal(0, 30, 3)


@pytest.mark.parametrize("missing", [5, 10, 20, 40, 100])
@pytest.mark.parametrize("shape", ["sphere", "cuboid"])
def test_missing_atoms_of_a_hole_are_counted(missing, shape):
    perfect = crystal()
    centre = tuple(np.random.default_rng(missing).random(3))
    holed, _ = cut_hole(perfect, missing, shape, centre)
    found = [
        find_voids(shaken(holed, seed), holed.cell.array, density(perfect)) for seed in range(4)
    ]
    for voids in found:
        assert voids.largest_missing == pytest.approx(missing, rel=0.1, abs=1.0)
        assert voids.cell_missing == pytest.approx(missing, abs=1e-6)
        assert voids.count == 1
    mean = np.mean([voids.largest_missing for voids in found])
    assert mean == pytest.approx(missing, rel=0.05)


def test_centre_of_a_hole_is_found_across_the_boundary():
    perfect = crystal()
    holed, hole = cut_hole(perfect, 30, centre=(0.02, 0.97, 0.5))
    voids = find_voids(holed.positions, holed.cell.array, density(perfect))
    offset = voids.centre - hole.centre
    offset -= np.round(offset)
    assert np.linalg.norm(offset @ holed.cell.array) < 0.7  # Å; lattice sites are not centred on it


def test_crystal_without_a_hole_and_isolated_vacancies_have_none():
    perfect = crystal()
    vacancies = perfect[np.arange(len(perfect)) % 128 != 0]  # 8 of them, far apart
    for atoms, lacking in [(perfect, 0), (vacancies, 8)]:
        voids = find_voids(shaken(atoms, 1), atoms.cell.array, density(perfect))
        assert voids.largest_missing == voids.all_missing == 0
        assert voids.count == 0
        assert voids.cell_missing == pytest.approx(lacking, abs=1e-6)


def test_two_holes_are_told_apart_and_added_up():
    perfect = crystal()
    once, _ = cut_hole(perfect, 30, centre=(0.25, 0.25, 0.25))
    twice, _ = cut_hole(once, 12, centre=(0.75, 0.75, 0.75))
    voids = find_voids(shaken(twice, 2), twice.cell.array, density(perfect))
    assert voids.count == 2
    assert voids.largest_missing == pytest.approx(30, rel=0.05)
    assert voids.all_missing == pytest.approx(42, rel=0.05)


def test_melt_of_the_same_density_has_no_hole(shared):
    """DFT molecular dynamics of molten Li at 907 K: disorder is no deficit."""
    frames = [
        frame
        for frame in iread(shared / "data" / "mlearn-Li" / "train.extxyz")
        if "907 K" in frame.info["description"]
    ]
    assert len(frames) > 20
    for frame in frames:
        assert find_voids(frame.positions, frame.cell.array, density(frame)).largest_missing == 0


def test_void_volume_equals_a_plain_count_of_points():
    holed, _ = cut_hole(bcc_supercell("Li", 3.47, (4, 4, 4)), 15, centre=(0.9, 0.1, 0.5))
    positions, length = shaken(holed, 4), holed.cell.array[0, 0]
    probe, atom, points = 1.7, 1.5, 36
    found = void_volume(positions, holed.cell.array, probe, atom, spacing=length / points)

    def distances(a, b):
        vectors = a[:, None] - b[None]
        vectors -= length * np.round(vectors / length)
        return np.linalg.norm(vectors, axis=2)

    index = np.argwhere(np.ones((points,) * 3, bool))
    grid = index * length / points
    fits = grid[distances(grid, positions).min(axis=1) >= probe + atom]
    swept = distances(grid, fits).min(axis=1) <= probe
    assert found == pytest.approx(swept.sum() * (length / points) ** 3, rel=1e-9)
    assert 100 < found < 15 * 3.47**3 / 2


def test_volume_of_a_large_hole_approaches_that_of_the_missing_atoms():
    perfect = bcc_supercell("Li", 3.47, (10, 10, 10))
    holed, _ = cut_hole(perfect, 300)
    volume = void_volume(shaken(holed, 5), holed.cell.array)
    assert volume * density(perfect) / 300 == pytest.approx(1.0, abs=0.08)


def test_hole_beside_another_metal_is_counted_against_the_layers_of_the_perfect_structure():
    """Lithium between copper: copper is denser, which a density that is the same everywhere would
    take for atoms that fill the hole. The cell may be thinner than that of the reference."""
    sandwich = copper_sandwich("Li", 3.47, "111", (18.0, 18.0, 30.0), 5, 3.63, 3.0)
    is_copper = np.array(sandwich.symbols == "Cu")
    rng = np.random.default_rng(0)

    def frame(atoms, lift):
        positions = atoms.positions + rng.normal(0, 0.15, atoms.positions.shape) + [0, 0, lift]
        return positions, atoms.cell.array, lift

    layers = layered_density([frame(sandwich, lift) for lift in (0.0, 3.0, 11.0)])
    lithium = float(layers.values[-20:].mean())
    assert lithium == pytest.approx(2 / 3.47**3, rel=0.05)
    for missing, element, low in [(0, "Li", 0.0), (60, "Li", 0.45), (60, "Li", 0.2)]:
        holed = sandwich
        if missing:
            height = low * sandwich.cell[2, 2]
            holed, _ = cut_hole(sandwich, missing, centre=(0.3, 0.5, height / sandwich.cell[2, 2]),
                                element=element)  # fmt: skip
            assert (holed.symbols == "Cu").sum() == is_copper.sum()
        positions, cell, plane = frame(holed, 7.0)
        voids = find_voids(positions, cell, lithium, layers, plane)
        assert voids.largest_missing == pytest.approx(missing, rel=0.1, abs=1.0)
        assert voids.cell_missing == pytest.approx(missing, abs=4)
