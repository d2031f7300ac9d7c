"""Damaged, foreign and missing files of a run: noticed before it goes on, and soon."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
from made_up_run import frame
from md_models import COPPER, copper, settings
from md_runs import CHANGES, go_on, same_run

from limlff.errors import InputError
from limlff.md.output.checkpoint import checkpoint_files
from limlff.md.output.thermo import read_thermo
from limlff.md.output.trajectory import Trajectory
from limlff.md.output.trajectory_writer import TrajectoryWriter
from limlff.md.run.limits import RunLimits
from limlff.md.runner import run_within

SOON = 5.0  # seconds; HDF5's own retries take minutes


@pytest.fixture(scope="module")
def left(tmp_path_factory) -> bytes:
    """A trajectory of 300 frames as a kill leaves it: flushed, never closed."""
    path = tmp_path_factory.mktemp("left") / "t.h5"
    writer = TrajectoryWriter(path, np.ones(3, bool), velocities=False)
    for step in range(300):
        writer.write(frame(step, 4))
    content = path.read_bytes()
    writer.close()
    return content[: int.from_bytes(content[28:36], "little")]  # without the space kept free


@pytest.mark.parametrize("part", [0.0, 0.000_005, 0.01, 0.3, 0.5, 0.9, 0.999])
def test_cut_trajectory_is_refused_at_once(tmp_path, left, part):
    path = tmp_path / "t.h5"
    path.write_bytes(left[: int(part * len(left))])
    begin = time.monotonic()
    with pytest.raises(InputError, match="cannot be read as a trajectory"):
        Trajectory(path)
    assert time.monotonic() - begin < SOON


def test_trajectory_with_wrong_bits_is_read_or_refused_at_once(tmp_path, left):
    """200 files with a few wrong bits each, most of them in HDF5's own blocks at the beginning."""
    rng, path = np.random.default_rng(1), tmp_path / "t.h5"
    refused, longest = 0, 0.0
    for _ in range(200):
        content = bytearray(left)
        for place in rng.integers(0, 60_000, rng.choice([1, 5, 50])):
            content[place] ^= 1 << rng.integers(8)
        path.write_bytes(content)
        begin = time.monotonic()
        try:
            with Trajectory(path) as trajectory:
                for index in range(0, len(trajectory), 100):
                    trajectory[index]
        except InputError as error:
            assert "\n" not in str(error)
            refused += 1
        longest = max(longest, time.monotonic() - begin)
    assert refused > 50
    assert longest < SOON


def test_trajectory_that_claims_more_than_it_holds_takes_no_memory(tmp_path):
    path = tmp_path / "t.h5"
    writer = TrajectoryWriter(path, np.ones(3, bool))
    writer.write(frame(0, 4))
    writer.close()
    with h5py.File(path, "r+") as file:
        for name in ("species", "position"):
            data = file[f"particles/all/{name}/value"]
            data.resize((1, 2**40, *data.shape[2:]))
    with pytest.raises(InputError, match=r"claims 1.1e\+12 atoms"):
        Trajectory(path)


@pytest.mark.parametrize("kind", ["pipe", "link to elsewhere", "array elsewhere"])
def test_trajectory_that_leads_elsewhere_is_refused(tmp_path, kind):
    path = tmp_path / "t.h5"
    os.mkfifo(tmp_path / "pipe")
    if kind == "pipe":
        path = tmp_path / "pipe"
    else:
        writer = TrajectoryWriter(path, np.ones(3, bool))
        writer.write(frame(0, 4))
        writer.close()
        with h5py.File(path, "r+") as file:
            group = file["particles/all/species"]
            del group["value"]
            if kind == "link to elsewhere":
                group["value"] = h5py.ExternalLink(str(tmp_path / "pipe"), "/x")
            else:
                group.create_dataset(
                    "value", (1, 4), np.int16, external=[(str(tmp_path / "pipe"), 0, 8)]
                )
    begin = time.monotonic()
    with pytest.raises(InputError, match="cannot be read as a trajectory"):
        Trajectory(path)
    assert time.monotonic() - begin < SOON


def test_trajectory_locked_by_another_program_is_refused(tmp_path, left):
    path = tmp_path / "t.h5"
    path.write_bytes(left)
    with path.open("rb") as other:
        fcntl.flock(other, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="locked by another process"):
            Trajectory(path)
    with Trajectory(path) as trajectory:
        assert len(trajectory) == 300


def spoil(out: Path, name: str, damage: str) -> None:
    """Remove a file of a run, or cut it."""
    path = out / name
    content = path.read_bytes()
    path.unlink()
    if damage == "cut":
        path.write_bytes(content[:20_000])


@pytest.mark.parametrize(
    ("name", "damage"),
    [("trajectory.h5", "cut"), ("trajectory.h5", "gone"), ("thermo.csv", "gone")],
)
def test_run_that_lost_what_it_wrote_goes_on_with_new_files(whole, died, name, damage, caplog):
    """Only if that is asked for: the end is the same, and it is said what is missing."""
    spoil(died, name, damage)
    begin = time.monotonic()
    with pytest.raises(InputError, match=rf"{name}.*Put back .*--new-files") as refused:
        go_on(died)
    assert time.monotonic() - begin < SOON
    assert "\n" not in str(refused.value)
    assert len(checkpoint_files(died / "checkpoints")) == 2
    result = go_on(died, new_files=True)
    assert (died / "final.extxyz").read_bytes() == (whole / "final.extxyz").read_bytes()
    first = 50 if name == "trajectory.h5" else 45  # after the checkpoint of step 40
    assert result.summary["begins_only_at_step"] == {name: first}
    assert name in caplog.text
    assert (died / f"damaged_{name}").exists() == (damage == "cut")
    table, expected = read_thermo(died / "thermo.csv"), read_thermo(whole / "thermo.csv")
    rows = expected["step"] >= (45 if name == "thermo.csv" else 0)
    for column in expected:
        np.testing.assert_array_equal(table[column], expected[column][rows])
    with Trajectory(died / "trajectory.h5") as trajectory:
        steps = [each.step for each in trajectory]
    assert steps == ([50, 60] if name == "trajectory.h5" else list(range(0, 61, 10)))


def test_pipe_in_place_of_the_settings_is_refused_at_once(whole, died):
    """Whoever opens a pipe waits for somebody at its other end."""
    (died / "md.yaml").unlink()
    os.mkfifo(died / "md.yaml")
    with pytest.raises(InputError, match=r"md\.yaml: is a pipe or a device.*remove it"):
        go_on(died)
    (died / "md.yaml").unlink()
    go_on(died)
    same_run(whole, died)


def test_trajectory_of_another_run_with_the_same_atoms_and_steps_is_refused(died):
    """One atom of one frame is 0.01 Å from where it was."""
    with h5py.File(died / "trajectory.h5", "r+") as file:
        positions = file["particles/all/position/value"]
        positions[1, 0, 0] += 0.01
    with pytest.raises(InputError, match=r"trajectory.h5 is that of another run.*--new-files"):
        go_on(died)
    go_on(died, new_files=True)


def test_new_files_are_gone_on_with_and_older_checkpoints_do_not_count_on_them(whole, died):
    """Killed once more after the files were made anew: no frame is taken for one of before."""
    spoil(died, "trajectory.h5", "gone")
    go_on(died, new_files=True)
    (died / "summary.json").unlink()
    checkpoint_files(died / "checkpoints")[-1].unlink()  # that of step 60; 40 counts 5 frames
    with pytest.raises(InputError, match=r"has lost frames: 2 of 5.*--new-files"):
        go_on(died)


def test_whole_history_is_kept_though_new_files_are_allowed(whole, died):
    result = go_on(died, new_files=True)
    same_run(whole, died)
    assert "begins_only_at_step" not in result.summary


@pytest.mark.parametrize("line", ["12,garbled", "", "\x00\x00,1", "1,2,3,4"])
def test_garbled_row_of_the_thermo_table_is_noticed_before_the_run_goes_on(died, line):
    table = (died / "thermo.csv").read_bytes().split(b"\n")
    table[3] = line.encode().ljust(len(table[3]), b"x")
    (died / "thermo.csv").write_bytes(b"\n".join(table))
    with pytest.raises(InputError, match=r"line 4 of .*thermo.csv is garbled.*--new-files"):
        go_on(died)
    go_on(died, new_files=True)


def test_row_garbled_while_the_run_goes_on_costs_only_itself(tmp_path, caplog):
    """The run ends well; the averages leave the row out, and that is said."""
    out = tmp_path / "run"

    def until(each) -> bool:
        while each.step == 50:  # rows are written in the background
            table = (out / "thermo.csv").read_bytes().split(b"\n")
            if len(table) > 9:
                with (out / "thermo.csv").open("r+b") as file:
                    file.seek(len(b"\n".join(table[:7])) + 1)
                    file.write(b"garbled")
                break
        return False

    result = run_within(
        RunLimits(until=until), settings(**CHANGES), out, copper(), COPPER, progress=False
    )
    assert "left out of the averages, because garbled: line 8" in caplog.text
    assert result.summary["averages_of_second_half"]["temperature_k"] > 0
    assert (out / "summary.json").is_file()
