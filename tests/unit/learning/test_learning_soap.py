"""Frames compared by SOAP of DScribe."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace

import numpy as np
import pytest
from ase.build import bulk, fcc100
from scipy.spatial import KDTree

from limlff.errors import InputError
from limlff.frames.frame import Frame
from limlff.learning import select_from_pool
from limlff.learning.features import merged
from limlff.learning.pool import select_frames
from limlff.learning.selection import SelectSettings
from limlff.learning.soap import SoapSettings, check_dscribe, fit_soap

SMALL = SoapSettings(n_max=3, l_max=2)


@dataclass(frozen=True)
class Elements:
    """All that SOAP takes of a potential."""

    elements: tuple[str, ...] = ("Li", "Cu")
    cutoff: float = 5.0


@pytest.fixture(autouse=True)
def _installed() -> None:
    pytest.importorskip("dscribe", reason="DScribe, the extra 'soap', is not installed")


def alloy(seed: int, strain: float = 0.0, lithium: int = 8) -> Frame:
    atoms = bulk("Cu", "fcc", a=3.8 * (1 + strain), cubic=True).repeat((2, 2, 1))
    atoms.symbols[:lithium] = "Li"
    atoms.rattle(0.08, seed=seed)
    return Frame(atoms.numbers, atoms.positions, atoms.cell.array, atoms.pbc)


KNOWN = [alloy(seed) for seed in range(12)]


@pytest.fixture(scope="module")
def space():
    pytest.importorskip("dscribe", reason="DScribe, the extra 'soap', is not installed")
    return fit_soap(SMALL, Elements(), KNOWN)


def test_places_of_what_is_known_have_mean_0_one_width_and_1_as_their_edge(space):
    known = merged(space.describe(KNOWN))
    for element, rows in known.by_element():
        places = known.places[rows]
        assert len(rows) == 96
        assert np.abs(places.mean(axis=0)).max() < 1e-9
        assert np.linalg.norm(places, axis=1).max() == pytest.approx(1.0)
        variances = np.linalg.eigvalsh(np.cov(places.T, bias=True))
        # one width for all directions but those of the smallest variances
        assert np.median(variances[-10:]) == pytest.approx(variances[-1], rel=1e-6), element
    nearest = KDTree(known.places).query(space.describe([alloy(99)])[0].places)[0]
    assert 0.02 < np.median(nearest) < 0.6


def test_grades_are_above_1_for_what_is_outside(space):
    inside, outside = space.grades([alloy(50), alloy(51, strain=0.15)])
    assert np.median(inside) < 1 < np.median(outside) and len(inside) == 16
    only_copper = fit_soap(SMALL, Elements(), [alloy(1, lithium=0)])
    grades = only_copper.grades([alloy(1, lithium=1)])[0]
    assert np.isinf(grades[0]) and np.isfinite(grades[1:]).all()


def turned(frame: Frame, seed: int) -> Frame:
    """The same structure turned, reflected, its atoms renumbered, displaced by a lattice vector."""
    generator = np.random.default_rng(seed)
    turn = np.linalg.qr(generator.normal(size=(3, 3)))[0]
    order = generator.permutation(len(frame))
    positions = frame.positions + np.eye(len(frame))[0][:, None] * frame.cell[0]
    return replace(
        frame,
        numbers=frame.numbers[order],
        positions=positions[order] @ turn,
        cell=frame.cell @ turn,
    )


@pytest.mark.parametrize("method", ["farthest_point", "d_optimal"])
def test_what_is_selected_does_not_depend_on_how_structures_lie(method):
    pool = [alloy(60), alloy(61, 0.1), alloy(62, -0.05), alloy(63, lithium=2), alloy(64)]
    moved = [turned(frame, seed) for seed, frame in enumerate(pool)]
    orders = [
        select_from_pool(Elements(), KNOWN, frames, 5, method, soap=SMALL)
        for frames in (pool, moved)
    ]
    assert orders[0] == orders[1] and len(orders[0]) == 5


@pytest.mark.parametrize("method", ["farthest_point", "d_optimal"])
def test_what_says_the_same_is_not_chosen_twice(space, method):
    pool = [alloy(61, 0.1), alloy(62, -0.05), alloy(63, lithium=2)]
    frames = [*pool, *(turned(frame, seed) for seed, frame in enumerate(pool))]
    settings = SelectSettings(frames=6, method=method, features="soap", soap=SMALL)
    chosen = select_frames(Elements(), KNOWN, frames, settings, 0)
    assert sorted(choice.index % 3 for choice in chosen) == [0, 1, 2]


def test_only_the_core_counts_and_slabs_need_no_third_vector(space):
    slab = fcc100("Cu", (2, 2, 3), a=3.8)
    slab.rattle(0.05, seed=2)
    whole = Frame(slab.numbers, slab.positions, slab.cell.array, slab.pbc)
    core = np.arange(len(whole)) % 2 == 0
    everything, part = space.describe([whole, replace(whole, core=core)])
    assert part.atoms.tolist() == np.flatnonzero(core).tolist()
    assert np.array_equal(part.places, everything.places[core])
    thick = whole.cell + np.diag([0, 0, 40.0])
    padded = space.describe([replace(whole, cell=thick)])[0]
    assert np.abs(padded.places - everything.places).max() < 1e-6
    assert space.describe([replace(whole, core=np.zeros(len(whole), bool))])[0].places.size == 0


def test_one_structure_of_which_all_atoms_are_the_same_has_a_metric():
    places = bulk("Cu", "fcc", a=3.8, cubic=True).repeat((2, 2, 1)).positions
    perfect = replace(alloy(1, lithium=0), positions=places)
    space = fit_soap(SMALL, Elements(), [perfect])
    assert space.grades([perfect])[0].max() < 1e-6
    assert 1 < space.grades([alloy(1, lithium=0)])[0].max() < 1e6


def test_elements_that_are_not_those_of_the_potential_are_refused(space):
    gold = replace(alloy(1), numbers=np.full(16, 79), origin="gold.xyz")
    with pytest.raises(InputError, match=r"gold\.xyz: holds Au"):
        space.describe([gold])


def test_what_dscribe_refuses_is_said_with_its_settings():
    narrow = SoapSettings(n_max=12, cutoff_angstrom=1.1)
    with pytest.raises(InputError, match=r"n_max 12 with a cutoff of 1\.1 Å: .*n_max"):
        fit_soap(narrow, Elements(), KNOWN)


def test_without_dscribe_the_extra_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "dscribe.descriptors", None)
    with pytest.raises(InputError, match=r"pip install 'limlff\[soap\]'"):
        check_dscribe()
