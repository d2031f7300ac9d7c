"""Calculators in threads: small systems, whose lists are made anew at every step."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from ase import Atoms
from ase.build import bulk
from ase.mep import NEB

from limlff.calculator import Calculator

THREADS, STRUCTURES = 4, 40


@pytest.fixture(scope="module")
def structures() -> list[Atoms]:
    """16 atoms each."""
    made = []
    for seed in range(STRUCTURES):
        atoms = bulk("Li", "bcc", a=3.44, cubic=True) * (2, 2, 2)
        atoms.rattle(0.1, seed=seed)
        made.append(atoms)
    return made


def test_a_calculator_in_each_thread_gives_what_one_alone_gives(structures):
    def energies(_: int) -> list[float]:
        calculator = Calculator("li", skin=0.0)
        return [calculator.get_potential_energy(atoms) for atoms in structures]

    alone = energies(0)
    with ThreadPoolExecutor(THREADS) as pool:
        for found in pool.map(energies, range(THREADS)):
            assert found == alone


def test_a_band_whose_images_run_in_threads_has_the_forces_of_one_that_does_not(structures):
    """A vacancy that jumps, ten images, each with a calculator of its own."""

    def forces(parallel: bool) -> np.ndarray:
        first = bulk("Li", "bcc", a=3.44, cubic=True) * (2, 2, 2)
        last = first.copy()
        del first[0], last[1]
        last.positions[0] = first.positions[0]
        images = [first, *(first.copy() for _ in range(10)), last]
        band = NEB(images, parallel=parallel)
        band.interpolate()
        found = []
        for step in range(3):
            for image in images:
                image.calc = Calculator("li", skin=0.0)
                image.rattle(0.01, seed=step)
            found.append(band.get_forces())
        return np.array(found)

    np.testing.assert_array_equal(forces(True), forces(False))
