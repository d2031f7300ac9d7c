"""Files of a run: growing trajectories, thermo table, checkpoints."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import h5py
import numpy as np
import pytest
from made_up_run import checkpoint, frame
from md_models import COPPER

from limlff.errors import InputError
from limlff.md.output.checkpoint import (
    checkpoint_files,
    forces_digest,
    read_checkpoint,
    write_checkpoint,
)
from limlff.md.output.extended_xyz import ExtendedXYZWriter
from limlff.md.output.thermo import COLUMNS, ThermoWriter, read_thermo
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame
from limlff.md.output.trajectory_writer import TrajectoryWriter


def assert_same(read, written):
    assert (read.step, read.time_fs) == (written.step, written.time_fs)
    assert np.array_equal(read.numbers, written.numbers)
    assert np.array_equal(read.positions, written.positions.astype(np.float32))
    assert np.array_equal(read.cell, written.cell)
    assert read.velocities is None


def test_trajectory_may_gain_and_lose_atoms(tmp_path):
    frames = [frame(0, 3), frame(10, 5), frame(20, 1500), frame(30, 4)]
    writer = TrajectoryWriter(tmp_path / "t.h5", np.array([True, True, False]))
    for each in frames:
        writer.write(each)
    writer.close()
    with Trajectory(tmp_path / "t.h5") as trajectory:
        assert len(trajectory) == 4
        assert trajectory.periodic.tolist() == [True, True, False]
        for read, written in zip(trajectory, frames, strict=True):
            assert_same(read, written)
        with pytest.raises(IndexError):
            trajectory[4]


def test_trajectory_has_the_h5md_layout(tmp_path):
    writer = TrajectoryWriter(tmp_path / "t.h5", np.ones(3, bool))
    writer.write(frame(0, 3))
    writer.write(frame(5, 4))
    writer.close()
    with h5py.File(tmp_path / "t.h5") as file:
        assert file["h5md"].attrs["version"].tolist() == [1, 1]
        group = file["particles/all"]
        assert group["box"].attrs["dimension"] == 3
        assert list(group["box"].attrs["boundary"]) == ["periodic"] * 3
        assert group["box/edges/value"].shape == (2, 3, 3)
        for name in ("position", "species", "box/edges"):
            assert group[name]["step"][:].tolist() == [0, 5]
            assert group[name]["time"][:].tolist() == [0.0, 10.0]
        assert group["species/value"][0].tolist()[3] == -1
        assert np.isnan(group["position/value"][0, 3]).all()


def test_trajectory_can_be_read_while_it_is_written_and_continued_after_a_kill(tmp_path):
    path = tmp_path / "t.h5"
    writer = TrajectoryWriter(path, np.ones(3, bool))
    for step in range(3):
        writer.write(frame(step, 4))
    with Trajectory(path) as trajectory:
        assert len(trajectory) == 3
        assert_same(trajectory[2], frame(2, 4))
    killed = tmp_path / "killed.h5"
    killed.write_bytes(path.read_bytes())  # as a kill leaves it: flushed, never closed
    writer.close()
    again = TrajectoryWriter(killed, np.ones(3, bool), keep_frames=2)
    again.write(frame(7, 6))
    again.close()
    with Trajectory(killed) as trajectory:
        assert [each.step for each in trajectory] == [0, 1, 7]
        assert_same(trajectory[1], frame(1, 4))


def test_space_is_kept_free_for_frames_to_come_however_many_there_were(tmp_path):
    """HDF5 dies where it finds no space, so half a megabyte is always there beyond what it uses."""
    path = tmp_path / "t.h5"
    writer = TrajectoryWriter(path, np.ones(3, bool), velocities=True)
    for step in range(600):
        each = replace(frame(step, 4), velocities=np.zeros((4, 3)))
        writer.write(each)
        used = int.from_bytes(path.read_bytes()[28:36], "little") if step % 50 == 0 else 0
        assert path.stat().st_size - used >= 1 << 19
    writer.close()


FAST_WRITER = """
import sys, time
from pathlib import Path
import numpy as np
sys.path[:0] = sys.argv[2:]
from made_up_run import frame
from limlff.md.output.trajectory_writer import TrajectoryWriter
writer = TrajectoryWriter(Path(sys.argv[1]), np.ones(3, bool))
begin = time.monotonic()
step = 0
while time.monotonic() - begin < 3.0:
    writer.write(frame(step, 5))
    step += 1
writer.close()
"""


def test_trajectory_is_read_by_another_process_while_it_grows_fast(tmp_path):
    """Hundreds of frames a second: every frame that a reader sees is whole, and none is refused."""
    path, here = tmp_path / "t.h5", Path(__file__).parent
    arguments = [sys.executable, "-c", FAST_WRITER, str(path), str(here), str(here.parents[1])]
    writer = subprocess.Popen(arguments)
    reads, longest = 0, 0
    while writer.poll() is None:
        if not path.exists():
            continue
        with Trajectory(path) as trajectory:
            longest = max(longest, len(trajectory))
            for index in {0, len(trajectory) // 2, len(trajectory) - 1} if len(trajectory) else ():
                assert_same(trajectory[index], frame(index, 5))
                reads += 1
    assert writer.returncode == 0
    assert reads > 100
    assert longest > 100


def test_a_file_that_is_no_trajectory_is_refused(tmp_path):
    (tmp_path / "text").write_text("no")
    with pytest.raises(InputError, match="cannot be read as a trajectory"):
        Trajectory(tmp_path / "text")
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(InputError, match="no H5MD trajectory"):
        Trajectory(tmp_path / "other.h5")


def test_extended_xyz_is_formatted_as_python_does_it_atom_by_atom(tmp_path):
    """Over several blocks, with two elements and numbers that round up, down and to -0."""
    rng = np.random.default_rng(3)
    positions = rng.normal(size=(1200, 3)) * 10.0 ** rng.integers(-8, 5, (1200, 3))
    numbers = rng.choice([3, 29], 1200)
    frame = TrajectoryFrame(7, 14.0, numbers, positions, np.diag([10.0, 11.5, 1 / 3]))
    writer = ExtendedXYZWriter(tmp_path / "t.extxyz", np.array([True, True, False]))
    writer.write(frame)
    writer.close()
    head = (
        'Lattice="10 0 0 0 11.5 0 0 0 0.3333333333" Properties=species:S:1:pos:R:3 pbc="T T F" '
        "step=7 time_fs=14"
    )
    atoms = [
        f"{ {3: 'Li', 29: 'Cu'}[number] } {x:.6f} {y:.6f} {z:.6f}"
        for number, (x, y, z) in zip(numbers.tolist(), positions, strict=True)
    ]
    assert (tmp_path / "t.extxyz").read_text() == "\n".join(["1200", head, *atoms]) + "\n"


def test_thermo_table_is_read_back_exactly_and_cut_where_asked(tmp_path):
    rng = np.random.default_rng(0)
    rows = [dict(zip(COLUMNS, [i, *rng.normal(size=12), 7 + i], strict=True)) for i in range(4)]
    writer = ThermoWriter(tmp_path / "thermo.csv")
    for row in rows[:2]:
        writer.write(row)
    length = writer.flush()
    writer.write(rows[2])
    writer.close()
    writer = ThermoWriter(tmp_path / "thermo.csv", keep_bytes=length)
    writer.write(rows[3])
    writer.close()
    table = read_thermo(tmp_path / "thermo.csv")
    for name in COLUMNS:
        assert table[name].tolist() == [rows[i][name] for i in (0, 1, 3)]
    with pytest.raises(InputError, match="cannot be read"):
        read_thermo(tmp_path / "missing.csv")


def test_checkpoint_is_read_back_exactly_and_two_are_kept(tmp_path):
    for step in (5, 10, 15):
        write_checkpoint(tmp_path, checkpoint(step))
    assert len(list(tmp_path.iterdir())) == 2
    written, read = checkpoint(15), read_checkpoint(checkpoint_files(tmp_path)[-1])
    for field in fields(written.state):
        one, two = getattr(written.state, field.name), getattr(read.state, field.name)
        assert np.array_equal(one, two)
        assert np.asarray(one).dtype == np.asarray(two).dtype
    for field in fields(written):
        if field.name != "state":
            assert np.array_equal(getattr(written, field.name), getattr(read, field.name))


def test_digest_changes_with_any_number_of_the_potential():
    digest = forces_digest(COPPER)
    assert digest == forces_digest(COPPER)
    repulsion = COPPER.parameters["repulsion"] * (1 + 1e-15)
    changed = replace(COPPER, parameters={**COPPER.parameters, "repulsion": repulsion})
    assert digest != forces_digest(changed)
