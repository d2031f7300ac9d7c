"""Uncertainty of a run: assessed now and then, and an end if an atom stays too uncertain.

An atom may cross a strange configuration for a moment; it stops the run only if it was above a
limit in every assessment over `uncertain_for_steps`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

import numpy as np
from ase.data import chemical_symbols
from jaxtyping import Array, Float, Int

from limlff import precision as precision  # first: sets up jax
from limlff.errors import InputError
from limlff.md.config import Guards
from limlff.md.guards.highest import HighestUncertainty
from limlff.md.guards.violation import Violation
from limlff.neighbors.matrix import NeighborMatrix
from limlff.prediction import Predictor


class Assessment(Protocol):
    """What is known of the reliability of each atom's surroundings."""

    @property
    def energy_spread(self) -> Float[Array, " atoms"]:
        """Spread of the atom's energy (eV)."""

    @property
    def force_spread(self) -> Float[Array, " atoms"]:
        """Spread of the force on it (eV/Å)."""

    @property
    def grade(self) -> Float[Array, " atoms"]:
        """Extrapolation grade, 1 at the edge of the training data."""


Assessor = Callable[
    [
        Int[np.ndarray, " atoms"],
        Float[np.ndarray, "atoms 3"],
        Float[np.ndarray, "3 3"],
        NeighborMatrix,
    ],
    Assessment,
]
"""Species, positions (Å), cell (Å) and neighbors to an assessment of each atom."""


def find_assessor(predictor: Predictor, limits: Guards) -> Assessor | None:
    """The assessment of a potential, or None if no limit asks for one.

    Raises:
        InputError: If there is a limit, but the potential cannot tell its uncertainty.
    """
    names = ("max_force_spread_ev_per_angstrom", "max_grade")
    asked = [name for name in names if getattr(limits, name) is not None]
    if not asked:
        return None
    from limlff import uncertainty

    if not uncertainty.available(predictor.potential):
        raise InputError(
            f"guards.{asked[0]} is given, but the potential cannot tell its uncertainty; use one "
            "trained with an ensemble, or take the limit out"
        )
    return partial(uncertainty.assess, predictor)


@dataclass
class UncertaintyWatch:
    """Remembers since when each atom is above a limit.

    Attributes:
        assessor: The assessment; None watches nothing.
        limits: The limits.
        above_since: Step of the first assessment above a limit, without one below it since; -1 for
            atoms that are below.
        highest: The highest uncertainty of accepted states.
        seen: The same, of one that was refused as well.

    What a refused state was found to be stays out of `above_since` and `highest`, which belong to
    the last accepted one.
    """

    assessor: Assessor | None
    limits: Guards
    above_since: Int[np.ndarray, " real"] = field(default_factory=lambda: np.zeros(0, np.int64))
    highest: HighestUncertainty = field(default_factory=HighestUncertainty)
    seen: HighestUncertainty = field(init=False)

    def __post_init__(self) -> None:
        self.seen = self.highest

    def is_due(self, step: int) -> bool:
        """Whether an assessment belongs to this step."""
        return self.assessor is not None and step % self.limits.uncertainty_every == 0

    def next_step(self, step: int) -> int | None:
        """Step of the first assessment after this step."""
        every = self.limits.uncertainty_every
        return None if self.assessor is None else (step // every + 1) * every

    def resized(self, kept: Int[np.ndarray, " kept"], count: int) -> None:
        """Follow a change of the atoms: those kept come first, new ones are below the limits."""
        since = np.full(count, -1, np.int64)
        since[: len(kept)] = self.above_since[kept]
        self.above_since = since

    def examine(
        self,
        step: int,
        species: Int[np.ndarray, " atoms"],
        positions: Float[np.ndarray, "atoms 3"],
        cell: Float[np.ndarray, "3 3"],
        neighbors: NeighborMatrix,
        numbers: Int[np.ndarray, " real"],
    ) -> Violation | None:
        """Assess a state and note who is above a limit.

        Args:
            step: Step of the state.
            species: Species, -1 for empty atoms.
            positions: Positions (Å).
            cell: Cell vectors as rows (Å).
            neighbors: A complete list.
            numbers: Atomic numbers, for names.

        Returns:
            A violation if an atom was above a limit for too long.
        """
        assert self.assessor is not None
        found = self.assessor(species, positions, cell, neighbors)
        count, limits = len(numbers), self.limits
        spread = np.asarray(found.force_spread)[:count]
        grade = np.asarray(found.grade)[:count]
        excess = np.zeros(count)
        for values, limit in (
            (spread, limits.max_force_spread_ev_per_angstrom),
            (grade, limits.max_grade),
        ):
            if limit is not None:
                excess = np.fmax(excess, np.where(np.isfinite(values), values / limit, np.inf))
        above = excess > 1
        since = np.where(above, np.where(self.above_since >= 0, self.above_since, step), -1)
        late = above & (step - since >= limits.uncertain_for_steps)
        self.seen = self.highest.with_assessment(step, grade, spread, numbers)
        if not late.any():
            self.above_since, self.highest = since, self.seen
            return None
        order = np.argsort(-excess, kind="stable")
        atoms = tuple(int(i) for i in order if late[i])
        worst = atoms[0]
        who = f"{chemical_symbols[numbers[worst]]} {worst}"
        if len(atoms) > 1:
            who += f" and {len(atoms) - 1} more atoms"
        return self._violation(who, atoms, int(since[worst]), spread[worst], grade[worst])

    def _violation(
        self, who: str, atoms: tuple[int, ...], since: int, spread: float, grade: float
    ) -> Violation:
        """What is said of atoms that stayed above a limit; all but their names is of the worst."""
        limits = self.limits
        if limits.max_grade is not None and not grade <= limits.max_grade:
            guard, value = "max_grade", float(grade)
            what = f"extrapolation grade {grade:.3g}"
        else:
            guard, value = "max_force_spread_ev_per_angstrom", float(spread)
            what = f"force spread {spread:.3g} eV/Å"
        limit: float = getattr(limits, guard)
        sentence = (
            f"{who} left what the potential was trained on ({what}, guards.{guard} = {limit:g}) "
            f"since step {since}; label the frames of extrapolation.extxyz and "
            "train on them, then resume with the new potential"
        )
        return Violation(guard, sentence, atoms, value, limit)
