"""Local order against perfect crystals, published values, brute force, noise and DFT dynamics."""

import numpy as np
import pytest
from ase.io import iread
from scipy.special import eval_legendre

from limlff.analysis.local_order import Order, bond_order, classify
from limlff.structures.lattice import same_density_crystal

ORDERS = {"bcc": Order.BCC, "fcc": Order.FCC, "hcp": Order.HCP}
REPEATS = {"bcc": (8, 8, 8), "fcc": (6, 6, 6), "hcp": (8, 5, 5)}
VOLUME = 20.9  # Å^3 per atom, Li at 300 K


def noisy(structure, rms, seed=0):
    crystal = same_density_crystal("Li", structure, VOLUME, REPEATS[structure])
    noise = np.random.default_rng(seed).normal(0, rms, (len(crystal), 3))
    return crystal.positions + noise, crystal.cell.array


@pytest.mark.parametrize(
    ("structure", "neighbors", "q4", "q6", "w4", "w6"),
    [
        ("fcc", 12, 0.19094, 0.57452, -0.159317, -0.013161),
        ("hcp", 12, 0.09722, 0.48476, 0.134097, -0.012442),
        ("bcc", 14, 0.03637, 0.51069, 0.159317, 0.013161),
    ],
)
def test_perfect_crystals_have_the_published_invariants(structure, neighbors, q4, q6, w4, w6):
    """Values of Steinhardt et al., Phys. Rev. B 28, 784 (1983)."""
    order = bond_order(*noisy(structure, 0.0), neighbors=neighbors)
    for found, published in [(order.q4, q4), (order.q6, q6), (order.w4, w4), (order.w6, w6)]:
        np.testing.assert_allclose(found, published, atol=1e-5)


def test_averaged_order_equals_a_double_sum_of_legendre_polynomials():
    """By the addition theorem |q|^2 is a sum over pairs of bonds: no spherical harmonics needed."""
    positions, cell = noisy("bcc", 0.3, seed=3)
    lengths = np.diag(cell)
    vectors = positions[None] - positions[:, None]
    vectors -= lengths * np.round(vectors / lengths)
    distances = np.linalg.norm(vectors, axis=2) + 1e9 * np.eye(len(positions))
    nearest = np.argsort(distances, axis=1)[:, :12]
    order = bond_order(positions, cell)
    for atom in (0, 17, 511):
        members = [atom, *nearest[atom]]
        bonds = np.concatenate([vectors[i, nearest[i]] for i in members])
        bonds /= np.linalg.norm(bonds, axis=1)[:, None]
        cosines = bonds @ bonds.T
        for degree, found in [(4, order.q4), (6, order.q6)]:
            # (2 l + 1) / 4 pi of the theorem cancels the prefactor of q; 12 bonds, 13 members
            expected = np.sqrt(eval_legendre(degree, cosines).sum()) / (12 * 13)
            assert found[atom] == pytest.approx(expected, rel=1e-9)


def test_order_does_not_depend_on_orientation_or_on_wrapping():
    positions, cell = noisy("hcp", 0.2)
    rotation = np.linalg.qr(np.random.default_rng(1).normal(size=(3, 3)))[0]
    order = bond_order(positions, cell)
    shifted = positions + np.array([3, -2, 1]) @ cell
    turned = bond_order(shifted @ rotation.T, cell @ rotation.T)
    np.testing.assert_allclose(turned.q6, order.q6, atol=1e-9)
    np.testing.assert_allclose(turned.w6 * np.linalg.det(rotation) ** 2, order.w6, atol=1e-9)


@pytest.mark.parametrize(
    ("structure", "rms", "wrong"),
    [
        *[(s, 0.0, 0.0) for s in ORDERS],
        ("bcc", 0.20, 0.0),
        ("bcc", 0.25, 0.002),
        ("fcc", 0.20, 0.0),
        ("hcp", 0.20, 0.02),
    ],
)
def test_thermal_noise_is_seen_through(structure, rms, wrong):
    """Gaussian displacements of 0.2 Å per component are those of Li at 300 K."""
    found = classify(*noisy(structure, rms))
    assert np.mean(found != ORDERS[structure]) <= wrong


def test_random_packing_is_disordered():
    """Points relaxed by soft repulsion from random starts: dense, and without crystal."""
    rng = np.random.default_rng(5)
    atoms, length, radius = 400, (400 * VOLUME) ** (1 / 3), 2.9
    positions = rng.uniform(0, length, (atoms, 3))
    for _ in range(300):
        vectors = positions[None] - positions[:, None]
        vectors -= length * np.round(vectors / length)
        distances = np.linalg.norm(vectors, axis=2) + 1e9 * np.eye(atoms)
        push = np.clip(radius - distances, 0, None) / distances
        positions -= 0.3 * np.einsum("ij,ijx->ix", push, vectors)
    assert np.sort(distances, axis=None)[0] > 2.2
    found = classify(positions, np.eye(3) * length)
    assert np.mean(found == Order.DISORDERED) > 0.98


def test_atoms_around_a_vacancy_and_at_a_hole_in_a_crystal_stay_crystalline():
    """Missing neighbors are no disorder: order near a hole must not fall by its presence alone."""
    positions, cell = noisy("bcc", 0.2)
    distance = np.linalg.norm(positions - np.diag(cell) / 2, axis=1)
    for missing in (1, 30):
        kept = positions[np.argsort(distance)[missing:]]
        found = classify(kept, cell)
        assert np.mean(found == Order.BCC) > 0.995


def test_dft_dynamics_of_crystal_and_melt(shared):
    """AIMD of Zuo et al.: 300 K and 408 K crystals (bcc), 907 K melt, 54 atoms."""
    wrong = {"300 K": [], "408 K": [], "907 K": []}
    for frame in iread(shared / "data" / "mlearn-Li" / "train.extxyz"):
        if frame.info["config_type"] != "AIMD-NVT":
            continue
        for temperature, fractions in wrong.items():
            if temperature in frame.info["description"]:
                expected = Order.DISORDERED if temperature == "907 K" else Order.BCC
                found = classify(frame.positions, frame.cell.array)
                fractions.append(np.mean(found != expected))
    assert min(map(len, wrong.values())) >= 20
    assert np.mean(wrong["300 K"]) < 1e-3
    assert np.mean(wrong["408 K"]) < 1e-3
    assert np.mean(wrong["907 K"]) < 1e-3
