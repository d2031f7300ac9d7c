"""The process of one MPI rank: `python -m limlff.lammps.rank FOLDER`, see `limlff.lammps.launch`.

It leaves an `ending.json` with the exit code and the one line that the command says.
"""

from __future__ import annotations

import os
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from limlff.config import load_stored_config
from limlff.errors import LimlffError
from limlff.lammps.agreement import failure_of
from limlff.lammps.job import Job
from limlff.lammps.output import JOB, LOG, SETTINGS, SUMMARY, WISH, RunFiles
from limlff.lammps.session import LammpsError, LammpsSession
from limlff.lammps.settings import LammpsSettings
from limlff.md.guards.stop import STOPPED_BY_GUARD, RunStopped
from limlff.strict_json import parse_json


def run_rank(folder: Path) -> int:
    """Run the job of a folder on this rank; returns its exit code."""
    from mpi4py import MPI

    comm = MPI.COMM_WORLD
    began = time.monotonic()
    error: BaseException | None = None
    facts: dict[str, Any] = {}
    try:
        job = Job(**parse_json((folder / JOB).read_bytes()))
        settings = load_stored_config(folder / SETTINGS, LammpsSettings)
        wish = _wish(folder, job.seconds, began)
        with LammpsSession(settings, None, folder, None, _options(job, folder), wish) as session:
            try:
                session.run_script(Path(job.script))
            finally:
                facts = _facts(session, time.monotonic() - began)
    except LammpsError as caught:
        if caught.is_of_one_rank:
            _leave_alone(comm, folder, caught)
        error = caught
    except Exception as caught:
        error = caught
    failure = None if error is None else failure_of(error, comm.rank)
    if failure is not None and not isinstance(error, LimlffError):
        traceback.print_exception(error)  # a mistake of the code
        _leave_alone(comm, folder, failure)
    if comm.rank == 0:
        _write_ending(folder, failure, facts)
    return 0 if failure is None else failure.exit_code


def _options(job: Job, folder: Path) -> list[str]:
    """Options of LAMMPS' command line."""
    options = ["-nocite", "-nonbuf", "-log", str(folder / LOG)]
    for name, values in job.variables.items():
        options += ["-var", name, *values]
    return options + (["-screen", "none"] if job.quiet else [])


def _wish(folder: Path, seconds: float | None, began: float) -> Callable[[], str]:
    """Who wants the run to end: its time limit, or a file that stands for a signal."""
    path = str(folder / WISH)

    def ask() -> str:
        if seconds is not None and time.monotonic() - began > seconds:
            return "out of time"
        return "interrupted" if os.path.exists(path) else ""

    return ask


def _facts(session: LammpsSession, seconds: float) -> dict[str, Any]:
    """What a summary says."""
    coupling = session.coupling
    facts: dict[str, Any] = {"ranks": session.comm.size, "seconds": seconds}
    if coupling is None:
        return facts
    highest = coupling.parts.grades.highest
    facts |= {
        "atoms": int(session.lammps.get_natoms()),
        "step": int(session.lammps.extract_global("ntimestep")),
        "evaluations": coupling.evaluations,
    }
    return facts | ({} if highest is None else {"highest_grade": asdict(highest)})


def _write_ending(folder: Path, failure: LimlffError | None, facts: dict[str, Any]) -> None:
    files = RunFiles(folder)
    summary = dict(facts)
    if isinstance(failure, RunStopped):
        summary[STOPPED_BY_GUARD] = failure.stop.as_json(folder)
    files.write_json(SUMMARY, summary)
    files.write_ending(failure)


def _leave_alone(comm: Any, folder: Path, failure: LimlffError) -> None:
    """End all ranks if only this one knows why."""
    RunFiles(folder).write_ending(failure)
    if comm.size > 1:
        comm.Abort(failure.exit_code)


if __name__ == "__main__":
    sys.exit(run_rank(Path(sys.argv[1])))
