"""Moment tensor potentials against plain NumPy tensors, published counts, and general checks."""

from __future__ import annotations

import jax
import numpy as np
import pytest
from neighborhoods import neighborhoods_without_owners

from limlff.errors import InputError
from limlff.models.mtp import MomentTensorPotential
from limlff.models.mtp_contractions import contraction_table
from limlff.models.mtp_monomials import monomial_values, monomials_up_to
from limlff.models.mtp_schedule import schedule_of
from limlff.potential import Potential
from limlff.testing import ALL_CHECKS, Bench
from limlff.testing.checks import check_cutoff

MODEL = MomentTensorPotential(("Li", "Cu"), cutoff=4.5, shortest=1.5, radial=5, level=8)


@pytest.fixture(scope="module")
def neighborhoods():
    """Four atoms with up to six neighbors each, some beyond the cutoff."""
    generator = np.random.default_rng(4)
    vectors = generator.normal(0, 2.2, (3, 6, 4))
    mask = generator.random((6, 4)) < 0.8
    vectors = np.where(mask, vectors, np.array([9.0, 0, 0])[:, None, None])
    neighbors = np.where(mask, generator.integers(0, 2, (6, 4)), -1)
    return generator.integers(0, 2, 4), neighbors, vectors, mask


def reference_moment(parameters, mu, rank, centre, neighbors, vectors):
    """M(mu, rank) by its definition, one neighbor at a time."""
    total = np.zeros((3,) * rank)
    for vector, neighbor in zip(vectors.T, neighbors, strict=True):
        r = np.linalg.norm(vector)
        if neighbor < 0 or r >= MODEL.cutoff:
            continue
        x = (2 * r - MODEL.shortest - MODEL.cutoff) / (MODEL.cutoff - MODEL.shortest)
        coefficients = parameters["radial"][centre, neighbor, mu]
        f = np.polynomial.chebyshev.chebval(x, coefficients) * (MODEL.cutoff - r) ** 2
        tensor = np.ones(())
        for _ in range(rank):
            tensor = np.multiply.outer(tensor, vector / r)
        total += f * float(parameters["statistics"]["scaling"]) * tensor
    return total


def reference_scalars(parameters, *neighborhood):
    """The nine scalars of level 8, written out."""

    def moment(mu, rank):
        return reference_moment(parameters, mu, rank, *neighborhood)

    a, b = moment(0, 0), moment(1, 0)
    v = np.sum(moment(0, 1) ** 2)
    t = np.sum(moment(0, 2) ** 2)
    return np.array([a, a**2, a**3, a**4, b, a * b, v, a * v, t], float)


def test_energies_are_those_of_the_numpy_reference(neighborhoods):
    """Two elements, every scalar of level 8 with a coefficient of its own."""
    generator = np.random.default_rng(0)
    parameters = jax.device_get(MODEL.initialize(jax.random.key(0)))
    parameters["statistics"]["scaling"] = np.array(0.1)
    parameters["species"] = np.array([-1.0, 2.0])
    parameters["coefficients"] = generator.normal(size=9)
    species, neighbors, vectors, _ = neighborhoods
    scalars = np.array(
        [
            reference_scalars(parameters, species[i], neighbors[:, i], vectors[:, :, i])
            for i in range(len(species))
        ]
    )
    order = _order_of_level_8()
    expected = parameters["species"][species] + scalars @ parameters["coefficients"][order]
    energies = MODEL.energies(parameters, neighborhoods_without_owners(*neighborhoods))
    assert np.abs(np.asarray(energies) - expected).max() < 1e-12 * np.abs(expected).max()


def _order_of_level_8():
    """Where the table has each of the reference's scalars, by the moments that they are made of."""
    table = contraction_table(8)
    degree = {i: [(c[0], sum(c[1:]))] for i, c in enumerate(table.basic)}
    for first, second, _, target in table.products:
        degree[target] = sorted(degree[first] + degree[second])
    found = [degree[value] for value in table.scalars]
    a, b, v, t = [(0, 0)], [(1, 0)], [(0, 1)] * 2, [(0, 2)] * 2
    return [found.index(sorted(x)) for x in (a, a * 2, a * 3, a * 4, b, a + b, v, a + v, t)]


@pytest.mark.parametrize(
    ("level", "scalars"), [(2, 1), (4, 2), (6, 5), (8, 9), (10, 16), (12, 29), (16, 92), (20, 288)]
)
def test_number_of_scalars_is_that_of_mlip(level, scalars):
    """Those of the untrained potentials that come with MLIP-2; 16 and 20 are in the references."""
    assert len(contraction_table(level).scalars) == scalars


def test_scalars_are_invariant_and_independent():
    """Random moments: rotated ones give the same scalars; no scalar is a sum of others."""
    table = contraction_table(12)
    degree = max(sum(component[1:]) for component in table.basic)
    generator = np.random.default_rng(1)
    points = generator.normal(size=(3, 4, 80))
    weights = generator.normal(size=(max(c[0] for c in table.basic) + 1, 4, 80))
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]

    def scalars(positions):
        values = np.asarray(monomial_values(degree, positions))
        place = {exponents: i for i, exponents in enumerate(monomials_up_to(degree))}
        basic = [np.sum(weights[c[0]] * values[place[c[1:]]], axis=0) for c in table.basic]
        return np.asarray(jax.jit(schedule_of(table).scalars_of)(np.array(basic)))

    values = scalars(points)
    turned = scalars(np.einsum("ab,bkn->akn", turn, points))
    size = np.abs(values).max(axis=1, keepdims=True)
    assert np.abs((turned - values) / size).max() < 1e-12
    assert np.linalg.matrix_rank(values / size, tol=1e-9) == len(table.scalars)


def test_derivatives_of_monomials_are_exact():
    """First and second ones, in random directions, against the same without the own derivative."""
    generator = np.random.default_rng(2)
    point, step, weights = (generator.normal(size=shape) for shape in ((3, 2, 3), (3, 2, 3), 35))

    def plain(p):
        return sum(
            w * (p[0] ** a * p[1] ** b * p[2] ** c).sum()
            for w, (a, b, c) in zip(weights, monomials_up_to(4), strict=True)
        )

    def ours(p):
        return (weights @ monomial_values(4, p).reshape(35, -1)).sum()

    assert np.allclose(ours(point), plain(point), rtol=1e-12)
    gradients = [jax.jit(jax.grad(function))(point) for function in (ours, plain)]
    assert np.allclose(*gradients, rtol=1e-10)

    def slope(function):
        return jax.jit(jax.grad(lambda p: (jax.grad(function)(p) * step).sum()))(point)

    assert np.allclose(slope(ours), slope(plain), rtol=1e-9, atol=1e-9)


def test_general_checks_pass_but_for_the_slope_at_the_cutoff(neighborhoods):
    """(R - r)^2 leaves a jump in the slope of the force, in MLIP-2 too."""
    parameters = MODEL.initialize(jax.random.key(2))
    parameters = MODEL.adapt(parameters, neighborhoods_without_owners(*neighborhoods))
    parameters["species"] = np.array([0.3, -0.2])
    bench = Bench(Potential(MODEL, parameters, np.array([-1.9, -3.7])))
    outcome = [check(bench) for check in ALL_CHECKS if check is not check_cutoff]
    assert len(outcome) == len(ALL_CHECKS) - 1
    assert all(check.passed for check in outcome), "\n".join(map(str, outcome))


@pytest.mark.parametrize("settings", [{"level": 7}, {"level": 30}, {"shortest": 6.0}, {"level": 0}])
def test_settings_out_of_their_limits_are_refused(settings):
    with pytest.raises(InputError, match="mtp model"):
        MomentTensorPotential(("Li",), **settings)
