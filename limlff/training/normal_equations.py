"""A linear least-squares problem by its normal equations."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float


@dataclass(frozen=True)
class NormalEquations:
    """Quadratic form |A x - b|^2 = x G x - 2 h x + c.

    Attributes:
        gram: G, A^T A.
        moment: h, A^T b.
        constant: c, b^T b.
    """

    gram: Float[np.ndarray, "columns columns"]
    moment: Float[np.ndarray, " columns"]
    constant: float

    def loss(self, solution: Float[np.ndarray, " columns"]) -> float:
        """|A x - b|^2 of a solution."""
        return float(solution @ self.gram @ solution - 2 * self.moment @ solution + self.constant)

    def solve(self, ridge: float) -> Float[np.ndarray, " columns"]:
        """The x that minimises |A x - b|^2 + ridge |D x|^2, D being the norms of A's columns."""
        norms, values, vectors = self._spectrum
        moment = vectors.T @ (self.moment / norms)
        return np.asarray(vectors @ (moment / (np.maximum(values, 0.0) + ridge)) / norms)

    @cached_property
    def _spectrum(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Norms of the columns, and eigenvalues and eigenvectors of G of normalised ones."""
        norms = np.sqrt(np.maximum(np.diag(self.gram), 1e-300))
        return norms, *np.linalg.eigh(self.gram / np.outer(norms, norms))
