"""Langevin friction on some atoms, the others free of it."""

from __future__ import annotations

import numpy as np
import pytest
from event_runs import DEPOSIT, config_with, population, slab
from md_models import COPPER, copper, no_force, settings
from md_runs import CHANGES, go_on

from limlff.errors import InputError, OutOfTime
from limlff.md.config import Deposit
from limlff.md.output.checkpoint import checkpoint_files, read_checkpoint
from limlff.md.output.thermo import read_thermo
from limlff.md.runner import run_md
from limlff.md.simulation.events import apply_event
from limlff.md.system.check_structure import check_structure


def friction_on(**named) -> dict:
    return {"kind": "nvt_langevin", "friction_per_ps": 50.0, "friction_on": named}


def coupled(atoms, **named) -> list[int]:
    structure = check_structure(atoms, settings(ensemble=friction_on(**named)))
    return np.flatnonzero(structure.coupled).tolist()


def test_atoms_are_named_by_index_or_height_at_the_start():
    atoms = slab()
    second = float(atoms.positions[9, 2])
    assert coupled(atoms, below_z_angstrom=second + 0.1) == list(range(18))
    assert coupled(atoms, indices=[3, 30]) == [3, 30]
    assert coupled(atoms, indices=[30], below_z_angstrom=second - 0.1) == [*range(9), 30]
    everything = check_structure(atoms, settings(ensemble={"kind": "nvt_langevin"}))
    assert everything.coupled.all()


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ({"indices": [36]}, r"ensemble\.friction_on index 36 does not exist; the last one is 35"),
        ({"below_z_angstrom": 1.0}, r"friction_on\.below_z_angstrom is 1 Å, but the lowest atom"),
        ({"indices": [2, 5]}, "names 2 atoms, of which none moves"),
        ({}, "names 0 atoms, of which none moves"),
    ],
)
def test_names_that_couple_nothing_are_refused(named, words):
    config = settings(ensemble=friction_on(**named), frozen={"indices": list(range(9))})
    with pytest.raises(InputError, match=words):
        check_structure(slab(), config)


def test_atoms_without_friction_keep_their_velocities_exactly_where_no_force_acts(tmp_path):
    """Of an ideal gas beside a frozen atom half is coupled."""
    atoms = copper()
    atoms.numbers[:] = 3
    config = settings(
        steps=20,
        ensemble=friction_on(indices=list(range(16))),
        frozen={"indices": [0]},
        output={"thermo_every": 10, "trajectory_every": 10},
    )
    result = run_md(config, tmp_path, atoms, no_force(), progress=False)
    before = read_checkpoint(checkpoint_files(tmp_path / "checkpoints")[0]).state.momenta
    after = result.atoms.get_momenta()
    assert np.array_equal(after[16:], before[16:32])
    assert np.abs(after[1:16] - before[1:16]).min() > 1e-6


def test_atoms_without_friction_among_frozen_ones_follow_newton(tmp_path):
    """Two layers of free atoms on frozen ones; far above, a coupled atom has a bath of its own."""
    atoms = slab(10.0)
    atoms.append("Cu")
    atoms.positions[36] = [0.0, 0.0, 45.0]
    atoms.cell[2, 2] = 60.0
    top = list(range(18, 36))
    common = {
        "steps": 200,
        "frozen": {"indices": list(range(18))},
        "output": {"thermo_every": 50, "trajectory_every": 50},
    }
    bath = settings(ensemble=friction_on(indices=[36]), **common)
    newton = settings(ensemble={"kind": "nve"}, **common)
    one = run_md(bath, tmp_path / "bath", atoms, COPPER, progress=False).atoms
    two = run_md(newton, tmp_path / "newton", atoms, COPPER, progress=False).atoms
    np.testing.assert_allclose(one.positions[top], two.positions[top], atol=1e-10)
    np.testing.assert_allclose(one.get_momenta()[top], two.get_momenta()[top], atol=1e-9)
    assert np.abs(one.get_momenta()[36] - two.get_momenta()[36]).min() > 0.01


def test_whole_slab_reaches_the_temperature_of_the_layer_with_friction(tmp_path):
    """From 600 K, once the heat has spread, to 300 K by one buried layer over a frozen one."""
    config = settings(
        steps=6000,
        timestep_fs=3.0,
        temperature_k=300.0,
        initial_temperature_k=1200.0,
        ensemble={**friction_on(below_z_angstrom=22.5), "friction_per_ps": 10.0},
        frozen={"below_z_angstrom": 20.5},
        output={"thermo_every": 10, "trajectory_every": 1000},
        skin_angstrom=1.0,
    )
    atoms = slab(20.0)
    result = run_md(config, tmp_path, atoms, COPPER, progress=False)
    table = read_thermo(result.thermo)
    kelvin = table["temperature_k"][200:]
    assert kelvin.mean() == pytest.approx(300.0, rel=0.15)  # 10 independent values or so
    boltzmann = 8.617333e-5  # eV/K, CODATA 2018; 27 atoms move
    expected = 2 * table["kinetic_ev"] / (3 * 27 * boltzmann)
    np.testing.assert_allclose(table["temperature_k"], expected, rtol=1e-6)
    assert np.ptp(table["conserved_ev"]) < 0.1  # eV: the heat of the bath is booked


def test_new_atoms_have_friction_only_where_all_have_it():
    event = Deposit.model_validate(DEPOSIT)
    config = config_with(event)
    for ensemble, expected in (
        (friction_on(indices=[0]), 0.0),
        ({"kind": "nvt_langevin"}, 1.0),
        ({"kind": "nve"}, 1.0),
    ):
        asked = settings(ensemble=ensemble, events=config.model_dump()["events"], steps=1000)
        grown = apply_event(event, 0, 5, population(slab()), asked)
        assert grown.structure.coupled[-1] == expected
        assert len(grown.structure.coupled) == 37


def test_friction_of_a_run_under_way_stays_on_its_atoms(tmp_path):
    """The atoms are chosen at the start, so that others cannot be named later."""
    ensemble = friction_on(below_z_angstrom=1.0)
    config = settings(**{**CHANGES, "ensemble": ensemble})
    with pytest.raises(OutOfTime):
        run_md(config, tmp_path, copper(), COPPER, progress=False, max_runtime_seconds=0.0)
    overrides = ["ensemble.friction_on.below_z_angstrom=3.0"]
    with pytest.raises(InputError, match=r"was 1\.0 and is now 3\.0; a run under way"):
        go_on(tmp_path, overrides=overrides)
