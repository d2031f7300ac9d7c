"""Paths of ASE whose images share a calculator, relaxations, and the lists kept for them."""

from __future__ import annotations

import gc

import numpy as np
import pytest
from ase.build import bulk
from ase.filters import FrechetCellFilter
from ase.mep import NEB
from ase.optimize import FIRE, BFGSLineSearch

from limlff import result_cache
from limlff.calculator import Calculator
from limlff.neighbors import kept as kept_lists
from limlff.neighbors.kept import SkinNeighbors
from limlff.prediction import Predictor
from limlff.result_cache import Computed, ResultCache


def vacancy_path(images: int) -> list:
    """An atom of bcc lithium hops into a vacancy beside it; the atoms around are not relaxed."""
    first = bulk("Li", "bcc", a=3.44, cubic=True) * (3, 3, 3)
    first.rattle(0.03, seed=2)
    hole = first.positions[0].copy()
    del first[0]
    last = first.copy()
    last.positions[0] = hole
    path = [first, *(first.copy() for _ in range(images)), last]
    NEB(path, method="improvedtangent").interpolate(mic=True)
    return path


def _relax(path: list, calculators: list[Calculator], steps: int) -> np.ndarray:
    for image, own in zip(path, calculators, strict=True):
        image.calc = own
    band = NEB(path, climb=True, method="improvedtangent", allow_shared_calculator=True)
    FIRE(band, logfile=None).run(fmax=1e-6, steps=steps)
    return np.array([image.positions for image in path])


def _count_builds(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    builds: list[int] = []
    build = SkinNeighbors._build

    def counted(self, atoms, now):
        builds.append(len(atoms))
        return build(self, atoms, now)

    monkeypatch.setattr(SkinNeighbors, "_build", counted)
    return builds


def test_images_that_share_a_calculator_move_as_with_one_for_each(monkeypatch):
    """Bit for bit, with as many lists and evaluations, over steps in which lists are built anew."""
    builds, potential = _count_builds(monkeypatch), Calculator("li").potential
    evaluations: list[str] = []

    def counted(*arguments):
        evaluations.append(arguments[0].dtype)
        return predict(*arguments)

    predict = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", counted)
    own = _relax(vacancy_path(5), [Calculator(potential) for _ in range(7)], steps=15)
    of_own, evaluated = len(builds), len(evaluations)
    shared = _relax(vacancy_path(5), [Calculator(potential)] * 7, steps=15)
    assert np.array_equal(shared, own)
    assert len(builds) == 2 * of_own
    assert len(evaluations) == 2 * evaluated
    assert np.abs(own[1:-1] - np.array([a.positions for a in vacancy_path(5)])[1:-1]).max() > 0.05


def test_a_list_whose_structure_is_gone_serves_a_copy_near_it(monkeypatch):
    builds = _count_builds(monkeypatch)
    neighbors, atoms = SkinNeighbors(4.0, 0.5), bulk("Li", cubic=True, a=3.4) * 2
    first = neighbors.update(atoms)
    for _ in range(3):
        atoms = atoms.copy()
        gc.collect()
        atoms.positions[0, 0] += 0.05
        assert neighbors.update(atoms) is first
    other = atoms.copy()
    assert neighbors.update(other) is not first  # `atoms` is still there and keeps its own
    assert neighbors.update(atoms) is first
    assert len(builds) == 2


def test_lists_are_few_and_those_used_last_are_kept(monkeypatch):
    monkeypatch.setattr(kept_lists, "MOST_LISTS", 3)
    neighbors = SkinNeighbors(4.0, 0.5)
    structures = [bulk("Li", cubic=True, a=3.4) for _ in range(5)]
    lists = [neighbors.update(atoms) for atoms in structures]
    assert len(neighbors._lists) == 3
    assert neighbors.update(structures[2]) is lists[2]
    assert neighbors.update(structures[0]) is not lists[0]
    assert neighbors.update(structures[2]) is lists[2]
    monkeypatch.setattr(kept_lists, "MOST_BYTES", 1)
    newest = neighbors.update(structures[4])
    assert neighbors._lists == [newest]


def _relax_around_a_vacancy(optimizer: type, dtype: str, steps: int) -> tuple[bool, int, float]:
    """Positions and cell; whether it ended, after how many steps, and the force that is left."""
    atoms = bulk("Li", "bcc", a=3.4, cubic=True) * (2, 2, 2)
    del atoms[0]
    atoms.rattle(0.03, seed=1)
    atoms.calc = Calculator("li", dtype=dtype)
    optimization = optimizer(FrechetCellFilter(atoms), logfile=None)
    ended = bool(optimization.run(fmax=1e-5, steps=steps))
    force = np.linalg.norm(Calculator("li").get_forces(atoms), axis=1).max()
    return ended, optimization.nsteps, force


def test_single_precision_relaxes_by_forces_as_double_does():
    """To 1e-5 eV/Å, in about as many steps; what is left in double precision is as small."""
    single, double = (_relax_around_a_vacancy(FIRE, kind, 300) for kind in ("float32", "float64"))
    assert single[0]
    assert double[0]
    assert single[1] < 1.2 * double[1]
    assert max(single[2], double[2]) < 1.3e-5


def test_a_line_search_by_the_energy_needs_double_precision():
    """As the documentation says: energies in single precision stop it far from there."""
    assert _relax_around_a_vacancy(BFGSLineSearch, "float64", 60)[0]


def test_results_are_kept_for_the_structures_asked_about_last(monkeypatch):
    monkeypatch.setattr(result_cache, "MOST_STRUCTURES", 3)
    memory, structures = ResultCache(), [bulk("Li", cubic=True) for _ in range(5)]
    for number, atoms in enumerate(structures):
        memory.store(atoms, Computed(atoms.copy(), {"energy": number}))
        memory.get(structures[0])
    found = [memory.get(atoms) for atoms in structures]
    assert [None if each is None else each.results["energy"] for each in found] == [
        0,
        None,
        None,
        3,
        4,
    ]
    monkeypatch.setattr(result_cache, "MOST_ATOMS", 4)
    memory.store(structures[1], Computed(structures[1].copy(), {}))
    assert [memory.get(atoms) is not None for atoms in structures].count(True) == 2
    memory.clear()
    assert memory.get(structures[1]) is None


def test_a_structure_that_changed_is_computed_anew_and_one_that_did_not_is_not(monkeypatch):
    evaluations: list[str] = []

    def counted(*arguments):
        evaluations.append(arguments[0].dtype)
        return predict(*arguments)

    predict = Predictor.predict
    monkeypatch.setattr(Predictor, "predict", counted)
    shared, first = Calculator("li"), bulk("Li", cubic=True, a=3.44) * 2
    second = first.copy()
    second.rattle(0.1, seed=3)
    for atoms in (first, second):
        atoms.calc = shared
    energies = [first.get_potential_energy(), second.get_potential_energy()]
    assert [first.get_potential_energy(), second.get_potential_energy()] == energies
    assert shared.results["energy"] == energies[1]
    assert len(evaluations) == 2
    first.positions[:] = second.positions
    assert first.get_potential_energy() == pytest.approx(energies[1], abs=1e-10)
    assert len(evaluations) == 3
    shared.reset()
    assert second.get_potential_energy() == energies[1]
    assert len(evaluations) == 4
