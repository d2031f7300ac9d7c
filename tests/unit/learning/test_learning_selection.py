"""Frames to label: the newest first, none that says the same twice, kinds in turns."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase.build import bulk

from limlff import load
from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning.features import Described, describe
from limlff.learning.selection import Candidate, SelectSettings, select_farthest, select_random
from limlff.training.uncertainty.frames import assess_frames


def described(places, species=None) -> Described:
    places = np.asarray(places, float).reshape(len(places), -1)
    kinds = np.zeros(len(places), int) if species is None else np.asarray(species)
    return Described(np.arange(len(places)), kinds, places)


def candidate(places, kind="bulk", species=None, core=None) -> Candidate:
    content = described(places, species)
    rows = content.atoms if core is None else np.asarray(core, int)
    return Candidate(kind, Described(rows, content.species[rows], content.places[rows]))


def settings(frames=10, min_distance=0.1) -> SelectSettings:
    return SelectSettings(frames=frames, min_distance=min_distance)


def test_newest_first_and_nothing_twice():
    known = [described([[0.0, 0.0]])]
    one = candidate([[1.0, 0.0], [0.0, 0.0]])
    same = candidate([[0.0, 0.02], [1.0, 0.05]])
    far = candidate([[0.0, 3.0], [0.0, 0.0]])
    old = candidate([[0.05, 0.0], [0.0, 0.0]])
    chosen = select_farthest([one, same, far, old], known, settings())
    assert [(c.index, c.atom) for c in chosen] == [(2, 0), (1, 1)]
    assert [c.novelty for c in chosen] == pytest.approx([3.0, np.hypot(1.0, 0.05)], abs=1e-12)


def test_choices_are_those_of_a_search_without_shortcuts():
    """Against the definition, evaluated anew for every choice."""
    generator = np.random.default_rng(4)
    known = [described(generator.normal(size=(n, 5)), generator.integers(0, 2, n)) for n in (4, 9)]
    frames = [
        candidate(
            generator.normal(size=(n, 5)),
            kind=f"kind {n % 3}",
            species=generator.integers(0, 2, n),
            core=generator.choice(n, 2, replace=False),
        )
        for n in generator.integers(3, 9, 30)
    ]
    chosen = [choice.index for choice in select_farthest(frames, known, settings(12, 1.5))]

    def novelty(frame: Candidate, taken: list[int]) -> float:
        pool = [*known, *(frames[i].described for i in taken)]
        rows = [(s, p) for d in pool for s, p in zip(d.species, d.places, strict=True)]
        own = frame.described
        return max(
            min(np.linalg.norm(place - p) for s, p in rows if s == kind)
            for kind, place in zip(own.species, own.places, strict=True)
        )

    expected: list[int] = []
    while len(expected) < 12:
        turns = {kind: sum(frames[i].kind == kind for i in expected) for kind in ALL_KINDS}
        scores = [(turns[f.kind], -novelty(f, expected), i) for i, f in enumerate(frames)]
        new = sorted(s for s in scores if s[1] < -1.5)
        if not new:
            break
        expected.append(new[0][2])
    assert chosen == expected and len(chosen) > 5


ALL_KINDS = [f"kind {n}" for n in range(3)]


def test_only_the_core_of_a_frame_is_described():
    potential = load("li")
    whole = frame(0.0, 1)
    core = np.arange(len(whole)) % 3 == 1
    (all_of_it,), (part,) = (
        describe(potential, [each]) for each in (whole, replace(whole, core=core))
    )
    assert part.atoms.tolist() == np.flatnonzero(core).tolist()
    assert np.abs(part.places - all_of_it.places[core]).max() < 1e-12


def test_a_new_element_is_newer_than_anything():
    chosen = select_farthest(
        [candidate([[50.0]]), candidate([[0.0]], species=[1])], [described([[0.0]])], settings()
    )
    assert [choice.index for choice in chosen] == [1, 0]
    assert chosen[0].novelty == np.inf


def test_no_frames_no_choice():
    assert select_farthest([], [], settings()) == []
    assert select_farthest([candidate([[1.0]], core=[])], [], settings()) == []


def test_random_choices_take_turns_and_follow_the_seed():
    kinds = ["a"] * 20 + ["b"] * 3
    chosen = select_random(kinds, settings(8), seed=1)
    assert chosen == select_random(kinds, settings(8), seed=1)
    assert chosen != select_random(kinds, settings(8), seed=2)
    assert len({choice.index for choice in chosen}) == 8
    assert sum(kinds[choice.index] == "b" for choice in chosen) == 3


def frame(strain: float, seed: int) -> Frame:
    atoms = bulk("Li", "bcc", a=3.44 * (1 + strain), cubic=True).repeat(2)
    atoms.rattle(0.05, seed=seed)
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)


def test_distance_from_the_mean_is_the_grade_that_runs_are_watched_by():
    potential = load("li")
    frames = [frame(0.0, 1), frame(-0.1, 2), frame(0.2, 3)]
    for found, known in zip(
        describe(potential, frames), assess_frames(potential, frames), strict=True
    ):
        assert np.linalg.norm(found.places, axis=1) == pytest.approx(known.grades, rel=2e-3)


def test_places_do_not_depend_on_how_a_structure_lies():
    potential = load("li")
    first = frame(0.0, 1)
    turn = np.linalg.qr(np.random.default_rng(0).normal(size=(3, 3)))[0]
    turned = replace(first, positions=first.positions @ turn, cell=first.cell @ turn)
    one, two = describe(potential, [first, turned])
    assert np.abs(one.places - two.places).max() < 1e-3
    chosen = select_farthest(
        [Candidate("", found) for found in (one, two)],
        [],
        settings(min_distance=0.05),
    )
    assert len(chosen) == 1


def test_a_potential_without_grade_is_refused():
    potential = load("li")
    bare = {key: value for key, value in potential.parameters.items() if key != "uncertainty"}
    with pytest.raises(InputError, match=r"select\.method: random"):
        describe(replace(potential, parameters=bare), [frame(0.0, 1)])
