"""Spherical harmonics and couplings against SciPy and exact relations."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from scipy.special import eval_legendre, sph_harm_y

from limlff import precision as precision
from limlff.models.angular import (
    MAX_DEGREE,
    coupling_terms,
    cubic_couplings,
    spherical_harmonics,
)


@pytest.fixture
def directions() -> np.ndarray:
    vectors = np.random.default_rng(1).normal(size=(3, 20))
    return vectors / np.linalg.norm(vectors, axis=0)


def real_harmonic(degree: int, order: int, unit: np.ndarray) -> np.ndarray:
    """From SciPy's complex harmonics (with Condon-Shortley phase), normalised as the project's."""
    theta, phi = np.arccos(unit[2]), np.arctan2(unit[1], unit[0])
    value = sph_harm_y(degree, abs(order), theta, phi) * np.sqrt(4 * np.pi / (2 * degree + 1))
    if order == 0:
        return value.real
    part = value.imag if order < 0 else value.real
    return np.sqrt(2) * (-1) ** order * part


def test_harmonics_equal_those_of_scipy(directions):
    ours = np.asarray(spherical_harmonics(MAX_DEGREE, directions))
    for degree in range(MAX_DEGREE + 1):
        for order in range(-degree, degree + 1):
            expected = real_harmonic(degree, order, directions)
            np.testing.assert_allclose(
                ours[degree * degree + degree + order],
                expected,
                atol=1e-13,
                err_msg=f"{degree}{order}",
            )


def test_addition_theorem_gives_legendre_polynomials(directions):
    ours = np.asarray(spherical_harmonics(MAX_DEGREE, directions))
    cosines = np.sum(directions[:, :1] * directions, axis=0)
    for degree in range(MAX_DEGREE + 1):
        block = ours[degree * degree : (degree + 1) ** 2]
        np.testing.assert_allclose(
            np.sum(block[:, :1] * block, axis=0), eval_legendre(degree, cosines), atol=1e-13
        )


@pytest.mark.parametrize("degrees", cubic_couplings(MAX_DEGREE))
def test_coupled_product_does_not_change_under_rotation_or_reflection(degrees):
    generator = np.random.default_rng(2)
    vectors = generator.normal(size=(3, 3, 4))  # three sets of four directions, each with a weight
    vectors /= np.linalg.norm(vectors, axis=0)
    weights = generator.normal(size=(3, 4))
    operation = -Rotation.random(random_state=3).as_matrix()

    def scalar(matrix: np.ndarray) -> float:
        moments = []
        for index, degree in enumerate(degrees):
            turned = np.einsum("ab,bn->an", matrix, vectors[:, index])
            harmonics = np.asarray(spherical_harmonics(degree, turned))[degree * degree :]
            moments.append(harmonics @ weights[index])
        return sum(
            c * moments[0][i] * moments[1][j] * moments[2][k]
            for i, j, k, c in coupling_terms(*degrees)
        )

    assert abs(scalar(np.eye(3))) > 1e-3
    assert scalar(operation) == pytest.approx(scalar(np.eye(3)), rel=1e-11)
