"""Frames that add most to the determinant of an information matrix."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.learning.d_optimal import Information, select_d_optimal
from limlff.learning.features import Described
from limlff.learning.selection import Candidate, SelectSettings

WIDTH = 6


def described(places, species=None) -> Described:
    places = np.asarray(places, float)
    kinds = np.zeros(len(places), int) if species is None else np.asarray(species)
    return Described(np.arange(len(places)), kinds, places)


def candidate(places, kind="bulk", species=None) -> Candidate:
    return Candidate(kind, described(places, species))


def settings(frames=10, min_leverage=1.0) -> SelectSettings:
    return SelectSettings(method="d_optimal", frames=frames, min_leverage=min_leverage)


def matrix_of(places: np.ndarray) -> np.ndarray:
    """What is known of an element: its mean and as much of a round one, largest leverage 1."""
    mean = sum(np.outer(x, x) for x in places) / len(places)
    matrix = mean + np.eye(WIDTH) * np.trace(mean) / WIDTH
    return matrix * max(x @ np.linalg.inv(matrix) @ x for x in places)


def random_pool(generator, frames=25, elements=2) -> tuple[list[Described], list[Candidate]]:
    known = [
        described(generator.normal(size=(n, WIDTH)), generator.integers(0, elements, n))
        for n in (9, 14)
    ]
    pool = [
        candidate(
            1.5 * generator.normal(size=(n, WIDTH)),
            kind=f"kind {n % 3}",
            species=generator.integers(0, elements, n),
        )
        for n in generator.integers(2, 9, frames)
    ]
    return known, pool


def test_choices_and_gains_are_those_of_determinants_computed_anew():
    known, pool = random_pool(np.random.default_rng(3))
    matrices = {
        element: matrix_of(np.concatenate([d.places[d.species == element] for d in known]))
        for element in (0, 1)
    }

    def log_det(indices: list[int]) -> float:
        total = 0.0
        for element, start in matrices.items():
            matrix = start.copy()
            for described in (pool[i].described for i in indices):
                for place in described.places[described.species == element]:
                    matrix += np.outer(place, place)
            total += np.linalg.slogdet(matrix)[1]
        return total

    expected: list[int] = []
    gains = []
    while len(expected) < 12:
        turns = {f.kind: sum(pool[i].kind == f.kind for i in expected) for f in pool}
        left = [i for i in range(len(pool)) if i not in expected]
        best = min(left, key=lambda i: (turns[pool[i].kind], -log_det([*expected, i])))
        gains.append(log_det([*expected, best]) - log_det(expected))
        expected.append(best)
    chosen = select_d_optimal(pool, known, settings(12, 0.0))
    assert [choice.index for choice in chosen] == expected
    assert [choice.gain for choice in chosen] == pytest.approx(gains, rel=1e-9)


def test_a_leverage_is_how_the_determinant_grows_by_one_atom():
    known, pool = random_pool(np.random.default_rng(5), elements=1)
    start = matrix_of(np.concatenate([d.places for d in known]))
    gain = Information(known).gain(pool[0].described)
    ratios = [
        np.linalg.det(start + np.outer(x, x)) / np.linalg.det(start) - 1
        for x in pool[0].described.places
    ]
    assert gain.leverage == pytest.approx(max(ratios), rel=1e-9)
    assert gain.atom == int(np.argmax(ratios))
    edge = max(Information(known).gain(described([x])).leverage for d in known for x in d.places)
    assert edge == pytest.approx(1.0, rel=1e-9)


def test_an_outlier_comes_first_and_the_same_is_not_chosen_twice():
    generator = np.random.default_rng(1)
    known = [described(generator.normal(size=(200, WIDTH)))]
    pool = [candidate(0.8 * generator.normal(size=(20, WIDTH))) for _ in range(30)]
    far = pool[7].described.places.copy()
    far[3] = [0, 0, 30, 0, 0, 0]
    pool[7] = candidate(far)
    pool[19] = candidate(far[::-1] + 1e-3 * generator.normal(size=far.shape))
    chosen = select_d_optimal(pool, known, settings())
    first, *others = [choice.index for choice in chosen]
    assert first in (7, 19) and not {7, 19} & set(others)
    assert chosen[0].atom == (3 if first == 7 else 16)
    again = select_d_optimal([pool[7], pool[19]], known, settings(2, 0.0))
    assert again[1].novelty < 1 < again[0].novelty  # h / (1 + h)


def test_what_was_chosen_before_counts_as_what_is_chosen_now():
    known, pool = random_pool(np.random.default_rng(8))
    chosen = select_d_optimal(pool, known, settings(1, 0.0))[0]
    information = Information(known)
    before = information.gain(pool[chosen.index].described)
    information.add(pool[chosen.index].described)
    after = information.gain(pool[chosen.index].described)
    assert before.log_det == chosen.gain and after.log_det < before.log_det
    assert after.leverage < 1


def test_a_new_element_is_newer_than_anything():
    pool = [candidate([[50.0]]), candidate([[0.1]], species=[1]), candidate([[0.2]], species=[1])]
    chosen = select_d_optimal(pool, [described([[1.0]])], settings())
    assert [choice.index for choice in chosen] == [2, 0]  # afterwards the other one is not new
    assert chosen[0].novelty == np.inf
    assert chosen[0].why(["Cu"]).startswith("Cu 0 is new, its element is new; adds 0.0392 to log")
    assert chosen[1].why(["Li"]).startswith("Li 0 is new, leverage ")


def test_kinds_take_turns_while_they_have_new_frames():
    far = [candidate([np.eye(WIDTH)[i] * 20], kind="a") for i in range(4)]
    near = [candidate([np.eye(WIDTH)[4] * 3], kind="b"), candidate([[0.1] * WIDTH], kind="b")]
    known = [described(np.eye(WIDTH))]
    chosen = select_d_optimal([*far, *near], known, settings())
    assert [choice.index for choice in chosen] == [0, 4, 1, 2, 3]


def test_known_surroundings_without_extent_and_no_frames():
    zero = described(np.zeros((3, 2)))
    assert select_d_optimal([], [], settings()) == []
    assert select_d_optimal([candidate(np.zeros((0, 2)))], [zero], settings()) == []
    assert [c.index for c in select_d_optimal([candidate([[0.0, 2.0]])], [zero], settings())] == [0]
