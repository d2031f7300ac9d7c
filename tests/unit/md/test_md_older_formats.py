"""Checkpoints of older formats.

In format 2 a step of -1 - n told that the forces of step n are unknown; formats 2 and 3 know
neither a lid nor friction on some atoms alone; no format before 5 knows the highest uncertainty.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from md_models import COPPER, copper, settings
from md_runs import CHANGES, go_on, same_run

from limlff.errors import OutOfTime
from limlff.md.output.checkpoint import _sealed, checkpoint_files, read_checkpoint
from limlff.md.run.limits import RunLimits
from limlff.md.runner import run_within


def make_older(path: Path, version: int) -> None:
    """Write a checkpoint as an earlier version did."""
    with h5py.File(path, "r+") as file:
        missing = ["assessed_since", "highest_values", "highest_places"]
        if version < 4:
            missing += ["coupled"]
            missing += [f"state/{name}" for name in ("reference_area", "lid_height", "reflections")]
        for name in missing:
            del file[name]
        if version == 2:
            known = bool(file["state/forces_known"][()])
            step = int(file["state/step"][()])
            del file["state/forces_known"]
            file["state/step"][()] = np.int64(step if known else -1 - step)
        file.attrs["format"] = version
    path.write_bytes(_sealed(path.read_bytes()))


@pytest.mark.parametrize("version", [2, 3, 4])
def test_run_goes_on_bit_for_bit_from_a_checkpoint_of_an_older_format(whole, died, version):
    for path in checkpoint_files(died / "checkpoints"):
        make_older(path, version)
    go_on(died)
    same_run(whole, died)


@pytest.mark.parametrize("step", [0, 40])
def test_the_sign_of_the_step_tells_whether_forces_are_known(died, tmp_path, step):
    if step:
        folder = died / "checkpoints"
    else:
        with pytest.raises(OutOfTime):
            run_within(RunLimits(0.0), settings(**CHANGES), tmp_path, copper(), COPPER, False)
        folder = tmp_path / "checkpoints"
    path = checkpoint_files(folder)[-1 if step else 0]
    before = read_checkpoint(path)
    make_older(path, 2)
    after = read_checkpoint(path)
    assert (after.step, bool(after.state.forces_known)) == (step, bool(step))
    assert np.array_equal(after.state.momenta, before.state.momenta)
