"""Members of an ensemble, drawn from the posterior of the readout weights, and the grade's metric.

With the trained weights as the most probable ones, labels whose errors are normal, and a normal
prior, the posterior of the readouts is normal with the covariance (information + 1/prior^2)^-1.
Directions that the training data do not determine are wide, and spread the members where
features leave what they were in the data. Nothing is trained for it, and the mean of the members is
the potential itself. The width in all is a matter of calibration.

Sources: last-layer Laplace approximation in the form of F. Bigi, S. Chong, M. Ceriotti and
F. Grasselli, Mach. Learn.: Sci. Technol. 5, 045018 (2024); shallow ensembles as in M. Kellner and
M. Ceriotti, Mach. Learn.: Sci. Technol. 5, 035006 (2024), who train the readouts along.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve_triangular

from limlff.training.uncertainty.evidence import Evidence

PRIOR = 1e-3
"""Prior deviation of readout weights before calibration (eV). Results hardly depend on it: it only
holds weights that no label depends on, such as those of saturated units of the net."""

_SMALLEST_VARIANCE = 1e-3
"""Least variance of a direction in feature space, in units of the features' variance: below it,
differences between atoms are rounding or thermal noise rather than other surroundings."""


def draw_members(
    information: Float[np.ndarray, "readouts readouts"], members: int, elements: int, seed: int
) -> Float[np.ndarray, "elements members features"]:
    """Deviations of the members' readouts from the mean (eV); they sum to zero.

    Args:
        information: Of the readouts of all elements (1/eV^2).
        members: How many, at least 2.
        elements: Number of elements.
        seed: Of the draw.
    """
    precision = information + np.eye(len(information)) / PRIOR**2
    normal = np.random.default_rng(seed).normal(size=(len(information), members))
    normal -= normal.mean(axis=1, keepdims=True)
    drawn = solve_triangular(np.linalg.cholesky(precision), normal, lower=True, trans="T")
    return np.ascontiguousarray(drawn.reshape(elements, -1, members).transpose(0, 2, 1))


def fit_grade(
    evidence: Evidence, elements: int
) -> tuple[Float[np.ndarray, "elements features"], Float[np.ndarray, "elements features features"]]:
    """Centre and projection of each element, such that |projection (features - centre)| is a grade.

    An element without data has a projection of zero, which stands for an infinite grade.
    """
    width = len(evidence.features)
    center = np.zeros((elements, width))
    projection = np.zeros((elements, width, width))
    for element in range(elements):
        own = evidence.features[:, evidence.species == element].astype(float)
        if own.shape[1]:
            center[element], projection[element] = grade_metric(own)
    return center, projection


def grade_metric(
    features: Float[np.ndarray, "features atoms"],
) -> tuple[Float[np.ndarray, " features"], Float[np.ndarray, "features features"]]:
    """Centre and projection of one element.

    The grade is the Mahalanobis distance to the training data, divided by that of the atom of the
    element that is the farthest among them, or of one deviation where all are the same.

    Args:
        features: Of at least one atom, of a variance about 1.
    """
    center = features.mean(axis=1)
    centred = features - center[:, None]
    values, vectors = np.linalg.eigh(centred @ centred.T / features.shape[1])
    whitening = (vectors / np.sqrt(np.maximum(values, _SMALLEST_VARIANCE))).T
    farthest = np.sqrt(np.max(np.sum((whitening @ centred) ** 2, axis=0)))
    return center, whitening / max(farthest, 1.0)
