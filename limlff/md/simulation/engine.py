"""The compiled loop over steps.

One program is compiled per shape of atoms and neighbors. It advances until a given step or until
the neighbor list could miss a pair; the step that would break the list is not taken, so that no
force ever comes from an incomplete list.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from limlff.md.ensembles.integrators import Integrator
from limlff.md.system.state import AtomTable, MDState
from limlff.neighbors.choice import choose_builder
from limlff.neighbors.host import Capacity
from limlff.neighbors.matrix import NeighborMatrix
from limlff.neighbors.skin import list_is_complete
from limlff.precision import own_precision
from limlff.prediction import Predictor


@jax.tree_util.register_dataclass
@dataclass(frozen=True)
class NeighborList:
    """A neighbor matrix and the configuration for which it was built.

    Attributes:
        matrix: The pairs.
        positions: Positions at that time (Å).
        cell: Cell at that time (Å).
    """

    matrix: NeighborMatrix
    positions: Float[Array, "atoms 3"]
    cell: Float[Array, "3 3"]


class Reached(NamedTuple):
    """Where the loop ended, in NumPy arrays.

    Attributes:
        state: The last state.
        stale: Whether the neighbor list must be built anew before the next step.
        conserved: Conserved quantity of the state (eV).
    """

    state: MDState
    stale: Bool[np.ndarray, ""]
    conserved: Float[np.ndarray, ""]


@dataclass
class Engine:
    """Advances states with one potential and one integrator.

    Attributes:
        predictor: Of the potential.
        integrator: The equations of motion.
        skin: Added to the cutoff in neighbor lists (Å).
        compile_seconds: Time spent in compilation so far (s).
        compilations: Programs compiled so far.
    """

    predictor: Predictor
    integrator: Integrator
    skin: float
    compile_seconds: float = 0.0
    _programs: dict[tuple[int, ...], Any] = field(default_factory=dict)

    @property
    def list_radius(self) -> float:
        """Radius of neighbor lists: cutoff and skin (Å)."""
        return self.predictor.potential.cutoff + self.skin

    @property
    def compilations(self) -> int:
        """Programs compiled so far."""
        return len(self._programs)

    @own_precision()
    def advance(
        self, state: MDState, atoms: AtomTable, neighbors: NeighborList, stop: int
    ) -> Reached:
        """Advance a state.

        Args:
            state: Where to start; its forces are evaluated first if they are not known.
            atoms: The atoms.
            neighbors: A list that is complete for the state.
            stop: Step at which to end.

        Returns:
            Where it ended.
        """
        shape = (
            len(state.positions),
            *neighbors.matrix.lists.shape,
            len(neighbors.matrix.ghost_owner),
        )
        arguments = (state, atoms, neighbors, np.int64(stop))
        if shape not in self._programs:
            begin = time.perf_counter()
            self._programs[shape] = jax.jit(self._loop).lower(*arguments).compile()
            self.compile_seconds += time.perf_counter() - begin
        return Reached(*jax.tree.map(np.asarray, self._programs[shape](*arguments)))

    def _loop(
        self, state: MDState, atoms: AtomTable, neighbors: NeighborList, stop: Any
    ) -> tuple[MDState, Bool[Array, ""], Float[Array, ""]]:
        def goes_on(carry: tuple[MDState, Array]) -> Array:
            return (~carry[0].forces_known | (carry[0].step < stop)) & ~carry[1]

        def body(carry: tuple[MDState, Array]) -> tuple[MDState, Array]:
            return self._step(carry[0], atoms, neighbors)

        reached, stale = jax.lax.while_loop(goes_on, body, (state, jnp.array(False)))
        return reached, stale, self.integrator.conserved(reached, atoms)

    def _step(
        self, state: MDState, atoms: AtomTable, neighbors: NeighborList
    ) -> tuple[MDState, Bool[Array, ""]]:
        """One step, or the unchanged state if the list does not allow for it."""
        # A state without forces passes through once with its positions and its step kept, to get
        # them; so the potential is compiled once only.
        fresh = ~state.forces_known
        moved, memory = self.integrator.begin(state, atoms)
        moved = _choose(fresh, state, moved)
        complete = list_is_complete(
            moved.positions,
            moved.cell,
            neighbors.positions,
            neighbors.cell,
            self.predictor.potential.cutoff,
            self.skin,
        )

        def finish() -> MDState:
            evaluated = self._evaluate(moved, atoms, neighbors)
            finished = self.integrator.finish(evaluated, memory, atoms)
            step = jnp.where(fresh, state.step, state.step + 1)
            reached = _choose(fresh, evaluated, finished)
            return replace(reached, step=step, forces_known=jnp.array(True))

        return jax.lax.cond(complete, finish, lambda: state), ~complete

    def _evaluate(self, state: MDState, atoms: AtomTable, neighbors: NeighborList) -> MDState:
        """The state with forces, energy and virial at its positions."""
        prediction = self.predictor.predict(
            atoms.species, state.positions, state.cell, neighbors.matrix
        )
        return replace(
            state,
            forces=prediction.forces * atoms.mobile,
            energy=prediction.energy,
            virial=prediction.virial,
        )


def _choose(first: Bool[Array, ""], a: MDState, b: MDState) -> MDState:
    return jax.tree.map(lambda x, y: jnp.where(first, x, y), a, b)


def roomy_capacity(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    radius: float,
) -> Capacity:
    """Sizes that hold the neighbors also once heat has disordered the atoms.

    They are those of a copy whose atoms are displaced at random by 0.3 Å in each direction, about
    what melting does: a perfect crystal has whole shells of neighbors just beyond the radius.
    """
    noise = np.random.default_rng(0).normal(scale=0.3, size=positions.shape)
    build = choose_builder()
    _, still = build(positions, cell, periodic, radius)
    _, moved = build(positions + noise, cell, periodic, radius)
    return Capacity(max(still.neighbors, moved.neighbors), max(still.ghosts, moved.ghosts))


def list_neighbors(
    positions: Float[np.ndarray, "atoms 3"],
    cell: Float[np.ndarray, "3 3"],
    periodic: np.ndarray,
    count: int,
    radius: float,
    capacity: Capacity | None,
) -> tuple[NeighborList, Capacity]:
    """Neighbor list of the first `count` of padded atoms.

    Args:
        positions: Positions (Å).
        cell: Cell vectors as rows (Å).
        periodic: Periodicity along each cell vector.
        count: Number of real atoms; those behind them are empty.
        radius: Cutoff plus skin (Å).
        capacity: Sizes to keep if the pairs fit.
    """
    build = choose_builder()
    matrix, capacity = build(positions[:count], cell, periodic, radius, capacity, len(positions))
    return NeighborList(matrix, positions, cell), capacity  # type: ignore[arg-type]
