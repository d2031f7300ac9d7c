"""Files of a run in LAMMPS that limlff writes or has written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from limlff.atomic_file import write_text_whole
from limlff.errors import LimlffError
from limlff.folder_lock import LOCK
from limlff.lammps.coupling import Ending
from limlff.lammps.script import Script
from limlff.md.guards.evidence import write_frame
from limlff.md.guards.stop import RunStopped, Stop, finite_or_none
from limlff.md.guards.violation import Violation
from limlff.md.output.names import EXTRAPOLATION, OFFENDING, SUMMARY
from limlff.outputs import FolderKind

LOG = "log.lammps"
SETTINGS = "lammps.yaml"
JOB = "job.json"
"""What the ranks are to do."""
ENDING = "ending.json"
"""How the ranks ended, for the process that started them."""
WISH = "stop"
"""A file whose presence asks the ranks to end."""
CHECKPOINT = "checkpoint.restart"
RESTARTS = ("checkpoint.1.restart", "checkpoint.2.restart")

RUN_FOLDER = FolderKind(
    what="a run of LAMMPS",
    results=(LOG, CHECKPOINT, *RESTARTS),
    others=(SETTINGS, JOB, ENDING, WISH, SUMMARY, OFFENDING, EXTRAPOLATION),
    mark=LOCK,
    advice="choose another folder, or overwrite it with --force",
)


class RunFiles:
    """The folder of a run.

    Args:
        folder: The folder; it is there.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.checkpoint = folder / CHECKPOINT
        self.restarts = tuple(folder / name for name in RESTARTS)

    @staticmethod
    @contextmanager
    def parts(script: Script, path: Path, comm: Any) -> Iterator[tuple[Path, Path]]:
        """Files with the two parts of a script, on the first rank, which reads them for all.

        They lie where they are out of the way; LAMMPS takes relative paths in them, as in any
        input, from the working folder.

        Args:
            script: The parts.
            path: The input, for the names of the files, which LAMMPS shows.
            comm: An `mpi4py.MPI.Comm` of all ranks.
        """
        with TemporaryDirectory(prefix="limlff-") as folder:
            before, behind = (Path(folder) / f"{path.name}.{part}" for part in ("1", "2"))
            if comm.rank == 0:
                before.write_text(script.before, encoding="utf-8")
                behind.write_text(script.behind, encoding="utf-8")
            yield before, behind

    def newest_checkpoint(self) -> Path | None:
        """The last restart file that LAMMPS has written; None if there is none."""
        there = [path for path in (self.checkpoint, *self.restarts) if path.exists()]
        return max(there, key=lambda path: path.stat().st_mtime_ns, default=None)

    def stopped(self, ending: Ending, core_radius: float, comm: Any) -> LimlffError:
        """What a guard's stop is told by, after the evidence is written; collective.

        Args:
            ending: How the run ended, by a violation.
            core_radius: Radius of the neighborhoods that are cut out (Å).
            comm: An `mpi4py.MPI.Comm` of all ranks.
        """
        violation = ending.failure
        assert isinstance(violation, Violation)
        files = self._write_evidence(ending, violation, core_radius) if comm.rank == 0 else {}
        files = comm.bcast(files)
        stop = Stop(
            guard=violation.guard,
            step=ending.step,
            atoms=violation.atoms,
            value=finite_or_none(violation.value),
            limit=violation.limit,
            sentence=violation.sentence,
            files=files,
        )
        kept = ", ".join(path.name for path in files.values()) or "nothing"
        message = f"{self.folder}: stopped at step {stop.step}: {stop.sentence} (kept: {kept})"
        return RunStopped(message, stop)

    def _write_evidence(
        self, ending: Ending, violation: Violation, core_radius: float
    ) -> dict[str, Path]:
        checkpoint = self.newest_checkpoint()
        files = {} if checkpoint is None else {"checkpoint": checkpoint}
        if ending.frame is None:
            return files
        frame = ending.frame
        frame.info.update(step=ending.step, reason=violation.sentence)
        atoms = np.searchsorted(frame.arrays["id"], violation.atoms)
        return files | write_frame(
            self.folder, frame, tuple(int(atom) for atom in atoms), core_radius
        )

    def write_ending(self, failure: LimlffError | None) -> None:
        """Tell the process that started the ranks how they ended; None if all is done."""
        code = 0 if failure is None else failure.exit_code
        self.write_json(ENDING, {"code": code, "message": str(failure or "")})

    def write_json(self, name: str, content: dict[str, Any]) -> None:
        """Write a small file whole or not at all."""
        write_text_whole(self.folder / name, json.dumps(content, indent=1) + "\n")
