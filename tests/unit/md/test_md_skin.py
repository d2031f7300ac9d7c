"""The skin criterion against brute force."""

from __future__ import annotations

import numpy as np
import pytest

from limlff.neighbors.pairs import find_pairs
from limlff.neighbors.skin import list_is_complete

CUTOFF, SKIN = 3.0, 1.0
PERIODIC = np.ones(3, bool)
REFERENCE_CELL = np.array([[7.0, 0.0, 0.0], [1.5, 6.5, 0.0], [-1.0, 2.0, 7.5]])


def pair_set(positions, cell, radius):
    pairs = find_pairs(positions, cell, PERIODIC, radius)
    return set(zip(pairs.centres, pairs.owners, map(tuple, pairs.shifts.astype(int)), strict=True))


def misses_a_pair(positions, cell, reference_positions):
    """Whether a pair within the cutoff now was beyond the list's radius at the reference."""
    listed = pair_set(reference_positions, REFERENCE_CELL, CUTOFF + SKIN)
    return not pair_set(positions, cell, CUTOFF) <= listed


def is_complete(positions, cell, reference_positions):
    return bool(
        list_is_complete(positions, cell, reference_positions, REFERENCE_CELL, CUTOFF, SKIN)
    )


@pytest.mark.parametrize("kind", ["shrinks", "grows", "shears", "only atoms move"])
def test_no_pair_is_missed_while_the_list_counts_as_complete(kind):
    """Random paths over boundaries, of cell and atoms together, until a pair is missed."""
    rng = np.random.default_rng(["shrinks", "grows", "shears", "only atoms move"].index(kind))
    strains = {
        "shrinks": -np.eye(3),
        "grows": np.diag([1.0, 0.5, 1.5]),
        "shears": np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [0.5, 0.0, 0.0]]),
        "only atoms move": np.zeros((3, 3)),
    }
    accepted = missed = 0
    for _ in range(15):
        reference = rng.uniform(-7.0, 14.0, size=(12, 3))
        velocity = rng.normal(size=(12, 3))
        for time in np.linspace(0.02, 1.0, 25):
            deformation = np.eye(3) + 0.5 * time * strains[kind]
            cell = REFERENCE_CELL @ deformation
            positions = reference @ deformation + 0.6 * time * velocity
            complete = is_complete(positions, cell, reference)
            wrong = misses_a_pair(positions, cell, reference)
            assert not (complete and wrong)
            accepted += complete
            missed += wrong
    assert accepted > 20
    if kind != "grows":
        assert missed > 20  # the paths do reach configurations of which the list is wrong


def test_criterion_is_no_stricter_than_the_bound_for_a_pure_compression():
    """Without motion in the cell the list lasts until (cutoff + skin) sqrt(3) strain = skin."""
    positions = np.random.default_rng(1).uniform(0.0, 7.0, size=(5, 3))
    limit = SKIN / (CUTOFF + SKIN) / np.sqrt(3.0)
    for strain, expected in ((0.99 * limit, True), (1.01 * limit, False)):
        scale = 1.0 - strain
        assert is_complete(positions * scale, REFERENCE_CELL * scale, positions) is expected


def test_half_the_skin_is_the_limit_at_constant_cell():
    reference = np.zeros((2, 3))
    for length, expected in ((0.499, True), (0.501, False)):
        moved = reference + np.array([[0.0, 0.0, 0.0], [0.0, length * SKIN, 0.0]])
        assert is_complete(moved, REFERENCE_CELL, reference) is expected


def test_positions_that_are_not_a_number_are_never_complete():
    reference = np.zeros((2, 3))
    assert not is_complete(np.full((2, 3), np.nan), REFERENCE_CELL, reference)
