"""The MACE-style model: general checks, its reach, and its products against plain NumPy."""

from __future__ import annotations

from dataclasses import replace
from itertools import permutations

import jax
import numpy as np
import pytest
from ase import Atoms
from predictions import changes_of_the_first_of_a_chain, predict_in_one_shape

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


def bessel_functions(distance):
    """sin(n pi r / R) R / r with the cutoff function (1 - (r / R)^2)^3."""
    orders = np.arange(1, MODEL.radial + 1)
    waves = np.sin(orders * np.pi * distance / MODEL.cutoff) * MODEL.cutoff / distance
    return waves * (1 - (distance / MODEL.cutoff) ** 2) ** 3


def silu(x):
    return x / (1 + np.exp(-x))


def reference_messages(own, layer, features, vectors):
    """A of one atom: neighbor by neighbor, path by path; vectors by the index of the neighbor."""
    total = {degree: np.zeros((MODEL.channels, 2 * degree + 1)) for degree in (0, 1)}
    inputs = (0,) if layer == 0 else (0, 1)
    ways = [(a, b, c) for a in inputs for b in (0, 1) for c in (0, 1) if (a + b + c) % 2 == 0]
    for neighbor, vector in vectors.items():
        distance = np.linalg.norm(vector)
        harmonics_of_pair = {0: np.ones(1), 1: np.sqrt(3) * vector / distance}
        hidden = 1.7 * silu(bessel_functions(distance) @ own["radial"]["0"])
        weights = (hidden @ own["radial"]["1"]).reshape(len(ways), MODEL.channels)
        for weight, (l1, l2, l3) in zip(weights, ways, strict=True):
            for channel in range(MODEL.channels):
                total[l3][channel] += weight[channel] * np.einsum(
                    "a,b,abm->m",
                    features[neighbor][l1][channel],
                    harmonics_of_pair[l2],
                    coupling(l1, l2, l3),
                )
    mixed = [own["message"][str(l)].T @ total[l] for l in (0, 1)]
    return np.concatenate(mixed, axis=1)


def reference_products(own, layer, messages):
    """B of one atom, mixed: all products of its channels by their definition."""
    new = {}
    for degree in (0,) if layer == MODEL.layers - 1 else (0, 1):
        products = np.zeros((MODEL.channels, 2 * degree + 1))
        for channel, vector in enumerate(messages):
            for order in (1, 2, 3):
                basis = symmetric_basis(1, order, degree)
                for _ in range(order):
                    basis = np.tensordot(vector, basis, axes=1)
                products[channel] += own["product"][f"{degree}-{order}"][0][:, channel] @ basis
        new[degree] = own["update"][str(degree)].T @ products
    return new


def reference_energies(parameters, positions):
    """The formula of the module, atom by atom; no repulsion, which reaches less far."""
    parameters = jax.tree.map(np.asarray, parameters)
    pairs = positions[None, :] - positions[:, None]
    near = [
        {j: pairs[i, j] for j in range(len(positions)) if 0 < np.linalg.norm(pairs[i, j]) < 3.6}
        for i in range(len(positions))
    ]
    features = [{0: parameters["embedding"][0][:, None]} for _ in positions]
    energies = np.zeros(len(positions))
    for layer in range(MODEL.layers):
        own = parameters["layers"][str(layer)]
        own_sums = [reference_messages(own, layer, features, vectors) for vectors in near]
        neighbors = parameters["statistics"]["neighbors"]
        new = [reference_products(own, layer, sums / np.sqrt(neighbors)) for sums in own_sums]
        for i, tensors in enumerate(new):
            for degree in own.get("skip", {}):
                tensors[int(degree)] += own["skip"][degree][0].T @ features[i][int(degree)]
            scalars = tensors[0][:, 0]
            if layer < MODEL.layers - 1:
                energies[i] += scalars @ parameters["readout"][str(layer)]
            else:
                readout = parameters["readout"]
                energies[i] += silu(scalars @ readout["hidden"]) @ readout["last"]
        features = new
    return energies * parameters["scale"]


def test_energies_are_those_of_the_numpy_reference(potential):
    """Six atoms off any symmetry, farther apart than the repulsion reaches, some out of reach."""
    positions = np.array(
        [[0, 0, 0], [2.9, 0.2, 0.3], [0.4, 3.1, -0.2], [3.2, 3.0, 1.1], [0.3, 0.9, 2.8], [6, 1, 2]]
    )
    # few neighbors near the cutoff: divided by a small number, their messages are of unit size
    parameters = {**potential.parameters, "statistics": {"neighbors": np.array(0.003)}}
    fewer = replace(potential, parameters=parameters)
    [ours] = predict_in_one_shape(fewer, [Atoms("Li6", positions)])
    expected = reference_energies(parameters, positions)
    assert np.ptp(expected) > 1e-3
    np.testing.assert_allclose(ours.energies + 1.9, expected, rtol=1e-6)  # e3nn's tables: float32


def test_energy_depends_on_atoms_as_far_as_layers_times_cutoff(potential):
    """In a chain whose bonds are 3 Å atoms feel the next two, not the third."""
    changes = changes_of_the_first_of_a_chain(potential, axis=1)
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
