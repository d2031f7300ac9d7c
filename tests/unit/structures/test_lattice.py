import numpy as np
import pytest
from ase.neighborlist import neighbor_list
from scipy.spatial import cKDTree

from limlff.errors import InputError
from limlff.structures.lattice import bcc_supercell, same_density_crystal, stacked_crystal


def shell_counts(atoms, distances):
    tree = cKDTree(atoms.positions, boxsize=atoms.cell.lengths())
    counts = [tree.count_neighbors(tree, d * 1.01) / len(atoms) - 1 for d in distances]
    return np.diff([0, *counts])


def test_bcc_has_eight_six_twelve_neighbors_in_its_first_shells():
    crystal = bcc_supercell("Li", 3.4, (4, 4, 4))
    assert len(crystal) == 128
    shells = 3.4 * np.array([np.sqrt(3) / 2, 1.0, np.sqrt(2)])
    np.testing.assert_allclose(shell_counts(crystal, shells), [8, 6, 12])


@pytest.mark.parametrize(("structure", "neighbors"), [("fcc", 12), ("hcp", 12), ("bcc", 8)])
def test_crystals_of_one_density_have_the_neighbors_of_their_structure(structure, neighbors):
    crystal = same_density_crystal("Li", structure, 20.3, (4, 3, 3))
    assert crystal.get_volume() / len(crystal) == pytest.approx(20.3)
    nearest = np.sort(crystal.get_all_distances(mic=True)[0])[1]
    assert shell_counts(crystal, [nearest])[0] == pytest.approx(neighbors)


@pytest.mark.parametrize(("a", "repeats"), [(-3.4, (2, 2, 2)), (3.4, (0, 2, 2))])
def test_impossible_crystals_are_refused(a, repeats):
    with pytest.raises(InputError):
        bcc_supercell("Li", a, repeats)


def test_unknown_structure_is_refused_by_name():
    with pytest.raises(InputError, match="bct"):
        same_density_crystal("Li", "bct", 20.0, (2, 2, 2))


@pytest.mark.parametrize(("stacking", "cubic"), [("ABC", 1), ("AB", 0), ("ABAC", 1 / 2),
                                                 ("ABCBCACAB", 1 / 3)])  # fmt: skip
def test_stacked_planes_are_close_packed_and_as_cubic_as_their_letters_say(stacking, cubic):
    """12 neighbors at one distance; in a cubic surrounding each has its opposite."""
    crystal = stacked_crystal("Li", stacking, 20.0)
    assert crystal.get_volume() == pytest.approx(20.0 * len(crystal))
    nearest = (np.sqrt(2) * 20.0) ** (1 / 3)
    centres, vectors = neighbor_list("iD", crystal, 1.1 * nearest)
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), nearest, rtol=1e-6)
    opposite = []
    for atom in range(len(crystal)):
        own = vectors[centres == atom]
        assert len(own) == 12
        gaps = np.linalg.norm(own[:, None] + own[None], axis=2).min(axis=1)
        opposite.append((gaps < 1e-6).all())
    assert np.mean(opposite) == pytest.approx(cubic)


@pytest.mark.parametrize("stacking", ["A", "ABA", "AAB", "ABD"])
def test_planes_that_lie_on_their_like_are_refused(stacking):
    with pytest.raises(InputError, match="no two alike in a row"):
        stacked_crystal("Li", stacking, 20.0)
