"""Extrapolation grades of a run in LAMMPS, and an end if an atom stays uncertain.

An atom's grade depends on its neighborhood alone, so that each rank knows those of its atoms. Since
when an atom is above the limit all ranks know, as atoms go from one to another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import jax
import numpy as np
from jaxtyping import Array, Float

from limlff.errors import InputError
from limlff.lammps.domain import Domain, Padded
from limlff.lammps.settings import LammpsGuards
from limlff.md.guards.violation import Violation
from limlff.potential import Potential
from limlff.precision import own_precision
from limlff.prediction import predictor_for
from limlff.uncertainty import assess, available


@dataclass
class HighestGrade:
    """The highest grade of a run so far.

    Attributes:
        value: The grade; infinite for an element that was in no training data.
        step: Of LAMMPS.
        atom: ID of the atom.
    """

    value: float
    step: int
    atom: int


class GradeWatch:
    """Grades of all ranks now and then.

    Args:
        potential: The potential.
        limits: The limits.
        symbols: Element of each atom type.

    Raises:
        InputError: If there is a limit, but the potential cannot tell its uncertainty.
    """

    def __init__(
        self, potential: Potential, limits: LammpsGuards, symbols: tuple[str, ...]
    ) -> None:
        self._limits = limits
        self._symbols = symbols
        self._grades = _grades_of(potential) if available(potential) else None
        self._since: dict[int, int] = {}
        self.highest: HighestGrade | None = None
        if limits.max_grade is not None and self._grades is None:
            raise InputError(
                "guards.max_grade is given, but the potential cannot tell its uncertainty; use one "
                "trained with an ensemble, or take the limit out"
            )

    def is_due(self, step: int) -> bool:
        """Whether grades belong to this step."""
        asked = self._limits.max_grade is not None
        return asked and step % self._limits.uncertainty_every == 0

    def assess(self, padded: Padded, local: int) -> Float[np.ndarray, " local"]:
        """Grades of the local atoms of a rank."""
        assert self._grades is not None
        geometry = (padded.species, padded.positions, padded.cell, padded.neighbors)
        return np.asarray(self._grades(*geometry))[:local]

    def judge(
        self, comm: Any, domain: Domain, grades: Float[np.ndarray, " local"]
    ) -> Violation | None:
        """What all ranks together find; collective.

        Args:
            comm: An `mpi4py.MPI.Comm` of all ranks.
            domain: Atoms of this rank.
            grades: Of its local atoms.
        """
        limit = self._limits.max_grade
        assert limit is not None
        known = np.where(np.isfinite(grades), grades, np.inf)
        above = np.flatnonzero(known > limit)
        found = [
            (float(known[i]), int(domain.tags[i]), int(domain.types[i])) for i in above.tolist()
        ]
        if not found and len(known):
            top = int(np.argmax(known))
            found = [(float(known[top]), int(domain.tags[top]), int(domain.types[top]))]
        everywhere = sorted(
            (each for rank in comm.allgather(found) for each in rank), key=lambda x: (-x[0], x[1])
        )
        if everywhere and (self.highest is None or everywhere[0][0] > self.highest.value):
            self.highest = HighestGrade(everywhere[0][0], domain.step, everywhere[0][1])
        uncertain = [each for each in everywhere if each[0] > limit]
        self._since = {tag: self._since.get(tag, domain.step) for _, tag, _ in uncertain}
        late = [
            each
            for each in uncertain
            if domain.step - self._since[each[1]] >= self._limits.uncertain_for_steps
        ]
        return self._violation(late, limit) if late else None

    def _violation(self, late: list[tuple[float, int, int]], limit: float) -> Violation:
        """What is said of atoms that stayed above the limit, the worst first."""
        grade, tag, kind = late[0]
        who = f"{self._symbols[kind - 1]} {tag}"
        if len(late) > 1:
            who += f" and {len(late) - 1} more atoms"
        sentence = (
            f"{who} left what the potential was trained on (extrapolation grade {grade:.3g}, "
            f"guards.max_grade = {limit:g}) since step {self._since[tag]}; label the frames of "
            "extrapolation.extxyz and train on them, then go on from the checkpoint with the new "
            "potential"
        )
        return Violation("max_grade", sentence, tuple(each[1] for each in late), grade, limit)


def _grades_of(potential: Potential) -> Any:
    """A compiled function to grades alone; without forces of members it costs little more."""
    predictor = predictor_for(potential, "float32")

    @jax.jit
    def grades(*geometry: Any) -> Array:
        return assess(predictor, *geometry).grade

    return own_precision()(grades)
