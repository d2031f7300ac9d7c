"""What LAMMPS calls in each step on each rank: `fix external` with limlff behind it.

A rank must not leave while others wait for it. So whatever goes wrong on one is first agreed on by
all (`limlff.lammps.agreement`), in the same sum that gives energy and virial; then LAMMPS is asked
to stop by a variable that a `fix halt` looks at, and all ranks leave its run together.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from limlff.errors import LimlffError
from limlff.lammps.agreement import Failure, Share, add_up, failure_of, first_failure
from limlff.lammps.domain import Domain, read_domain
from limlff.lammps.forces import RankForces, RankResult
from limlff.lammps.frame import gather_frame
from limlff.lammps.grades import GradeWatch
from limlff.lammps.guards import Motion, RankGuards
from limlff.lammps.requirements import check_masses, require_safe_lists
from limlff.lammps.settings import LammpsSettings
from limlff.md.guards.violation import Violation
from limlff.precision import own_precision
from limlff.units import FEMTOSECOND

FIX = "limlff"
STOP = "limlff_stop"
"""Internal variable of LAMMPS that is not 0 once all ranks shall stop."""

_PICOSECOND = 1000 * FEMTOSECOND  # in units of Å sqrt(amu/eV)


class Parts(NamedTuple):
    """What a step is made of on each rank.

    Attributes:
        forces: The potential.
        guards: The limits.
        grades: Uncertainty.
    """

    forces: RankForces
    guards: RankGuards
    grades: GradeWatch


@dataclass(frozen=True)
class Ending:
    """Why a run ends before its last step.

    Attributes:
        failure: A guard or an error; None if it was asked to end.
        wish: Who asked for it.
        step: Step of LAMMPS.
        frame: The structure at that step, on the first rank and if a guard ends the run.
        is_sound: Whether forces were computed, so that LAMMPS can finish the step.
    """

    failure: Failure | None
    wish: str
    step: int
    frame: Any
    is_sound: bool


class _Computed(NamedTuple):
    """What one rank has found for itself; `failure` instead if it could not."""

    result: RankResult
    virials: Float[np.ndarray, "atoms 6"] | None
    grades: Float[np.ndarray, " local"] | None
    failure: Failure | None


@dataclass
class Coupling:
    """The function that `fix external` calls.

    Attributes:
        lammps: A `lammps.lammps`.
        comm: An `mpi4py.MPI.Comm` of all ranks, of its own.
        parts: Potential, guards and uncertainty.
        settings: Settings of the run.
        wish: Asked on the first rank in each step who wants the run to end; "" if nobody does.
        last_words: Told the reason before all ranks are killed, which only this one knows.
        ending: Why the run ends; None while it goes on.
        evaluations: How often forces were computed.
    """

    lammps: Any
    comm: Any
    parts: Parts
    settings: LammpsSettings
    wish: Callable[[], str]
    last_words: Callable[[LimlffError], None]
    ending: Ending | None = None
    evaluations: int = 0
    _masses_known: bool = field(default=False, repr=False)

    @own_precision()
    def __call__(
        self, caller: Any, step: int, local: int, tags: Any, positions: Any, forces: Any
    ) -> None:
        """Set forces, energies and virial of a step; never raises, as nobody would hear it."""
        try:
            if self.ending is not None and not self.ending.is_sound:
                self._give_nothing(forces)
            else:
                self._step(read_domain(self.lammps, step), forces)
        except BaseException as error:
            self._abort(error, step, forces)

    def _step(self, domain: Domain, forces: Float[np.ndarray, "local 3"]) -> None:
        self.parts.forces.prepare(domain)
        computed = self._compute(domain)
        result, virials = computed.result, computed.virials
        with_virials = result.on_all if virials is None else np.hstack([result.on_all, virials])
        at_home = self.parts.forces.at_home(with_virials)
        motion = self._motion(domain, at_home[:, :3])
        failure = computed.failure or self.parts.guards.after(domain, motion)
        wish = self.wish() if self.comm.rank == 0 else ""
        total = add_up(
            self.comm,
            Share(
                energy=result.energy,
                virial=result.virial,
                kinetic_energy=self._kinetic_energy(domain, motion),
                atoms=domain.local,
                failed=failure is not None,
                leaves=bool(wish),
            ),
        )
        self.evaluations += 1
        failure = self._agreed_failure(domain, total, computed, failure)
        if failure is not None or total.leaves:
            is_sound = failure is None or _is_doubt(failure)
            self._end(domain, motion, failure, wish, is_sound)
            if not is_sound:
                self._give_nothing(forces)
                return
        forces[:] = at_home[:, :3]
        self._give(total, result, at_home[:, 3:] if virials is not None else None)

    def _compute(self, domain: Domain) -> _Computed:
        """The part that a rank does alone; what goes wrong in it is kept for the others."""
        nothing = RankResult(0.0, np.zeros(6), np.zeros(0), np.zeros((len(domain.positions), 3)))
        is_due = self._virials_due(domain.step)
        no_virials = np.zeros((len(domain.positions), 6)) if is_due else None
        try:
            failure = self._check_before(domain)
            if failure is None:
                padded, built = self.parts.forces.list_neighbors(domain)
                failure = self._check_list(domain) if built else None
            if failure is not None:
                return _Computed(nothing, no_virials, None, failure)
            result = self.parts.forces.evaluate(padded, domain)
            virials = self.parts.forces.atom_virials(padded, domain) if is_due else None
            watch = self.parts.grades
            grades = watch.assess(padded, domain.local) if watch.is_due(domain.step) else None
            return _Computed(result, virials, grades, None)
        except Exception as error:
            return _Computed(nothing, no_virials, None, failure_of(error, self.comm.rank))

    def _check_before(self, domain: Domain) -> Failure | None:
        if domain.is_fresh:
            require_safe_lists(self.lammps)
        if not self._masses_known:
            check_masses(self.lammps, self.parts.guards.symbols)
            self._masses_known = True
        return self.parts.guards.before(domain)

    def _check_list(self, domain: Domain) -> Failure | None:
        guards = self.parts.guards
        crowded = guards.too_many_neighbors(self.parts.forces.most_neighbors)
        return guards.too_close(domain) or crowded

    def _virials_due(self, step: int) -> bool:
        every = self.settings.atom_stress_every
        return every is not None and step % every == 0

    def _motion(self, domain: Domain, forces: Float[np.ndarray, "local 3"]) -> Motion:
        if not domain.local:
            return Motion(forces, np.zeros((0, 3)), 0.0)
        velocities = self.lammps.numpy.extract_atom("v", nelem=domain.local)
        return Motion(forces, velocities, float(self.lammps.extract_global("dt")))

    def _kinetic_energy(self, domain: Domain, motion: Motion) -> float:
        """Of the local atoms (eV)."""
        masses = self.lammps.numpy.extract_atom("mass")
        if masses is None:  # of each atom, not of each type
            own = self.lammps.numpy.extract_atom("rmass", nelem=domain.local)
        else:
            own = masses[domain.types[: domain.local]]
        squares = np.einsum("ij,ij->i", motion.velocities, motion.velocities)
        return 0.5 * float(np.dot(own, squares)) / _PICOSECOND**2

    def _agreed_failure(
        self, domain: Domain, total: Share, computed: _Computed, mine: Failure | None
    ) -> Failure | None:
        """Why all ranks have to stop; alike on all of them; collective."""
        if total.failed:
            return first_failure(self.comm, mine)
        hot = self.parts.guards.too_hot(total.kinetic_energy, total.atoms)
        if hot is not None or computed.grades is None:
            return hot
        return self.parts.grades.judge(self.comm, domain, computed.grades)

    def _end(
        self, domain: Domain, motion: Motion, failure: Failure | None, wish: str, is_sound: bool
    ) -> None:
        """Have LAMMPS stop at the end of this step; collective."""
        if self.ending is not None:
            return
        frame = None
        if isinstance(failure, Violation) and failure.guard != "finite":
            symbols = self.parts.guards.symbols
            frame = gather_frame(self.lammps, self.comm, domain, motion.forces, symbols)
        self.ending = Ending(failure, wish, domain.step, frame, is_sound)
        self.lammps.set_internal_variable(STOP, 1.0)

    def _give(
        self, total: Share, result: RankResult, virials: Float[np.ndarray, "local 6"] | None
    ) -> None:
        """Hand energies and virials to LAMMPS."""
        lammps = self.lammps
        lammps.fix_external_set_energy_global(FIX, total.energy)
        lammps.fix_external_set_virial_global(FIX, total.virial.tolist())
        if not len(result.energies):
            return
        lammps.numpy.fix_external_set_energy_peratom(FIX, result.energies)
        if virials is None:  # rather than zeros, which could be taken for stresses
            virials = np.full((len(result.energies), 6), np.nan)
        lammps.numpy.fix_external_set_virial_peratom(FIX, np.ascontiguousarray(virials))

    def _give_nothing(self, forces: Float[np.ndarray, "local 3"]) -> None:
        """No forces, and no number that could be taken for an energy."""
        forces[:] = 0.0
        self.lammps.fix_external_set_energy_global(FIX, float("nan"))
        self.lammps.fix_external_set_virial_global(FIX, [float("nan")] * 6)

    def _abort(self, error: BaseException, step: int, forces: Any) -> None:
        """An error where ranks wait for each other: several are killed, one ends as ever."""
        failure = failure_of(error, self.comm.rank)
        self.ending = Ending(failure, "", step, None, is_sound=False)
        if self.comm.size == 1:
            self.lammps.set_internal_variable(STOP, 1.0)
            self._give_nothing(forces)
            return
        self.last_words(failure)
        self.comm.Abort(failure.exit_code)


def _is_doubt(failure: Failure) -> bool:
    """Whether there are forces, which are only not to be trusted."""
    return isinstance(failure, Violation) and failure.guard == "max_grade"
