"""Stripping: single atoms of an element are taken from the top."""

from __future__ import annotations

import numpy as np
import pytest
from ase import Atoms
from event_runs import config_with, population, run, slab
from md_models import COPPER, settings

from limlff.errors import InputError
from limlff.md.config import Strip
from limlff.md.simulation.check_events import check_events
from limlff.md.simulation.events import apply_event
from limlff.md.system.check_structure import check_structure


def with_adatoms() -> Atoms:
    """The slab with an adatom in a hollow (36), and a higher one on top of an atom (37).

    The hollow one has four neighbors within 3 Å, the other one has one.
    """
    atoms = slab()
    top = atoms.positions[27:36]
    spacing = 3.66 / np.sqrt(2)
    atoms.append("Cu")
    atoms.positions[36] = top[0] + [spacing / 2, spacing / 2, 1.83]
    atoms.append("Cu")
    atoms.positions[37] = top[8] + [0.0, 0.0, 2.5]
    return atoms


def order_of_leaving(event: Strip, atoms: Atoms, mobile=None) -> list[int]:
    """Indices in the order in which they leave, until nothing more happens."""
    left, order = population(atoms, mobile), []
    for step in range(len(atoms) + 5):
        before = left.kept
        left = apply_event(event, 0, step, left, config_with(event))
        order += sorted(set(before.tolist()) - set(left.kept.tolist()))
    np.testing.assert_array_equal(left.positions, atoms.positions[left.kept])
    return order


def test_highest_atom_leaves_first_and_never_a_frozen_one():
    atoms = with_adatoms()
    atoms.positions[:, 2] += np.random.default_rng(0).uniform(0, 0.2, len(atoms))
    mobile = np.ones(38)
    mobile[30:36] = 0.0  # of the top layer
    order = order_of_leaving(Strip(element="Cu", every=1), atoms, mobile)
    moving = np.flatnonzero(mobile)
    assert order == moving[np.argsort(-atoms.positions[moving, 2])][:-2].tolist()


def test_least_bound_atom_leaves_before_a_higher_one_that_is_bound_better():
    """Neighbors are counted with ASE, across the edges of the cell."""
    atoms = with_adatoms()
    atoms.positions[36, 2] = atoms.positions[37, 2] + 0.1  # higher, but not so high as to be free
    event = Strip(element="Cu", every=1, choice="least_bound", neighbor_distance_angstrom=3.2)
    distances = atoms.get_all_distances(mic=True)
    counts = ((distances < 3.2) & (distances > 0)).sum(axis=1)
    assert counts[37] == 1 < counts[36] == 4
    assert order_of_leaving(event, atoms)[:2] == [37, 36]
    highest = Strip(element="Cu", every=1)
    assert order_of_leaving(highest, atoms)[:2] == [36, 37]


def test_of_equally_bound_atoms_the_highest_leaves():
    atoms = slab()
    atoms.positions[30, 2] += 0.01
    event = Strip(element="Cu", every=1, choice="least_bound", neighbor_distance_angstrom=3.2)
    # the bottom layer has as few neighbors as the top one
    assert order_of_leaving(event, atoms)[0] == 30


def test_neighbors_of_all_elements_count_but_only_one_element_leaves():
    atoms = with_adatoms()
    atoms.numbers[[14, 36]] = 3  # one inside the copper, one in the hollow
    event = Strip(element="Li", every=1, choice="least_bound")
    assert order_of_leaving(event, atoms) == [36, 14]


def test_run_goes_on_when_nothing_is_left_to_strip(tmp_path):
    """Five atoms can leave, seven times one is to leave: no error, and the frozen ones stay."""
    events = [{"kind": "strip", "element": "Cu", "every": 5}]
    result = run(
        tmp_path,
        steps=40,
        events=events,
        frozen={"indices": list(range(29))},
        guards={"max_energy_jump_ev_per_atom": 10.0},
    )
    assert result.summary["steps"] == 40
    assert result.summary["atoms"] == 36 - 5
    assert result.summary["event_counts"] == [7]


def test_stripping_of_what_neither_moves_nor_comes_is_refused():
    atoms = slab()
    config = settings(events=[{"kind": "strip", "element": "Cu", "every": 5}])
    check_events(config, check_structure(atoms, config), atoms, COPPER)
    held = check_structure(atoms, config)
    held.mobile[:] = 0.0
    with pytest.raises(InputError, match="no Cu moves in the structure or is deposited"):
        check_events(config, held, atoms, COPPER)
