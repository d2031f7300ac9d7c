"""The stop of a run by a guard as data: in the error, and from the folder."""

from __future__ import annotations

import json
import pickle

import ase.io
import numpy as np
import pytest
from md_models import COPPER, copper, settings
from md_runs import HEATED

from limlff.errors import GuardStop
from limlff.md.guards.stop import RunStopped, read_stop
from limlff.md.output.checkpoint import read_checkpoint
from limlff.md.resume import resume_md
from limlff.md.runner import run_md


@pytest.fixture(scope="module")
def stopped(tmp_path_factory):
    """A run that is heated until an atom moves too far in one step."""
    out = tmp_path_factory.mktemp("stopped")
    config = settings(**HEATED)
    with pytest.raises(GuardStop) as error:
        run_md(config, out, copper(), COPPER, progress=False)
    return out, error.value


def test_it_tells_guard_step_atoms_value_and_limit(stopped):
    """Independently of its sentence: the displacement follows from the momenta of the frame."""
    out, error = stopped
    stop = error.stop
    frame = ase.io.read(out / "offending.extxyz")
    displacements = 2.0 * 0.09822694743391454 * frame.get_velocities()
    lengths = np.linalg.norm(displacements, axis=1)
    assert isinstance(error, RunStopped) and stop.guard == "max_displacement_angstrom"
    assert stop.step == frame.info["step"] and stop.limit == 0.024
    assert stop.atoms[0] == np.argmax(lengths)
    assert set(stop.atoms) == set(np.flatnonzero(lengths > 0.024).tolist())
    assert stop.value == pytest.approx(lengths.max(), rel=1e-6)
    assert stop.sentence in str(error)


def test_its_files_hold_the_last_good_state_and_the_atoms_to_be_labelled(stopped):
    _, error = stopped
    stop = error.stop
    assert read_checkpoint(stop.files["checkpoint"]).step == stop.step - 1
    cells = ase.io.read(stop.files["extrapolation"], ":")
    assert cells[0].info["atom"] == stop.atoms[0]
    assert {cell.info["step"] for cell in cells} == {stop.step}


def test_it_is_read_from_the_folder_and_comes_whole_from_another_process(stopped):
    out, error = stopped
    assert read_stop(out) == error.stop
    summary = json.loads((out / "summary.json").read_text())
    assert summary["stopped_by_guard"]["guard"] == "max_displacement_angstrom"
    assert summary["steps"] == error.stop.step - 1
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.stop) == (str(error), error.stop)


def test_a_run_that_goes_on_to_its_end_was_not_stopped(stopped):
    out, _ = stopped
    resume_md(out, COPPER, progress=False, overrides=["guards.max_displacement_angstrom=1"])
    assert read_stop(out) is None
    assert read_stop(out / "missing") is None
