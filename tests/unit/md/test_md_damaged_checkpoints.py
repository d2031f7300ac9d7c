"""Checkpoints that are whole, but of wrong content: the older one is taken, and soon."""

from __future__ import annotations

import io
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from md_models import COPPER
from md_runs import go_on, same_run

from limlff.md.output import checkpoint as checkpoints
from limlff.md.output.checkpoint import checkpoint_files, read_checkpoint
from limlff.md.resume import resume_md

SOON = 5.0  # seconds; HDF5's own retries take minutes


def change(path: Path, **changes) -> None:
    """Change arrays (`state__step`) and marks (`attr_config`) of a checkpoint, and seal it anew."""
    with h5py.File(io.BytesIO(path.read_bytes()), "r") as old:
        memory = io.BytesIO()
        with h5py.File(memory, "w", userblock_size=512) as new:
            for name in old:
                old.copy(name, new)
            for name, value in old.attrs.items():
                new.attrs[name] = value
            for name, value in changes.items():
                put(new, name.replace("__", "/"), value)
    path.write_bytes(checkpoints._sealed(memory.getvalue()))


def put(file: h5py.File, name: str, value) -> None:
    if name.startswith("attr_"):
        mark = name.removeprefix("attr_")
        del file.attrs[mark]
        if value is not None:
            file.attrs[mark] = value
        return
    before = file[name][()]
    del file[name]
    if value is not None:
        file[name] = value(before) if callable(value) else value


WRONG = {
    "step beyond all": {"state__step": np.int64(2**62)},
    "step of another file": {"state__step": np.int64(20)},
    "step below -1": {"state__step": np.int64(-41)},
    "step that is no whole number": {"state__step": np.float64(40)},
    "no positions": {"state__positions": None},
    "positions in a plane": {"state__positions": lambda old: old[:, :2]},
    "too few positions": {"state__positions": lambda old: old[:-1]},
    "position not finite": {"state__positions": lambda old: old * np.nan},
    "position very far": {"state__positions": lambda old: old + 1e200},
    "positions as text": {"state__positions": "here"},
    "momenta of complex numbers": {"state__momenta": lambda old: old * 1j},
    "cell without volume": {"state__cell": np.zeros((3, 3))},
    "cell very flat": {"state__cell": np.diag([7.0, 7.0, 1e-3])},
    "list cell very flat": {"list_cell": np.diag([7.0, 7.0, 1e-3])},
    "key of another kind": {"state__key": np.zeros(4, np.uint32)},
    "chain": {"state__chain_positions": np.zeros(3), "state__chain_momenta": np.zeros(3)},
    "all atoms immobile": {"mobile": lambda old: 0 * old},
    "mobile by half": {"mobile": lambda old: 0.5 * old},
    "friction by half": {"coupled": lambda old: 0.5 * old},
    "no area": {"state__reference_area": np.float64(0)},
    "unknown element": {"numbers": lambda old: old + 200},
    "masses below zero": {"masses": lambda old: -old},
    "no atoms": {"numbers": np.zeros(0, np.int64), "masses": np.zeros(0), "mobile": np.zeros(0)},
    "events that this run has not": {"event_counts": np.array([3])},
    "uncertain since the future": {"above_since": lambda old: 0 * old + 1000},
    "assessed in the future": {"assessed_since": np.int64(1000)},
    "grade that is no number": {"assessed_since": np.int64(0), "highest_values": [np.nan, 1.0]},
    "grade of no atom": {"assessed_since": np.int64(0), "highest_places": np.full((2, 3), -1)},
    "endless neighbors": {"attr_capacity/slots": 2**40},
    "no neighbors": {"attr_capacity/slots": 0},
    "endless images": {"attr_capacity/ghosts": 2**50},
    "no frames": {"attr_written/frames": None},
    "fewer than no frames": {"attr_written/frames": -1},
    "endless frames": {"attr_written/frames": 2**62},
    "settings of another program": {"attr_config": '{"steps": "many"}'},
    "settings that are no JSON": {"attr_config": "["},
    "settings nested deep": {"attr_config": "[" * 30_000},
    "no settings": {"attr_config": None},
    "energy not finite": {"attr_conserved": np.nan},
    "format of many numbers": {"attr_format": np.arange(3)},
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_sealed_checkpoint_with_wrong_content_is_passed_over(died, what, monkeypatch, caplog):
    """Its sha256 is right; the older one is taken, and what is wrong is said in one line."""

    class Taken(Exception):
        pass

    def simulate(checkpoint, *others):
        assert checkpoint.step == 20
        raise Taken

    monkeypatch.setattr("limlff.md.resume.start_simulation", simulate)
    newest = checkpoint_files(died / "checkpoints")[-1]
    change(newest, **WRONG[what])
    begin = time.monotonic()
    with pytest.raises(Taken):
        go_on(died)
    assert time.monotonic() - begin < SOON
    warning = next(line.message for line in caplog.records if newest.name in line.message)
    assert "going on from step 20" in warning
    assert "\n" not in warning


def test_unchanged_content_sealed_anew_is_taken(whole, died):
    change(checkpoint_files(died / "checkpoints")[-1])
    go_on(died)
    same_run(whole, died)


def test_checkpoint_of_another_run_with_the_same_settings_is_passed_over(
    whole,
    died,
    tmp_path,
):
    """A run of gold: sizes and settings fit, but the frames that it counts on are of copper."""
    newest = checkpoint_files(died / "checkpoints")[-1]
    change(newest, numbers=np.full(32, 79))
    go_on(died)
    same_run(whole, died)


def test_enormous_checkpoint_is_not_read(died):
    newest = checkpoint_files(died / "checkpoints")[-1]
    with newest.open("r+b") as file:
        file.truncate(2**40)  # of holes: takes no space
    begin = time.monotonic()
    with pytest.raises(checkpoints.DamagedCheckpoint, match="is no file of at most"):
        read_checkpoint(newest)
    assert time.monotonic() - begin < SOON
    resume_md(died, COPPER, progress=False)
