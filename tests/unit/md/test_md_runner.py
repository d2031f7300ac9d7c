"""The runner: exact continuation, padding, frozen atoms, guards, and what it writes."""

from __future__ import annotations

import json
import os
import shutil
import signal
import threading
import time
from dataclasses import replace

import jax
import numpy as np
import pytest
import yaml
from md_models import COPPER, copper, run_copper, settings
from md_runs import ENSEMBLES, run_with_sizes, same_run

from limlff.errors import GuardStop, InputError, OutOfTime
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.md.resume import resume_md
from limlff.md.runner import run_md
from limlff.models.moment import MomentModel
from limlff.neighbors.host import Capacity
from limlff.potential import Potential

WRITTEN = {"thermo_every": 5, "trajectory_every": 20, "checkpoint_every": 40, "velocities": True}


@pytest.mark.parametrize("name", ENSEMBLES)
def test_resumed_run_is_the_same_bit_for_bit(tmp_path, name):
    """A run that died after step 80 goes on from its checkpoint at 40 to the same end."""
    changes = {"ensemble": ENSEMBLES[name], "steps": 80, "output": WRITTEN}
    whole = tmp_path / "whole"
    run_copper(whole, temperature_k=[300.0, 500.0], **changes)
    died = tmp_path / "died"
    shutil.copytree(whole, died)
    (died / "checkpoints" / f"step_{80:012d}.h5").unlink()
    (died / "summary.json").unlink()
    resume_md(died, COPPER, progress=False)
    same_run(whole, died)
    assert json.loads((died / "summary.json").read_text())["steps"] == 80


def test_interrupted_run_goes_on_from_any_step(tmp_path):
    """A time limit ends the run between two outputs; a damaged newest checkpoint is passed over."""
    changes = {"ensemble": ENSEMBLES["langevin"], "steps": 60, "output": WRITTEN, "chunk_steps": 7}
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    run_copper(whole, **changes)
    with pytest.raises(OutOfTime, match=r"left at step 5 of 60 .*limlff resume"):
        run_md(
            settings(**changes),
            parts,
            copper(),
            COPPER,
            progress=False,
            max_runtime_seconds=0.0,
        )
    (parts / "checkpoints" / f"step_{50:012d}.h5").write_bytes(b"cut short")
    resume_md(parts, COPPER, progress=False)
    same_run(whole, parts)


def kill_this_process_when(path) -> None:
    """Wait for a file, then send SIGTERM to the test process."""
    for _ in range(12_000):
        if path.exists() and len(path.read_bytes().splitlines()) > 2:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        time.sleep(0.01)


def test_signal_ends_a_run_with_a_checkpoint(tmp_path):
    before = signal.getsignal(signal.SIGTERM)
    watcher = threading.Thread(
        target=kill_this_process_when, args=(tmp_path / "run" / "thermo.csv",)
    )
    watcher.start()
    with pytest.raises(OutOfTime, match="because of SIGTERM"):
        run_copper(tmp_path / "run", steps=2_000_000)
    watcher.join()
    assert list((tmp_path / "run" / "checkpoints").glob("step_*.h5"))
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("name", "capacity", "size"),
    [("nve", Capacity(1, 1), 0), ("npt", Capacity(120, 1500), 40)],
    ids=["one slot that has to grow", "many empty slots"],
)
def test_capacity_and_empty_slots_do_not_change_the_run(tmp_path, name, capacity, size):
    """To the last bits: this model adds up neighbors in an order that depends on their slots."""
    config = settings(ensemble=ENSEMBLES[name], steps=40, output={"thermo_every": 5})
    fitting = run_md(config, tmp_path / "fitting", copper(), COPPER, progress=False)
    padded = run_with_sizes(config, tmp_path / "padded", COPPER, size, capacity)
    assert fitting.summary["compilations"] == 1
    expected, found = read_thermo(fitting.thermo), read_thermo(padded.thermo)
    for column, values in expected.items():
        np.testing.assert_allclose(found[column], values, rtol=1e-9, atol=1e-11, err_msg=column)
    np.testing.assert_allclose(padded.atoms.positions, fitting.atoms.positions, atol=1e-11)


@pytest.mark.parametrize("name", ["langevin", "npt"])
def test_frozen_atoms_stay_where_they_are(tmp_path, name):
    """At constant volume in space, under a barostat in the cell; they count for no temperature."""
    atoms = copper()
    result = run_copper(
        tmp_path,
        atoms,
        ensemble=ENSEMBLES[name],
        frozen={"indices": [31], "below_z_angstrom": 0.1},
        output={"thermo_every": 10, "trajectory_every": 10, "velocities": True},
    )
    held = atoms.positions[:, 2] < 0.1
    held[31] = True
    assert held.sum() == 9
    start = atoms.get_scaled_positions(wrap=False)
    with Trajectory(result.trajectory) as trajectory:
        for frame in trajectory:
            inside = frame.positions @ np.linalg.inv(frame.cell)
            np.testing.assert_allclose(inside[held], start[held], atol=1e-6)
            assert not frame.velocities[held].any()
            assert frame.velocities[~held].all()
    if name == "langevin":
        assert np.array_equal(result.atoms.positions[held], atoms.positions[held])
    row = read_thermo(result.thermo)
    boltzmann = 8.617333e-5  # eV/K, CODATA 2018
    expected = row["kinetic_ev"] * 2 / (3 * 23 * boltzmann)
    np.testing.assert_allclose(row["temperature_k"], expected, rtol=1e-6)


def test_run_that_explodes_is_stopped_and_nothing_bad_is_written(tmp_path):
    """A time step of 60 fs: a readable end, and a table of numbers within the guards."""
    with pytest.raises(GuardStop, match=r"stopped at step .*timestep_fs"):
        run_copper(
            tmp_path,
            timestep_fs=60.0,
            temperature_k=2000.0,
            steps=500,
            guards={"max_temperature_k": 20_000.0, "max_displacement_angstrom": 5.0},
            output={"thermo_every": 1, "trajectory_every": 1},
        )
    table = read_thermo(tmp_path / "thermo.csv")
    assert np.isfinite(np.array(list(table.values()))).all()
    assert table["temperature_k"].max() < 20_000.0
    with Trajectory(tmp_path / "trajectory.h5") as trajectory:
        assert len(trajectory) == len(table["step"])


def test_existing_run_is_not_overwritten(tmp_path):
    (tmp_path / "thermo.csv").write_text("precious")
    with pytest.raises(InputError, match="holds a run already"):
        run_copper(tmp_path)
    assert (tmp_path / "thermo.csv").read_text() == "precious"


def test_resume_refuses_another_potential_and_an_empty_folder(tmp_path):
    run_copper(tmp_path / "run", steps=10)
    other = replace(COPPER, baseline=COPPER.baseline + 1e-9)
    with pytest.raises(InputError, match="another potential"):
        resume_md(tmp_path / "run", other, progress=False)
    with pytest.raises(InputError, match="holds no run to go on with"):
        resume_md(tmp_path / "nothing", COPPER, progress=False)


def close_pair():
    atoms = copper()
    atoms.positions[5] = atoms.positions[4] + [0.3, 0.0, 0.0]
    return atoms


def unknown_element():
    atoms = copper()
    atoms.symbols[3] = "Na"
    return atoms


def slab():
    atoms = copper()
    atoms.pbc = [True, True, False]
    return atoms


def without_cell():
    atoms = copper()
    atoms.cell[2] = 0.0
    return atoms


@pytest.mark.parametrize(
    ("atoms", "changes", "message"),
    [
        (close_pair, {}, r"Cu 4 and Cu 5 are 0\.30 Å apart; the limit is 0\.5 Å"),
        (unknown_element, {}, "holds Na, but this potential knows only Cu"),
        (slab, {"ensemble": {"kind": "npt"}}, "npt needs all three directions"),
        (without_cell, {}, "give it a proper cell"),
        (copper, {"frozen": {"indices": [32]}}, "frozen index 32 does not exist"),
        (copper, {"frozen": {"elements": ["Cu"]}}, "all 32 atoms are frozen"),
        (copper, {"initial_velocities": "file"}, "has no velocities"),
        (copper, {"ensemble": {"kind": "npt"}, "temperature_k": 0.0}, "needs one above 0 K"),
    ],
)
def test_structure_that_cannot_be_run_is_refused(tmp_path, atoms, changes, message):
    with pytest.raises(InputError, match=message):
        run_copper(tmp_path / "run", atoms(), **changes)
    assert not (tmp_path / "run").exists()


def test_an_unknown_element_is_said_with_the_file_that_holds_it(tmp_path):
    with pytest.raises(InputError, match=r"na\.extxyz holds Na, but this potential knows only Cu"):
        run_copper(tmp_path / "run", unknown_element(), structure=tmp_path / "na.extxyz")


def test_neighbor_capacity_of_one_gives_the_same_trajectory_bit_for_bit(tmp_path):
    """With the shipped kind of model, whose compiled sums do not depend on the padding."""
    model = MomentModel(("Cu",), cutoff=4.0, radial=3, channels=2, max_degree=2, hidden=(4,))
    potential = Potential(model, model.initialize(jax.random.PRNGKey(2)), np.zeros(1))
    config = settings(ensemble=ENSEMBLES["npt"], steps=40, output=WRITTEN)
    for name, capacity in (("fitting", None), ("grown", Capacity(1, 1))):
        run_with_sizes(config, tmp_path / name, potential, 0, capacity)
    same_run(tmp_path / "fitting", tmp_path / "grown")


def test_a_configuration_is_taken_as_file_as_its_content_and_as_it_is(tmp_path):
    """All three give the same run."""
    config = settings(steps=10)
    content = config.model_dump(mode="json")
    (tmp_path / "md.yaml").write_text(yaml.safe_dump(content))
    ends = [
        run_md(given, tmp_path / name, copper(), COPPER, progress=False).atoms.positions
        for name, given in {"a": config, "b": content, "c": tmp_path / "md.yaml"}.items()
    ]
    assert np.array_equal(ends[0], ends[1]) and np.array_equal(ends[0], ends[2])
