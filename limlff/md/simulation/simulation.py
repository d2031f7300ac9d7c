"""A simulation in memory: advances, accepts only states within the guards, lets atoms come and go.

A chunk that fails is discarded; it is run again in halves until the last good step and the first
bad one are known.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from limlff.errors import InputError
from limlff.md.config import MDConfig
from limlff.md.guards.checks import Look, Problem, find_problem, too_many_neighbors
from limlff.md.guards.watch import UncertaintyWatch
from limlff.md.run.results import Tally
from limlff.md.simulation.engine import Engine, NeighborList, list_neighbors
from limlff.md.simulation.events import EventClock, EventImpossible, Population, happen, to_slots
from limlff.md.system.prepare import Structure
from limlff.md.system.state import AtomTable, MDState
from limlff.neighbors.host import Capacity
from limlff.prediction.atom_virials import atom_virials


class Halted(Exception):
    """A guard was violated.

    Args:
        problem: What is wrong.
        look: The state that was not accepted.
    """

    def __init__(self, problem: Problem, look: Look) -> None:
        super().__init__(problem.sentence)
        self.problem, self.look = problem, look


class Attempt(NamedTuple):
    """A state that the loop reached, and whether it can be accepted."""

    look: Look
    stale: bool
    problem: Problem | None

    @property
    def step(self) -> int:
        """Its step."""
        return int(self.look.state.step)


@dataclass
class Simulation:
    """A simulation under way; `state` is always the last accepted one.

    Attributes:
        config: The run.
        structure: The atoms.
        table: The same in slots.
        engine: The compiled loop.
        state: The last accepted state.
        capacity: Sizes of the neighbor matrix.
        watch: The uncertainty.
        clock: Events.
        conserved: Conserved quantity of the state (eV); nan before the first forces.
        neighbors: Neighbor list of the state.
        tally: Work done.
    """

    config: MDConfig
    structure: Structure
    table: AtomTable
    engine: Engine
    state: MDState
    capacity: Capacity
    watch: UncertaintyWatch
    clock: EventClock
    conserved: float = float("nan")
    neighbors: NeighborList = field(init=False)
    tally: Tally = field(default_factory=Tally)

    @property
    def step(self) -> int:
        """Step of the state, also if its forces are still to be evaluated."""
        return int(max(self.state.step, -1 - self.state.step))

    def atom_virials(self) -> Float[np.ndarray, "atoms 3 3"]:
        """Share of each atom in the virial of the state (eV), see `limlff.prediction`."""
        potential = self.engine.potential
        virials = atom_virials(
            potential.model,
            self.engine.dtype,
            potential.parameters,
            self.table.species,
            self.state.positions,
            self.state.cell,
            self.neighbors.matrix,
        )
        return np.array(virials[: len(self.structure)])

    def rebuild(self, positions: Any = None, cell: Any = None) -> None:
        """Neighbor list for the present state, or for the configuration that is given."""
        self.neighbors, self.capacity = self._list(
            self.structure,
            np.asarray(self.state.positions if positions is None else positions),
            np.asarray(self.state.cell if cell is None else cell),
            self.capacity,
        )

    def _list(
        self,
        structure: Structure,
        positions: np.ndarray,
        cell: np.ndarray,
        capacity: Capacity,
    ) -> tuple[NeighborList, Capacity]:
        start = time.perf_counter()
        neighbors, capacity = list_neighbors(
            positions, cell, structure.periodic, len(structure), self.engine.list_radius, capacity
        )
        self.tally.builds += 1
        self.tally.build_seconds += time.perf_counter() - start
        return neighbors, capacity

    def advance_to(self, stop: int) -> None:
        """Advance to a step, accepting states on the way, building lists anew where needed."""
        fresh_list = False
        while self.state.step < stop:
            attempt = self._try(stop)
            if attempt.stale and fresh_list and attempt.step == self.step:
                problem = Problem(
                    f"an atom moves, or the cell shrinks, by more than skin_angstrom = "
                    f"{self.config.skin_angstrom} Å allows in one step; use a shorter timestep_fs"
                )
                raise Halted(problem, attempt.look)
            if attempt.problem:
                raise self._narrow(attempt, attempt.problem)
            doubt = self._doubt(attempt)
            if doubt:
                raise Halted(doubt, attempt.look)
            self._accept(attempt)
            fresh_list = attempt.stale
            if attempt.stale:
                try:
                    self.rebuild()
                except InputError as error:  # no fault of the input: the run has led there
                    raise Halted(Problem(str(error)), attempt.look) from error
                self._refuse_collapse(attempt.look)

    def _try(self, stop: int) -> Attempt:
        state, stale, conserved = self.engine.advance(self.state, self.table, self.neighbors, stop)
        begin = time.perf_counter()
        look = Look(state, self.structure, self.config, float(conserved), self.conserved)
        attempt = Attempt(look, bool(stale), find_problem(look))
        self.tally.guard_seconds += time.perf_counter() - begin
        return attempt

    def _accept(self, attempt: Attempt) -> None:
        steps = attempt.step - self.step
        self.tally.steps += steps
        self.tally.atom_steps += steps * len(self.structure)
        self.state, self.conserved = attempt.look.state, attempt.look.conserved

    def _narrow(self, bad: Attempt, problem: Problem) -> Halted:
        """Accept what is good of a chunk that failed; returns its first bad step."""
        while bad.step - self.step > 1:
            attempt = self._try((self.step + bad.step) // 2)
            if attempt.problem:
                bad, problem = attempt, attempt.problem
            else:
                self._accept(attempt)
        return Halted(problem, bad.look)

    def _doubt(self, attempt: Attempt) -> Problem | None:
        """Whether the potential is out of its depth in a state."""
        if not self.watch.is_due(attempt.step):
            return None
        begin, state = time.perf_counter(), attempt.look.state
        problem = self.watch.examine(
            attempt.step,
            self.table.species,  # type: ignore[arg-type]
            state.positions,  # type: ignore[arg-type]
            state.cell,  # type: ignore[arg-type]
            self.neighbors.matrix,
            self.structure.numbers,
        )
        self.tally.assessments += 1
        self.tally.guard_seconds += time.perf_counter() - begin
        return problem

    def _refuse_collapse(self, look: Look) -> None:
        if self.capacity.slots <= self.config.guards.max_neighbors:
            return
        counts = np.asarray(self.neighbors.matrix.mask).sum(axis=0)
        problem = too_many_neighbors(counts, look)
        if problem:
            raise Halted(problem, look)

    def let_events_happen(self) -> None:
        """Atoms come and go at the present step, where events are due."""
        due, count = self.clock.due(self.step), len(self.structure)
        if not due:
            return
        atoms = Population(
            self.structure,
            np.asarray(self.state.positions)[:count],
            np.asarray(self.state.momenta)[:count],
            np.asarray(self.state.cell),
            np.arange(count),
        )
        try:
            for index in due:
                atoms = happen(self.config.events[index], index, self.step, atoms, self.config)
            self.evaluate_anew(atoms.structure, to_slots(atoms, self.state, self.step))
        except (EventImpossible, InputError) as error:
            look = Look(self.state, self.structure, self.config, self.conserved, self.conserved)
            raise Halted(Problem(str(error)), look) from error
        self.watch.resized(atoms.kept, len(atoms.structure))
        for index in due:
            self.clock.counts[index] += 1

    def evaluate_anew(self, structure: Structure, state: MDState) -> None:
        """Go on with other atoms or forces; the change of the energy is booked into the bath."""
        slots, capacity = len(np.asarray(state.positions)), self.capacity
        table = structure.table(self.engine.potential, slots)
        if slots > len(self.table.species):
            # grown together, so that code is compiled once
            ghosts = -(-capacity.ghosts * slots // len(self.table.species))
            capacity = replace(capacity, ghosts=ghosts)
        neighbors, capacity = self._list(
            structure, np.asarray(state.positions), np.asarray(state.cell), capacity
        )
        reached, _, conserved = self.engine.advance(state, table, neighbors, -1 - int(state.step))
        booked = 0.0 if np.isnan(self.conserved) else self.conserved - float(conserved)
        reached = replace(reached, bath_energy=reached.bath_energy + booked)
        look = Look(reached, structure, self.config, float(conserved) + booked, self.conserved)
        problem = find_problem(look)
        if problem:
            raise Halted(problem, look)
        self.structure, self.table, self.state = structure, table, reached
        self.neighbors, self.capacity, self.conserved = neighbors, capacity, look.conserved
        self._refuse_collapse(look)
