"""The MACE-style model: general checks, its reach, and its products against plain NumPy."""

from __future__ import annotations

from itertools import permutations

import jax
import numpy as np
import pytest
from ase import Atoms
from predictions import predict_in_one_shape

from limlff.models.mace import MaceModel
from limlff.models.mace_coupling import coupling, harmonics, paths, symmetric_basis
from limlff.potential import Potential
from limlff.testing import check_potential

MODEL = MaceModel(
    ("Li",), cutoff=3.6, channels=2, max_degree=1, radial=3, radial_hidden=(4,), readout_hidden=3
)


@pytest.fixture(scope="module")
def potential():
    return Potential(MODEL, MODEL.initialize(jax.random.key(0)), np.array([-1.9]))


def test_general_checks_pass(potential):
    """Rotation, reflection, images, padding; forces and virial against differences."""
    check_potential(potential)


def test_energy_depends_on_atoms_as_far_as_layers_times_cutoff(potential):
    """In a chain whose bonds are 3 Å atoms feel the next two, not the third."""
    chain = Atoms("Li4", [[3.0 * i, 0, 0] for i in range(4)])
    moved = [chain.copy() for _ in range(4)]
    for index in (1, 2, 3):
        moved[index].positions[index, 1] += 0.3
    first = np.array([p.energies[0] for p in predict_in_one_shape(potential, moved)])
    changes = np.abs(first - first[0])
    assert changes[1] > 1e-6
    assert changes[2] > 1e-9
    assert changes[3] < 1e-13


@pytest.mark.parametrize("degrees", [(1, 1, 2), (1, 2, 1), (2, 2, 0)])
def test_couplings_turn_with_their_factors(degrees):
    """Coupled harmonics of turned vectors are the turned tensor: its norm is unchanged."""
    generator = np.random.default_rng(0)
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    vectors = generator.normal(size=(2, 5, 3))
    norms = []
    for positions in (vectors, vectors @ turn.T):
        first, second = (np.asarray(harmonics(2, v)) for v in positions)
        l1, l2, l3 = degrees
        coupled = np.einsum(
            "na,nb,abc->nc",
            first[:, l1 * l1 : (l1 + 1) ** 2],
            second[:, l2 * l2 : (l2 + 1) ** 2],
            coupling(l1, l2, l3),
        )
        norms.append(np.linalg.norm(coupled, axis=1))
    assert norms[0].min() > 1e-3
    assert np.allclose(norms[0], norms[1], rtol=1e-5)


def test_products_keep_the_parity():
    assert (1, 1, 1) not in paths((0, 1), (0, 1, 2), (0, 1, 2))
    assert {(0, 1, 1), (1, 1, 0), (1, 1, 2)} <= set(paths((0, 1), (0, 1, 2), (0, 1, 2)))


def test_symmetric_products_are_symmetric_and_invariant():
    """Three copies of a scalar and a vector: s^3 and s |v|^2 are all scalars there are."""
    basis = symmetric_basis(1, 3, 0)
    assert basis.shape == (4, 4, 4, 2, 1)
    for order in permutations(range(3)):
        assert np.allclose(basis, basis.transpose(*order, 3, 4), atol=1e-6)
    generator = np.random.default_rng(1)
    tensors = generator.normal(size=(20, 4))
    values = np.einsum("abck,na,nb,nc->nk", basis[..., 0], tensors, tensors, tensors)
    known = [tensors[:, 0] ** 3, tensors[:, 0] * np.sum(tensors[:, 1:] ** 2, axis=1)]
    assert np.linalg.matrix_rank(np.column_stack([values, *known]), tol=1e-4) == 2


def test_contraction_is_the_sum_over_all_products():
    """One element's B by its definition, all orders and ways at once."""
    generator = np.random.default_rng(2)
    messages = generator.normal(size=(3, MODEL.channels, 4))
    weights = {
        order: generator.normal(size=(symmetric_basis(1, order, 1).shape[-2], MODEL.channels))
        for order in (1, 2, 3)
    }
    expected = np.zeros((3, MODEL.channels, 3))
    letters = "abd"
    for order, own in weights.items():
        factors = ",".join(f"nc{letter}" for letter in letters[:order])
        formula = f"{letters[:order]}km,kc,{factors}->ncm"
        expected += np.einsum(formula, symmetric_basis(1, order, 1), own, *[messages] * order)
    assert np.allclose(np.asarray(MODEL._contract(weights, 1, messages)), expected, rtol=1e-8)
