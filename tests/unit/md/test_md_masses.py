"""Masses and velocities of a structure file that nothing can be moved with are refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from md_models import COPPER, copper, settings

from limlff.errors import InputError
from limlff.md.runner import run_md
from limlff.md.system.check_structure import check_structure


@pytest.mark.parametrize("mass", [0.0, -63.5, 1e-9, 1e9, np.inf, np.nan])
def test_a_mass_that_cannot_be_moved_is_refused_by_name(mass):
    atoms = copper()
    masses = atoms.get_masses()
    masses[4] = mass
    atoms.arrays["masses"] = masses  # as a file brings it; ASE would draw standard ones for nan
    with pytest.raises(InputError, match=r"Cu 4 has a mass of .* amu; masses from 0\.01 to 1e\+06"):
        check_structure(atoms, settings())


def test_isotopes_are_taken():
    atoms = copper()
    atoms.set_masses(np.full(len(atoms), 65.0))
    assert check_structure(atoms, settings()).masses.tolist() == [65.0] * len(atoms)


def test_velocities_that_are_not_finite_are_refused(tmp_path):
    atoms = copper()
    momenta = np.ones((len(atoms), 3))
    momenta[3, 1] = np.nan
    atoms.set_momenta(momenta)
    config = settings(initial_velocities="file")
    with pytest.raises(InputError, match="velocities of the structure are not finite"):
        run_md(config, tmp_path / "run", atoms, COPPER, progress=False)


@pytest.mark.parametrize("what", ["cell", "positions"])
def test_enormous_lengths_are_refused_in_one_line_without_warnings(what):
    atoms = copper()
    if what == "cell":
        atoms.set_cell(np.eye(3) * 1e300)
    else:
        atoms.positions[2] = 1e300
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with pytest.raises(InputError, match=r"1e\+300 Å; the limit is"):
            check_structure(atoms, settings())
