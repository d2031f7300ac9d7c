"""D-optimal choice of frames: those that add most to the determinant of an information matrix.

Of each element the energies of surroundings x (`limlff.learning.features`) are taken for linear in
x, as those of the last layer of a potential are; what labels say of the weights is the information
matrix A. A frame with surroundings X, one in each row, adds by the matrix determinant lemma

    log det(A + X^T X) - log det A = log det(1 + Y^T Y) with Y = L^-1 X^T and A = L L^T,

summed over elements. The diagonal of Y^T Y holds the leverages h = x^T A^-1 x of its atoms. A frame
is new while one of them is above a limit; what is chosen leaves its own atoms h / (1 + h) at most,
less than 1. Frames are chosen one after the other, which comes within 1 - 1/e of the best set. A
gain never grows, so that an old one is a bound, and few need be computed again for a choice.

At the start A is the mean of x x^T over what is known, shrunk halfway towards the metric of the
grade and scaled such that the largest leverage of what is known is 1: in each direction all that is
known counts as much as one atom at its edge. Counted atom by atom, thousands of known ones would
leave nothing to tell a frame from a second one that says the same.

Sources: D-optimality for potentials: Podryabinkin and Shapeev, Comput. Mater. Sci. 140, 171 (2017);
designs: Fedorov, Theory of Optimal Experiments (Academic Press, 1972); the bound on the greedy
rule: Nemhauser, Wolsey and Fisher, Math. Program. 14, 265 (1978); old gains as bounds: Minoux, in
Optimization Techniques (Springer, 1978), p. 234; shrinking: Ledoit and Wolf, J. Multivar. Anal. 88,
365 (2004).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float
from scipy.linalg import solve_triangular

from limlff.learning.features import Described, merged
from limlff.learning.selection import Candidate, Choice, SelectSettings


def select_d_optimal(
    candidates: Sequence[Candidate], known: Sequence[Described], settings: SelectSettings
) -> list[Choice]:
    """Choose frames, those that add most first, kinds taking turns.

    A frame with an element of which nothing is known comes before others of its kind.

    Args:
        candidates: The frames.
        known: Surroundings that the potential was trained on, and what is waiting for a label.
        settings: How many, and the least leverage.

    Returns:
        The choices in their order; fewer than asked for, if no more are new.
    """
    if not candidates:
        return []
    race = _Race(candidates, Information(known))
    chosen: list[Choice] = []
    while len(chosen) < settings.frames:
        choice = race.next_choice(settings.min_leverage)
        if choice is None:
            break
        chosen.append(choice)
    return chosen


@dataclass(frozen=True)
class Gain:
    """What a frame would add.

    Attributes:
        unknown: Number of its elements of which nothing is known.
        log_det: Growth of the logarithm of the determinant.
        leverage: Largest of an atom; infinite for one of an element of which nothing is known.
        atom: That atom.
    """

    unknown: int
    log_det: float
    leverage: float
    atom: int


class Information:
    """The information matrix of each element, and what frames would add."""

    def __init__(self, known: Sequence[Described]) -> None:
        self._matrices: dict[int, Float[np.ndarray, "features features"]] = {}
        self._roots: dict[int, Float[np.ndarray, "features features"]] = {}
        everything = merged(known)
        for element, rows in everything.by_element():
            self._set(element, _start(everything.places[rows]))

    def gain(self, described: Described) -> Gain:
        """What a frame would add; nothing, if it has no atoms."""
        log_det, unknown = 0.0, 0
        leverages = np.zeros(len(described.atoms))
        for element, rows in described.by_element():
            places = described.places[rows]
            root = self._roots.get(element)
            # in the metric of the grade, where nothing is known
            scaled = places.T if root is None else root @ places.T
            products = scaled.T @ scaled
            leverages[rows] = np.inf if root is None else products.diagonal()
            log_det += float(np.linalg.slogdet(np.eye(len(rows)) + products)[1])
            unknown += root is None
        if not len(leverages):
            return Gain(0, 0.0, 0.0, -1)
        row = int(np.argmax(leverages))
        return Gain(unknown, log_det, float(leverages[row]), int(described.atoms[row]))

    def add(self, described: Described) -> None:
        """Add a frame."""
        for element, rows in described.by_element():
            places = described.places[rows]
            before = self._matrices.get(element, np.eye(places.shape[1]))
            self._set(element, before + places.T @ places)

    def _set(self, element: int, matrix: Float[np.ndarray, "features features"]) -> None:
        self._matrices[element] = matrix
        self._roots[element] = _inverse_root(matrix)


def _start(places: Float[np.ndarray, "atoms features"]) -> Float[np.ndarray, "features features"]:
    """The information of what is known of an element, before anything is chosen."""
    mean = places.T @ places / len(places)
    isotropic = np.eye(len(mean))
    if not np.trace(mean) > 0:
        return isotropic
    matrix = mean + isotropic * np.trace(mean) / len(mean)
    scaled = _inverse_root(matrix) @ places.T
    return matrix * np.max(np.sum(scaled**2, axis=0))


def _inverse_root(
    matrix: Float[np.ndarray, "features features"],
) -> Float[np.ndarray, "features features"]:
    """L^-1 of L L^T; the matrix is far from singular, and products are quicker than solving."""
    lower = np.linalg.cholesky(matrix)
    return solve_triangular(lower, np.eye(len(lower)), lower=True)


class _Race:
    """Candidates by what they add, as known when each was looked at last."""

    def __init__(self, candidates: Sequence[Candidate], information: Information) -> None:
        self._candidates, self._information = candidates, information
        names, self._kinds = np.unique([each.kind for each in candidates], return_inverse=True)
        self._turns = np.zeros(len(names), int)
        self._gains = [information.gain(each.described) for each in candidates]
        self._added = np.array([gain.log_det for gain in self._gains])
        self._unknown = np.array([gain.unknown for gain in self._gains])
        self._in_race = np.ones(len(candidates), bool)
        self._looked_at = np.zeros(len(candidates), int)  # after how many choices

    def next_choice(self, least: float) -> Choice | None:
        """The frame that adds most, of the kind with the fewest turns that still has new ones."""
        while True:
            index = self._first()
            if index is None:
                return None
            if self._looked_at[index] < self._turns.sum():
                self._look_at(index)
            elif self._gains[index].leverage <= least:
                self._in_race[index] = False
            else:
                return self._choose(index)

    def _first(self) -> int | None:
        if not self._in_race.any():
            return None
        turns = self._turns[self._kinds]
        first = self._in_race & (turns == turns[self._in_race].min())
        first &= self._unknown == self._unknown[first].max()
        return int(np.argmax(np.where(first, self._added, -np.inf)))

    def _look_at(self, index: int) -> None:
        gain = self._information.gain(self._candidates[index].described)
        self._gains[index] = gain
        self._added[index], self._unknown[index] = gain.log_det, gain.unknown
        self._looked_at[index] = self._turns.sum()

    def _choose(self, index: int) -> Choice:
        self._in_race[index] = False
        self._turns[self._kinds[index]] += 1
        self._information.add(self._candidates[index].described)
        gain = self._gains[index]
        return Choice(index, gain.atom, gain.leverage, gain.log_det)
