"""Which frames to label: few, new and different; by farthest points, or at random.

A frame is as new as the newest of its atoms: the distance of that atom's surroundings to the
nearest that are known, in the space of features. The newest frame is taken first; what it holds is
known from then on, so that a second frame that says the same is no longer new. Kinds of
configurations take turns.

Source of farthest-point sampling: Eldar, Lindenbaum, Porat and Zeevi, IEEE Trans. Image Process. 6,
1305 (1997).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Float

from limlff.config import StrictModel
from limlff.learning.features import Described, merged
from limlff.learning.soap import SoapSettings
from limlff.quantities import Count, NonNegative

Method = Literal["farthest_point", "d_optimal", "random"]

_CHUNK = 2048
"""Known surroundings that are compared at a time."""


class SelectSettings(StrictModel):
    """How many frames are labelled, and how they are chosen.

    Attributes:
        frames: Most frames of an iteration.
        method: The farthest points from what is known; those that add most to the determinant of
            an information matrix, in which a frame counts with all its atoms; or at random, for
            comparison.
        features: By which frames are compared: those of the model, or SOAP of DScribe for models
            that have none; the grade by which atoms are uncertain is then also one by SOAP.
        soap: Settings of SOAP.
        min_distance: How far one atom of a frame must be from all that is known or chosen, for
            farthest points. The farthest atom that the potential was trained on is 1 away from the
            mean; in a liquid the nearest of another snapshot is about 0.1 away.
        min_leverage: What the leverage of one atom of a frame must be above, for d_optimal; 1 is
            the largest of what is known. With 1 or more, no two frames that say the same are
            chosen.
    """

    frames: Count = 20
    method: Method = "farthest_point"
    features: Literal["model", "soap"] = "model"
    soap: SoapSettings = SoapSettings()
    min_distance: NonNegative = 0.1
    min_leverage: NonNegative = 1.0


@dataclass(frozen=True)
class Candidate:
    """A frame that may be labelled, as the selection sees it.

    Attributes:
        kind: Kind of configuration; kinds take turns.
        described: Surroundings of its atoms.
    """

    kind: str
    described: Described


@dataclass(frozen=True)
class Choice:
    """A frame that was chosen, and why.

    Attributes:
        index: Among the candidates.
        atom: Its newest atom; None at random.
        novelty: How new that atom is, infinite for a new element: of farthest points the distance
            to what was known or chosen before, of D-optimal ones its leverage.
        gain: Growth of the logarithm of the determinant, where that decides.
    """

    index: int
    atom: int | None = None
    novelty: float = 0.0
    gain: float | None = None

    def why(self, symbols: Sequence[str]) -> str:
        """Why, in words.

        Args:
            symbols: Chemical symbols of the frame's atoms.
        """
        if self.atom is None:
            return "at random"
        text = f"{symbols[self.atom]} {self.atom} is new, "
        if np.isinf(self.novelty):
            text += "its element is new"
        elif self.gain is None:
            text += f"{self.novelty:.3g} away"
        else:
            text += f"leverage {self.novelty:.3g}"
        return text if self.gain is None else f"{text}; adds {self.gain:.3g} to log det"


def select_farthest(
    candidates: Sequence[Candidate], known: Sequence[Described], settings: SelectSettings
) -> list[Choice]:
    """Choose frames, the newest first.

    Args:
        candidates: The frames.
        known: Surroundings that the potential was trained on, and what is waiting for a label.
        settings: How many and how far.

    Returns:
        The choices in their order; fewer than asked for, if no more are new.
    """
    if not candidates:
        return []
    novelty = _Novelty(candidates)
    novelty.learn(merged(known))
    chosen: list[Choice] = []
    counts = dict.fromkeys((candidate.kind for candidate in candidates), 0)
    while len(chosen) < settings.frames:
        choice = _next_choice(candidates, novelty, counts, settings.min_distance)
        if choice is None:
            break
        chosen.append(choice)
        counts[candidates[choice.index].kind] += 1
        novelty.learn(candidates[choice.index].described)
    return chosen


def select_random(kinds: Sequence[str], settings: SelectSettings, seed: int) -> list[Choice]:
    """Choose frames at random, kinds taking turns."""
    order = np.random.default_rng(seed).permutation(len(kinds)).tolist()
    turns: dict[str, int] = {}
    ranked = []
    for index in order:
        turn = turns.get(kinds[index], 0)
        turns[kinds[index]] = turn + 1
        ranked.append((turn, index))
    ranked.sort(key=lambda item: item[0])
    return [Choice(index) for _, index in ranked[: settings.frames]]


def _next_choice(
    candidates: Sequence[Candidate], novelty: _Novelty, counts: dict[str, int], least: float
) -> Choice | None:
    """The newest frame of the kind that had the fewest turns and still has new frames."""
    best: Choice | None = None
    for index, candidate in enumerate(candidates):
        atom, distance = novelty.newest(index)
        if distance <= least:  # also what is chosen already
            continue
        turns = counts[candidate.kind]
        before = counts[candidates[best.index].kind] if best else 0
        if best is None or turns < before or (turns == before and distance > best.novelty):
            best = Choice(index, atom, distance)
    return best


class _Novelty:
    """Distance of every atom of the candidates to the nearest surroundings that are known."""

    def __init__(self, candidates: Sequence[Candidate]) -> None:
        described = [candidate.described for candidate in candidates]
        self._owners = np.repeat(np.arange(len(candidates)), [len(d.atoms) for d in described])
        self._atoms = np.concatenate([each.atoms for each in described])
        self._species = np.concatenate([each.species for each in described])
        self._places = np.concatenate([each.places for each in described])
        self._squares = np.full(len(self._atoms), np.inf)
        self._bounds = np.searchsorted(self._owners, np.arange(len(candidates) + 1))

    def learn(self, known: Described) -> None:
        """Take surroundings for known."""
        for element, rows in known.by_element():
            mine = np.flatnonzero(self._species == element)
            theirs = known.places[rows]
            for start in range(0, len(theirs), _CHUNK):
                squares = _squared_distances(self._places[mine], theirs[start : start + _CHUNK])
                self._squares[mine] = np.minimum(self._squares[mine], squares.min(axis=1))

    def newest(self, candidate: int) -> tuple[int, float]:
        """The newest atom of a candidate, and its distance; infinite for a new element."""
        first, last = self._bounds[candidate], self._bounds[candidate + 1]
        if first == last:
            return -1, 0.0
        row = first + int(np.argmax(self._squares[first:last]))
        return int(self._atoms[row]), float(np.sqrt(self._squares[row]))


def _squared_distances(
    first: Float[np.ndarray, "first features"], second: Float[np.ndarray, "second features"]
) -> Float[np.ndarray, "first second"]:
    """Squares of all distances, never below zero."""
    products = first @ second.T
    squares = np.sum(first**2, axis=1)[:, None] + np.sum(second**2, axis=1) - 2 * products
    return np.maximum(squares, 0.0)
