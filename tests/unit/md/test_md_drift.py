"""Atoms that have drifted through thousands of cells, and states in which none can be found."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from ase import Atoms
from md_models import COPPER, copper, settings

from limlff.md.guards.checks import find_violation
from limlff.md.guards.violation import Snapshot
from limlff.md.output.thermo import read_thermo
from limlff.md.resume import resume_md
from limlff.md.runner import run_md
from limlff.md.simulation.simulation import Halted
from limlff.md.simulation.start import first_checkpoint, start_simulation

SETTINGS = settings(
    steps=30, ensemble={"kind": "nve"}, output={"thermo_every": 5, "trajectory_every": 10}
)


def _drifted() -> Atoms:
    atoms = copper()
    cells = np.zeros((len(atoms), 3))
    cells[3], cells[7], cells[8:12] = [2_049, 0, 0], [-5_000, 1_024, 7], [0, 0, -1_500]
    atoms.positions += cells @ atoms.cell.array
    return atoms


def test_atoms_thousands_of_cells_away_move_as_their_wrapped_selves(tmp_path):
    """The same energies, also after a resume."""
    energies = {}
    for name, atoms in (("near", copper()), ("far", _drifted())):
        run_md(SETTINGS, tmp_path / name, atoms, COPPER, progress=False)
        resume_md(tmp_path / name, COPPER, progress=False, overrides=["steps=60"])
        thermo = read_thermo(tmp_path / name / "thermo.csv")
        energies[name] = np.asarray(thermo["potential_ev"])
    assert len(energies["near"]) > 10 and np.ptp(energies["near"]) > 1e-3
    np.testing.assert_allclose(energies["far"], energies["near"], rtol=0, atol=1e-7)


@pytest.fixture
def simulation():
    """A simulation with its first forces."""
    made = start_simulation(first_checkpoint(SETTINGS, copper(), COPPER), SETTINGS, COPPER)
    made.advance_to(1)
    return made


def test_a_state_in_which_no_neighbors_can_be_found_is_a_problem_of_the_run(simulation):
    """A position beyond all digits, and a cell that has collapsed: guards, not bad input."""
    state = simulation.state
    far = np.array(state.positions)
    far[5] = 1e12
    for broken, words in (
        (replace(state, positions=far), "from the origin"),
        (replace(state, cell=1e-3 * np.asarray(state.cell)), "the limit is"),
    ):
        snapshot = Snapshot(broken, simulation.structure, simulation.config, 0.0, 0.0)
        violation = find_violation(snapshot)
        assert violation is not None and words in violation.sentence


def test_a_list_that_cannot_be_made_under_way_ends_the_run_as_a_guard_does(simulation, monkeypatch):
    monkeypatch.setattr(simulation.engine, "skin", 0.0)  # stale at once
    simulation.engine._programs.clear()
    monkeypatch.setattr(type(simulation.engine), "list_radius", 1e3)
    with pytest.raises(Halted, match="the limit is"):
        simulation.advance_to(3)
