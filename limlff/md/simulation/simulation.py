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
from limlff.md.guards.checks import find_violation, too_many_neighbors
from limlff.md.guards.violation import Snapshot, Violation
from limlff.md.guards.watch import UncertaintyWatch
from limlff.md.simulation.arrivals import EventClock
from limlff.md.simulation.engine import Engine, NeighborList, list_neighbors
from limlff.md.simulation.events import apply_due, padded_state
from limlff.md.simulation.population import EventImpossible, Population
from limlff.md.simulation.tally import Tally
from limlff.md.system.state import AtomTable, MDState
from limlff.md.system.structure import Structure
from limlff.neighbors.host import Capacity
from limlff.prediction.atom_virials import atom_virials


class Halted(Exception):
    """A guard was violated.

    Args:
        violation: What is wrong.
        snapshot: The state that was not accepted.
    """

    def __init__(self, violation: Violation, snapshot: Snapshot) -> None:
        super().__init__(violation.sentence)
        self.violation, self.snapshot = violation, snapshot


class Attempt(NamedTuple):
    """A state that the loop reached, and whether it can be accepted."""

    snapshot: Snapshot
    stale: bool
    violation: Violation | None

    @property
    def step(self) -> int:
        """Its step."""
        return int(self.snapshot.state.step)


@dataclass
class Simulation:
    """A simulation under way; `state` is always the last accepted one.

    Attributes:
        config: The run.
        structure: The atoms.
        table: The same, padded.
        engine: The compiled loop.
        state: The last accepted state.
        capacity: Sizes of the neighbor matrix.
        watch: The uncertainty.
        clock: Events.
        digest: Digest of the potential, see `forces_digest`.
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
    digest: str
    conserved: float = float("nan")
    neighbors: NeighborList = field(init=False)
    tally: Tally = field(default_factory=Tally)

    @property
    def step(self) -> int:
        """Step of the state."""
        return int(self.state.step)

    def atom_virials(self) -> Float[np.ndarray, "atoms 3 3"]:
        """Share of each atom in the virial of the state (eV), see `limlff.prediction`."""
        virials = atom_virials(
            self.engine.predictor,
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
        while self.step < stop or not self.state.forces_known:
            attempt = self._try(stop)
            if attempt.stale and fresh_list and attempt.step == self.step:
                sentence = (
                    f"an atom moves, or the cell shrinks, by more than skin_angstrom = "
                    f"{self.config.skin_angstrom} Å allows in one step; use a shorter timestep_fs"
                )
                raise Halted(Violation("skin_angstrom", sentence), attempt.snapshot)
            if attempt.violation:
                raise self._narrow(attempt, attempt.violation)
            violation = self._check_uncertainty(attempt)
            if violation:
                raise Halted(violation, attempt.snapshot)
            self._accept(attempt)
            fresh_list = attempt.stale
            if attempt.stale:
                try:
                    self.rebuild()
                except InputError as error:  # no fault of the input: the run has led there
                    violation = Violation("neighbor_search", str(error))
                    raise Halted(violation, attempt.snapshot) from error
                self._refuse_collapse(attempt.snapshot)

    def _try(self, stop: int) -> Attempt:
        state, stale, conserved = self.engine.advance(self.state, self.table, self.neighbors, stop)
        begin = time.perf_counter()
        snapshot = Snapshot(state, self.structure, self.config, float(conserved), self.conserved)
        attempt = Attempt(snapshot, bool(stale), find_violation(snapshot))
        self.tally.guard_seconds += time.perf_counter() - begin
        return attempt

    def _accept(self, attempt: Attempt) -> None:
        steps = attempt.step - self.step
        self.tally.steps += steps
        self.tally.atom_steps += steps * len(self.structure)
        self.state, self.conserved = attempt.snapshot.state, attempt.snapshot.conserved

    def _narrow(self, bad: Attempt, violation: Violation) -> Halted:
        """Accept what is good of a chunk that failed; returns its first bad step."""
        while bad.step - self.step > 1:
            attempt = self._try((self.step + bad.step) // 2)
            if attempt.violation:
                bad, violation = attempt, attempt.violation
            else:
                self._accept(attempt)
        return Halted(violation, bad.snapshot)

    def _check_uncertainty(self, attempt: Attempt) -> Violation | None:
        """Whether the potential is too uncertain of a state."""
        if not self.watch.is_due(attempt.step):
            return None
        begin, state = time.perf_counter(), attempt.snapshot.state
        violation = self.watch.examine(
            attempt.step,
            self.table.species,  # type: ignore[arg-type]
            state.positions,  # type: ignore[arg-type]
            state.cell,  # type: ignore[arg-type]
            self.neighbors.matrix,
            self.structure.numbers,
        )
        self.tally.assessments += 1
        self.tally.guard_seconds += time.perf_counter() - begin
        return violation

    def _refuse_collapse(self, snapshot: Snapshot) -> None:
        if self.capacity.neighbors <= self.config.guards.max_neighbors:
            return
        counts = np.asarray(self.neighbors.matrix.mask).sum(axis=0)
        violation = too_many_neighbors(counts, snapshot)
        if violation:
            raise Halted(violation, snapshot)

    def apply_events(self) -> None:
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
            atoms = apply_due(due, self.step, atoms, self.config)
            self.evaluate_anew(atoms.structure, padded_state(atoms, self.state))
        except (EventImpossible, InputError) as error:
            conserved = self.conserved
            snapshot = Snapshot(self.state, self.structure, self.config, conserved, conserved)
            raise Halted(Violation("event", str(error)), snapshot) from error
        self.watch.resized(atoms.kept, len(atoms.structure))
        for index in due:
            self.clock.counts[index] += 1

    def evaluate_anew(self, structure: Structure, state: MDState) -> None:
        """Go on with other atoms or forces; the change of the energy is booked into the bath."""
        size, capacity = len(np.asarray(state.positions)), self.capacity
        table = structure.table(self.engine.predictor.potential, size)
        if size > len(self.table.species):
            # grown together, so that code is compiled once
            ghosts = -(-capacity.ghosts * size // len(self.table.species))
            capacity = replace(capacity, ghosts=ghosts)
        neighbors, capacity = self._list(
            structure, np.asarray(state.positions), np.asarray(state.cell), capacity
        )
        reached, _, conserved = self.engine.advance(state, table, neighbors, int(state.step))
        booked = 0.0 if np.isnan(self.conserved) else self.conserved - float(conserved)
        reached = replace(reached, bath_energy=reached.bath_energy + booked)
        after = float(conserved) + booked
        snapshot = Snapshot(reached, structure, self.config, after, self.conserved)
        violation = find_violation(snapshot)
        if violation:
            raise Halted(violation, snapshot)
        self.structure, self.table, self.state = structure, table, reached
        self.neighbors, self.capacity, self.conserved = neighbors, capacity, after
        self._refuse_collapse(snapshot)
