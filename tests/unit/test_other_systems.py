"""What Linux has and other systems have not: nothing is missed before it is needed."""

from __future__ import annotations

import errno
import os
import subprocess
import sys

import numpy as np
import pytest

from limlff import file_lock
from limlff.errors import InputError
from limlff.folder_lock import LOCK, locked
from limlff.md.output import trajectory_writer
from limlff.md.output.trajectory import Trajectory, TrajectoryFrame

AS_ON_WINDOWS = """
import os, signal, sys
import ase.io, h5py, jax, matplotlib.pyplot, multiprocessing.connection, numba, optax, tqdm
sys.modules["fcntl"] = sys.modules["resource"] = None
for module, names in {
    os: "O_NOFOLLOW O_NONBLOCK O_CLOEXEC O_DIRECTORY posix_fallocate register_at_fork pread preadv "
        "pwrite sched_getaffinity sched_setaffinity geteuid set_blocking",
    signal: "SIGHUP SIGUSR1 SIGUSR2 SIGXCPU SIGKILL pthread_sigmask",
}.items():
    for name in names.split():
        delattr(module, name) if hasattr(module, name) else None
import limlff.calculator, limlff.cli.train, limlff.md.resume, limlff.training.train
import limlff.training.folder, limlff.workflows.results, limlff.workflows.healing.narrative
from limlff.cli.main import main
from limlff.potential_file import save_potential
save_potential(limlff.load("li"), "copy.limlff")
sys.exit(main(["info", "copy.limlff"]))
"""


def test_all_is_imported_where_posix_is_missing(tmp_path):
    """And a potential is read, written and described."""
    words = [sys.executable, "-c", AS_ON_WINDOWS]
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "moment" in done.stdout


def test_space_is_kept_free_by_zeros_where_the_system_has_no_call_for_it(tmp_path, monkeypatch):
    """As on macOS; what HDF5 has written before stays."""
    monkeypatch.delattr(os, "posix_fallocate")
    path = tmp_path / "t.h5"
    writer = trajectory_writer.TrajectoryWriter(path, np.ones(3, bool))
    frames = [
        TrajectoryFrame(step, 2.0 * step, np.full(3000, 3), np.full((3000, 3), step), np.eye(3))
        for step in range(40)
    ]
    for frame in frames:
        writer.write(frame)
        assert path.stat().st_blocks * 512 >= path.stat().st_size  # no holes
    writer.close()
    with Trajectory(path) as trajectory:
        assert [frame.step for frame in trajectory] == list(range(40))
        assert all(np.all(frame.positions == frame.step) for frame in trajectory)


@pytest.mark.parametrize("has_locks", [True, False])
def test_a_lock_holds_against_another_opening_of_the_file(tmp_path, monkeypatch, has_locks):
    """Windows' own call is played by one that knows of a single locked byte."""
    held: set[int] = set()

    class Msvcrt:
        LK_NBLCK = 2

        @staticmethod
        def locking(descriptor: int, mode: int, count: int) -> None:
            place = os.lseek(descriptor, 0, os.SEEK_CUR)
            if place in held:
                raise PermissionError(13, "Permission denied")
            held.update(range(place, place + count))

    if not has_locks:
        monkeypatch.setattr(file_lock, "fcntl", None)
        monkeypatch.setitem(sys.modules, "msvcrt", Msvcrt)
    with locked(tmp_path) as before:
        assert before is None
        assert f'"pid": {os.getpid()}' in (tmp_path / LOCK).read_text()
        with pytest.raises(InputError, match=f"in use by process {os.getpid()}"), locked(tmp_path):
            pass
    assert (tmp_path / LOCK).read_bytes() == b""


def test_a_file_system_without_locks_is_not_taken_for_one_in_use(tmp_path, monkeypatch):
    def flock(descriptor: int, operation: int) -> None:
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr(file_lock.fcntl, "flock", flock)
    with pytest.raises(InputError, match="cannot be locked: No locks available"), locked(tmp_path):
        pass
